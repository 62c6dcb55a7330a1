"""The one clock of all readers: heartbeats, ends of tokens and ages, stalled writes. No timer per stream."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from weakref import ref

from app.delivery.frames import ping
from app.delivery.hub import HUB
from app.delivery.reader import Reader
from app.delivery.wire import framed

TICK_SECONDS = 0.5  # an expired token ends its streams within a second


class Wheel:
    def __init__(self) -> None:
        self.due: list[tuple[float, int, ref[Reader]]] = []
        self.number = itertools.count()

    def add(self, reader: Reader) -> None:
        self._push(reader, reader.due_at(time.monotonic()))

    def _push(self, reader: Reader, at: float) -> None:
        heapq.heappush(self.due, (at, next(self.number), ref(reader)))

    def turn(self) -> None:
        """Tick every reader that is due. Whoever waits has everything, so one heartbeat serves them all: measured, half
        of what one of its own cost each."""
        now = time.monotonic()
        heartbeat = None
        while self.due and self.due[0][0] <= now:
            reader = heapq.heappop(self.due)[2]()
            if reader is None or (at := reader.tick(now)) is None:
                continue
            if reader.is_ping_due:
                heartbeat = heartbeat or framed(ping(str(HUB.cursor)))
                reader.beat(heartbeat)
            self._push(reader, max(at, now + TICK_SECONDS))

    async def run(self) -> None:
        while True:
            self.turn()
            HUB.measure()
            await asyncio.sleep(TICK_SECONDS)


WHEEL = Wheel()
