"""Scenario `workers`: how much more two workers on one port can do than one.

A benchmark on a few cores cannot let two workers, Postgres and its own client run as fast as they like: whoever waits
for a core is not measured but guessed. So each worker's CPU is counted instead, for three kinds of work, and

    capacity = work done / CPU seconds of the busiest worker

which is what the workers could do a second if everything else had cores of its own. The load a worker (so many senders
and readers each) is the same with one and with two, because how much is committed together depends on it. Both servers
are up at once and take turns. The speeds themselves are told too; on two cores they say little.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import psutil

from loadtests.bench import check, servers
from loadtests.bench.client import Call
from loadtests.bench.fanout import PEOPLE, STREAMS_EACH, sending
from loadtests.bench.load import Sender, Stage, closed_loop, delivered, stage_of_pairs
from loadtests.bench.meter import metered, settled
from loadtests.bench.people import open_chats
from loadtests.bench.processes import cpu_seconds
from loadtests.bench.reading import read_for
from loadtests.bench.report import Report, Row, at_least, at_most, told
from loadtests.bench.servers import Bench, Server
from loadtests.bench.streams import Tally, open_streams

WORKERS = (1, 2)
RATIO_MIN = 1.6
CONVERSATIONS = 200
AT_ONCE = 16  # senders, or readers, a worker
CONNECTIONS = 128  # a worker; over many the kernel shares them out evenly
PAGE = 50
KINDS = {"deliveries": "deliveries to 1,000 streams", "reads": "pages of 50 messages", "sends": "messages of pairs"}


@dataclass
class Work:
    """What was done of one kind. CPU in seconds; `workers_cpu` in the order of process ids."""

    units: int = 0
    seconds: float = 0.0
    workers_cpu: list[float] = field(default_factory=list)
    postgres_cpu: float = 0.0
    faults: int = 0

    @property
    def capacity(self) -> float:
        """Units a second, if the busiest worker had a core of its own and never waited."""
        return self.units / max(0.01, *self.workers_cpu)

    @property
    def cpu_us(self) -> float:
        return (sum(self.workers_cpu) + self.postgres_cpu) / max(1, self.units) * 1e6

    @property
    def per_second(self) -> float:
        return self.units / max(0.01, self.seconds)

    def as_json(self) -> dict[str, Any]:
        derived = {"capacity": self.capacity, "cpu_us": self.cpu_us, "per_second": self.per_second}
        return {**asdict(self), **derived}


@dataclass
class Side:
    """A server, its workers, the people at it, and what each kind of work cost."""

    server: Server
    pids: list[int]
    pairs: Stage
    crowd: Stage
    pages: list[bytes]
    work: dict[str, Work] = field(default_factory=lambda: {kind: Work() for kind in KINDS})

    @contextmanager
    def working(self, bench: Bench, kind: str) -> Iterator[Work]:
        """Add up what happens inside."""
        work, before = self.work[kind], [cpu_seconds(pid) for pid in self.pids]
        with metered(bench, self.server) as cost:
            yield work
        spent = [cpu_seconds(pid) - then for pid, then in zip(self.pids, before, strict=True)]
        work.workers_cpu = [old + new for old, new in zip(work.workers_cpu or [0.0] * len(spent), spent, strict=True)]
        work.postgres_cpu += cost.postgres_cpu
        work.seconds += cost.seconds


async def measure(bench: Bench, report: Report) -> list[Row]:
    turns, seconds, sends = (1, 2.0, 10) if bench.is_quick else (4, 2.5, 25)
    async with AsyncExitStack() as stack:
        sides = {workers: await stack.enter_async_context(_side(bench, workers)) for workers in WORKERS}
        for turn in range(turns + 1):
            for side in sides.values():
                if turn == 1:
                    side.work = {kind: Work() for kind in KINDS}  # the first turn was to warm up
                await settled(bench, side.server)
                await _turn(bench, side, seconds, sends)
    report.raw["workers"] = {
        str(workers): {kind: work.as_json() for kind, work in side.work.items()} for workers, side in sides.items()
    }
    return _rows(*(sides[workers] for workers in WORKERS))


def _rows(one: Side, two: Side) -> list[Row]:
    capacity = {kind: two.work[kind].capacity / one.work[kind].capacity for kind in KINDS}
    found = [
        at_least(f"capacity of two workers, of one's: {what}", capacity[kind], RATIO_MIN, " ×")
        for kind, what in KINDS.items()
    ]
    faults = sum(work.faults for side in (one, two) for work in side.work.values())
    found.append(at_most("messages lost, doubled, refused or out of order; pages refused", faults, 0))
    for kind, what in KINDS.items():
        for side in (one, two):
            name, work = f"{len(side.pids)} worker{'s' if len(side.pids) > 1 else ''}: {what}", side.work[kind]
            found.append(told(f"  a second, all on this machine's cores, {name}", work.per_second))
            found.append(told(f"  CPU each (workers and Postgres), {name}", work.cpu_us, " µs"))
    return found


@asynccontextmanager
async def _side(bench: Bench, workers: int) -> AsyncIterator[Side]:
    """A server with so many workers; everyone connected only when all of them take connections."""
    database = f"parley_workers_{workers}"
    await servers.migrated(bench, database)
    async with servers.started(bench, database, workers) as server:
        await settled(bench, server)
        pairs = await stage_of_pairs(server, CONVERSATIONS)
        yield Side(server, _workers_of(server, workers), pairs, await _crowd(server), _pages(pairs))


def _workers_of(server: Server, workers: int) -> list[int]:
    """Process ids: the server's own, or its children's. Raises `RuntimeError` when there are more or fewer."""
    pids = [server.pid] if workers == 1 else sorted(child.pid for child in psutil.Process(server.pid).children())
    if len(pids) != workers:
        raise RuntimeError(f"{len(pids)} workers run, and {workers} were asked for")
    return pids


async def _crowd(server: Server) -> Stage:
    [chat] = await open_chats(server, [tuple(f"person-{number}" for number in range(PEOPLE))])
    tally = Tally()
    readers = [member for member in chat.members for _ in range(STREAMS_EACH)]
    return Stage(server, [chat], await open_streams(server.port, readers, tally), tally)


def _pages(stage: Stage) -> list[bytes]:
    """The newest page of every conversation, asked by its buyer."""
    path = "/api/v1/conversations/{}/messages?limit={}".format
    return [Call("GET", path(chat.id, PAGE), chat.members[0].token).encode() for chat in stage.chats]


async def _turn(bench: Bench, side: Side, seconds: float, sends: int) -> None:
    await _send(bench, side, seconds)
    await _read(bench, side, seconds)
    await _deliver(bench, side, sends)


async def _send(bench: Bench, side: Side, seconds: float) -> None:
    workers = len(side.pids)
    side.pairs.forget()
    with side.working(bench, "sends") as work:
        load = closed_loop(side.pairs, seconds, senders=AT_ONCE * workers, connections=CONNECTIONS * workers)
        sent = await delivered(side.pairs, load)
    verdict = check.verdict(side.pairs, sent)
    work.units += verdict.acknowledged
    work.faults += verdict.faults()


async def _read(bench: Bench, side: Side, seconds: float) -> None:
    at_once, connections = AT_ONCE * len(side.pids), CONNECTIONS * len(side.pids)
    with side.working(bench, "reads") as work:
        found = await read_for(side.server.port, side.pages, seconds, at_once=at_once, connections=connections)
    work.units += found.answered
    work.faults += found.refused


async def _deliver(bench: Bench, side: Side, sends: int) -> None:
    """One message after the other to all of the crowd."""
    sender = Sender(lambda: None)
    side.crowd.forget()
    try:
        await sender.open(side.server.port, len(side.pids))
        send = sending(side.crowd, sender)
        with side.working(bench, "deliveries") as work:
            for _ in range(sends):
                await send()
    finally:
        sender.close()
    verdict = check.verdict(side.crowd, sender.sent)
    work.units += verdict.delivered
    work.faults += verdict.faults()
