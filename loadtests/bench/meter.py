"""What a span of time cost the server and Postgres."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from time import perf_counter, process_time
from typing import Any, TypeVar

from loadtests.bench.load import undisturbed
from loadtests.bench.processes import cpu_seconds
from loadtests.bench.servers import Bench, Server

SETTLE_SECONDS = 20.0
SETTLE_STEP_SECONDS = 1.0
SETTLED_SHARE = 0.03  # of a core; an idle server's heartbeats and probes stay below
TRIES_MAX = 3

T = TypeVar("T")


@dataclass
class Cost:
    """Seconds of the clock, and of CPU: the server's process tree and all of Postgres (every backend and helper).

    `client_cpu` is the load generator's own: never charged, but told, since it shares the machine.
    """

    seconds: float = 0.0
    server_cpu: float = 0.0
    postgres_cpu: float = 0.0
    client_cpu: float = 0.0

    @property
    def cpu(self) -> float:
        return self.server_cpu + self.postgres_cpu

    def add(self, other: Cost) -> None:
        self.seconds += other.seconds
        self.server_cpu += other.server_cpu
        self.postgres_cpu += other.postgres_cpu
        self.client_cpu += other.client_cpu

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@contextmanager
def metered(bench: Bench, server: Server) -> Iterator[Cost]:
    """The cost of what happens inside; its numbers are set when the block ends. Our own collector rests meanwhile."""
    cost = Cost()
    with undisturbed():
        server_cpu, postgres_cpu = cpu_seconds(server.pid), cpu_seconds(bench.postgres.pid)
        started_at, client_cpu = perf_counter(), process_time()
        yield cost
        cost.seconds = perf_counter() - started_at
        cost.client_cpu = process_time() - client_cpu
        cost.server_cpu = cpu_seconds(server.pid) - server_cpu
        cost.postgres_cpu = cpu_seconds(bench.postgres.pid) - postgres_cpu


async def settled(bench: Bench, server: Server) -> bool:
    """Wait until server and Postgres are idle, so that what was before is not charged to what comes.

    Gives up after 20 s with `False`.
    """
    for _ in range(int(SETTLE_SECONDS / SETTLE_STEP_SECONDS)):
        before = cpu_seconds(server.pid, bench.postgres.pid)
        await asyncio.sleep(SETTLE_STEP_SECONDS)
        if cpu_seconds(server.pid, bench.postgres.pid) - before <= SETTLED_SHARE * SETTLE_STEP_SECONDS:
            return True
    return False


async def patiently(bench: Bench, server: Server, load: Callable[[], Awaitable[T]]) -> T:
    """What an open loop gives; again when others kept the machine so busy that its moments could not be kept."""
    for _ in range(TRIES_MAX - 1):
        try:
            return await load()
        except RuntimeError as error:
            print(f"  {server.name} again: {error}", file=sys.stderr, flush=True)
            await settled(bench, server)
    return await load()
