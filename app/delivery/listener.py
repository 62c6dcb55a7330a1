"""The listener: keeps this process's tail at the log's head, whatever way it hears of it.

Own commits are offered directly; everything else is only a hint that there is more to read. One read of the table is
in flight at a time, and what is new meanwhile comes with the next one. When the bus is deaf the head is asked for every
300 ms; when it hears, still every few seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic

import structlog

from app import metrics
from app.database import AWAY, FAILED
from app.delivery import log
from app.delivery.bus import Bus
from app.delivery.hub import HUB, TAIL_EVENTS_MAX, Entry, entry_of

PAGE = 1_000
DEAF_POLL_SECONDS = 0.3
HEAD_CHECK_SECONDS = 3.0
REACH_SECONDS = 2.0
SETTLE_SECONDS = 0.005

logger = structlog.get_logger("parley.listener")


class Listener:
    def __init__(self) -> None:
        self.bus: Bus | None = None
        self.target = 0
        self.wanted = asyncio.Event()
        self.moved = asyncio.Condition()
        self.checked_at = 0.0
        self.committing = 0
        self.looking: asyncio.TimerHandle | None = None

    # --- what is heard ---------------------------------------------------------------------------------------------

    def hint(self, position: int) -> None:
        """The log may have reached this position."""
        if position > HUB.head:
            self.target = max(self.target, position)
            if self.committing:
                self._look_soon()
            else:
                self.wanted.set()

    def _look_soon(self) -> None:
        """A NOTIFY of our own commit often comes before its answer: give that a moment before the table is read for it.
        No task wakes for a hint that was overtaken."""
        if self.looking is None:
            self.looking = asyncio.get_running_loop().call_later(SETTLE_SECONDS, self._look)

    def _look(self) -> None:
        self.looking = None
        if self.target > HUB.head:
            self.wanted.set()

    @contextmanager
    def commits(self) -> Iterator[None]:
        """Around a commit of this process: what it says is offered after it, so a hint of it need not be followed."""
        self.committing += 1
        try:
            yield
        finally:
            self.committing -= 1

    def offer(self, entries: Iterable[Entry]) -> None:
        """Entries that this process has just committed; where others' came between, the table is read."""
        entries = list(entries)
        if entries and not HUB.offer(entries):
            self.target = max(self.target, entries[-1].position)
            self.wanted.set()

    async def reach(self, position: int) -> None:
        """Try to bring the tail up to a position that a client has seen elsewhere."""
        with suppress(TimeoutError, *AWAY):
            async with asyncio.timeout(REACH_SECONDS):
                if (await log.head()).position >= position:
                    self.target = max(self.target, position)
                    self.wanted.set()
                    async with self.moved:
                        await self.moved.wait_for(lambda: HUB.head >= position)

    # --- keeping up ------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Load the tail from the table."""
        head = await log.check_epoch()
        HUB.restart(head, max(head.floor, head.position - TAIL_EVENTS_MAX))
        self.target = head.position
        await self._read_to_target()

    async def run(self) -> None:
        """Read the table whenever there is something to read, and look at the head from time to time."""
        while True:
            is_hearing = self.bus is not None and self.bus.is_hearing
            pause = HEAD_CHECK_SECONDS if is_hearing else DEAF_POLL_SECONDS
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self.wanted.wait()
            self.wanted.clear()
            try:
                if monotonic() - self.checked_at >= pause:
                    await self.check_head()
                await self._read_to_target()
            except FAILED as error:
                logger.warning("cannot read the log", error=type(error).__name__)
                await asyncio.sleep(DEAF_POLL_SECONDS)
                self.wanted.set()

    async def check_head(self) -> None:
        """Compare heads: this is what makes every lost hint harmless, and what notices another history."""
        self.checked_at = monotonic()
        known = HUB.head  # of before the query: own commits may be offered while it is under way
        head = await log.head()
        if head.epoch != HUB.epoch or head.position < known:
            await self._change_epoch(is_rewound=head.epoch == HUB.epoch)
        else:
            HUB.log_floor = head.floor
            self.hint(head.position)

    async def on_connect(self) -> None:
        """After each new connection to the server: is it the same one, and what was missed?"""
        head = await log.check_epoch()
        if head.epoch != HUB.epoch:
            await self._change_epoch(is_rewound=False)
        await self.check_head()

    async def _change_epoch(self, *, is_rewound: bool) -> None:
        head = await log.check_epoch(is_rewound=is_rewound)
        logger.warning("the log has another history now", epoch=head.epoch, position=head.position)
        HUB.restart(head, max(head.floor, head.position - TAIL_EVENTS_MAX))
        self.target = head.position
        self.wanted.set()

    async def _read_to_target(self) -> None:
        while self.target > HUB.head:
            epoch = HUB.epoch
            rows = await log.read(HUB.head, PAGE)
            if epoch != HUB.epoch:
                continue
            if not rows:  # the hint was wrong, or the events were trimmed while we slept
                await self._skip_trimmed()
                break
            if not HUB.offer([entry_of(epoch, row) for row in rows]):
                await self._skip_trimmed()
            metrics.LAG.observe(max(0.0, rows[-1]["age"]))
            async with self.moved:
                self.moved.notify_all()
        async with self.moved:
            self.moved.notify_all()

    async def _skip_trimmed(self) -> None:
        head = await log.head()
        if head.floor > HUB.head:
            HUB.restart(head, head.floor)
        self.target = max(HUB.head, head.position)


LISTENER = Listener()
"""This process's listener."""


def signal(kind: str, data: str, audience: list[str]) -> None:
    """Tell the live readers of these users, at every process."""
    if LISTENER.bus is not None:
        LISTENER.bus.signal(kind, data, audience)
