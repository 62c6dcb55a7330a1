"""The one clock of all readers: heartbeats, ends of tokens and ages, stalled writes. No timer per stream."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from weakref import ref

from app.delivery.hub import HUB
from app.delivery.reader import Reader

TICK_SECONDS = 0.25  # an expired token ends its streams within a second


class Wheel:
    def __init__(self) -> None:
        self.due: list[tuple[float, int, ref[Reader]]] = []
        self.number = itertools.count()

    def add(self, reader: Reader) -> None:
        self._push(reader, time.monotonic())

    def _push(self, reader: Reader, at: float) -> None:
        heapq.heappush(self.due, (at, next(self.number), ref(reader)))

    def turn(self) -> None:
        """Tick every reader that is due."""
        now = time.monotonic()
        while self.due and self.due[0][0] <= now:
            reader = heapq.heappop(self.due)[2]()
            if reader is not None and (at := reader.tick(now)) is not None:
                self._push(reader, max(at, now + TICK_SECONDS))

    async def run(self) -> None:
        while True:
            self.turn()
            HUB.measure()
            await asyncio.sleep(TICK_SECONDS)


WHEEL = Wheel()
