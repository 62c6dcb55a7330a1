"""Reading: a closed loop of GETs, as `load` has one of sends. Only answers are counted."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from time import perf_counter

from loadtests.bench.client import Connection, connect
from loadtests.bench.load import DRAIN_SECONDS
from loadtests.bench.processes import until


@dataclass
class Readers:
    """Connections that ask one of the requests after the other until time is up."""

    requests: Iterator[bytes]
    free: deque[Connection] = field(default_factory=deque)
    answered: int = 0
    refused: int = 0
    waiting: int = 0
    ends_at: float = 0.0

    async def open(self, port: int, connections: int) -> None:
        for _ in range(connections):
            connection = await connect(port)
            connection.on_answer = self._answered
            self.free.append(connection)

    def ask(self) -> None:
        """The next request, on a free connection."""
        self.waiting += 1
        self.free.popleft().request(next(self.requests))

    def _answered(self, connection: Connection) -> None:
        self.waiting -= 1
        self.answered += connection.status == 200
        self.refused += connection.status != 200
        if connection.closed:
            return
        self.free.append(connection)
        if perf_counter() < self.ends_at:
            self.ask()

    def close(self) -> None:
        for connection in self.free:
            connection.on_answer = lambda _: None
            connection.close()


async def read_for(port: int, requests: list[bytes], seconds: float, at_once: int) -> Readers:
    """The requests again and again, so many at once. Raises `TimeoutError` when an answer never comes."""
    readers = Readers(cycle(requests))
    try:
        await readers.open(port, at_once)
        readers.ends_at = perf_counter() + seconds
        for _ in range(at_once):
            readers.ask()
        await asyncio.sleep(seconds)
        await until(lambda: readers.waiting == 0, DRAIN_SECONDS, "the last answers")
    finally:
        readers.close()
    return readers
