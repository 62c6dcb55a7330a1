"""The listener: keeps this process's tail at the log's head, whatever way it hears of it.

Own commits are offered directly; everything else is only a hint that there is more to read. One read of the table is
in flight at a time, and what is new meanwhile comes with the next one. When the bus is deaf the head is asked for every
300 ms; when it hears, still every few seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from time import monotonic

import structlog

from app import metrics
from app.database import AWAY, FAILED
from app.delivery import log
from app.delivery.bus import Bus
from app.delivery.hub import HUB, TAIL_EVENTS_MAX, Entry, entry_of
from app.delivery.own import Commits, Own
from app.errors import Unavailable
from app.tables import Row

PAGE = 1_000
DEAF_POLL_SECONDS = 0.3
REACH_SECONDS = 2.0
SETTLE_SECONDS = 0.05  # no commit of ours takes that long to be answered, after it was heard of

logger = structlog.get_logger("parley.listener")


class Listener:
    def __init__(self) -> None:
        self.bus: Bus | None = None
        self.target = 0
        self.wanted = asyncio.Event()
        self.moved = asyncio.Condition()
        self.own = Own()
        self.checked_at = 0.0
        self.commits = Commits(self._clear_up)
        self.unclear: tuple[int, int] | None = None
        self.doubts = 0
        self.doubts_settled = 0
        self.is_asked = False
        self.looking: asyncio.TimerHandle | None = None

    # --- what is heard ---------------------------------------------------------------------------------------------

    def hint(self, position: int) -> None:
        """The log may have reached this position."""
        if position > HUB.head:
            self.target = max(self.target, position)
            if self.commits.ended >= self.commits.begun:
                self.wanted.set()
            elif self.unclear is None:
                self._wait_for_own()

    def _wait_for_own(self) -> None:
        """What was heard of may be one of our own commits: NOTIFY often comes before the answer. So wait until those
        under way were offered, and read the table only for what is then still missing.

        Measured: at 16 senders the table was read once for every 20 messages of our own.
        """
        self.unclear = (self.target, self.commits.begun)
        if self.looking is None:
            self.looking = asyncio.get_running_loop().call_later(SETTLE_SECONDS, self._look, self.unclear)

    def _look(self, unclear: tuple[int, int]) -> None:
        """No wait without an end: after that long a commit is as good as lost."""
        self.looking = None
        if self.unclear is unclear:
            self.commits.forget()
        elif self.unclear is not None:
            self.looking = asyncio.get_running_loop().call_later(SETTLE_SECONDS, self._look, self.unclear)

    def _clear_up(self) -> None:
        if self.unclear is not None and self.commits.ended >= self.unclear[1]:
            position, self.unclear = self.unclear[0], None
            if position > HUB.head:
                self.wanted.set()
            else:
                self.hint(self.target)

    def offer(self, entries: Iterable[Entry], heard: Iterable[Row] = ()) -> None:
        """Entries that this process has just committed, and rows of the log before them that the same call has read.
        Where others' are still missing, these are read from the table first. Nothing is taken on trust while there is a
        doubt."""
        entries = [*self._heard(heard), *entries]
        if entries and (self.is_in_doubt or not HUB.offer(entries)):
            if not self.is_in_doubt:
                self.own.wait(entries)
            self.target = max(self.target, entries[-1].position)
            self.wanted.set()
        if entries and self.bus is not None:
            self.bus.tell(entries[-1].position)
        self.commits.end()

    def _heard(self, rows: Iterable[Row]) -> list[Entry]:
        """The entries of these rows that are new. None if one that is known says something else: then the log has
        another history, and is looked at."""
        new = []
        for row in rows:
            known = HUB.at(row["position"])
            if known is None:
                new.append(entry_of(HUB.epoch, row))
            elif not known.is_of(row):
                self.doubt()
                return []
        if new:
            metrics.LAG.observe(max(0.0, row["age"]))
        return new

    def told(self) -> None:
        """A transaction of this process told the log something; at which position only the table knows."""
        if self.bus is not None and not self.bus.hears_commits:
            self.is_asked = True
            self.wanted.set()

    def doubt(self) -> None:
        """A connection is a new one: behind it may be an older state of the log, whose positions are given anew."""
        self.doubts += 1
        self.own.forget()
        self.wanted.set()

    @property
    def is_hearing(self) -> bool:
        return self.bus is not None and self.bus.is_hearing

    @property
    def is_in_doubt(self) -> bool:
        return self.doubts != self.doubts_settled

    async def reach(self, position: int) -> None:
        """Bring the tail up to a position that a client has seen elsewhere, if the log has come so far. Raises
        `Unavailable` when that cannot be known now: a cursor must not be taken for invented because of that."""
        try:
            async with asyncio.timeout(REACH_SECONDS):
                if (await log.head()).position >= position:
                    self.target = max(self.target, position)
                    self.wanted.set()
                    async with self.moved:
                        await self.moved.wait_for(lambda: HUB.head >= position)
        except AWAY as error:
            raise Unavailable from error

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
            pause = self.bus.check_seconds if self.bus is not None and self.is_hearing else DEAF_POLL_SECONDS
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self.wanted.wait()
            self.wanted.clear()
            try:
                if self.is_asked or self.is_in_doubt or monotonic() - self.checked_at >= pause:
                    await self.check_head()
                await self._read_to_target()
            except FAILED as error:
                logger.warning("cannot read the log", error=type(error).__name__)
                await asyncio.sleep(DEAF_POLL_SECONDS)
                self.checked_at = 0.0
                self.wanted.set()

    async def check_head(self) -> None:
        """Compare heads: this is what makes every lost hint harmless, and what notices another history."""
        # Of before the query: own commits, and another check, may come meanwhile.
        doubts, epoch, known, last = self.doubts, HUB.epoch, HUB.head, HUB.last
        self.is_asked = False
        head, is_same_server = await log.look()
        if head.epoch != HUB.epoch or not is_same_server:
            await self._change_epoch()
        elif head.position < known or not await _has(last, head.floor):
            await self._change_epoch(rewound=epoch)
        else:
            HUB.log_floor = head.floor
            self.hint(head.position)
            if self.bus is not None:
                self.bus.tell(head.position)
        self.checked_at = monotonic()
        self.doubts_settled = doubts

    async def on_connect(self) -> None:
        """After each new connection to the server: is it the same one, and what was missed?"""
        head = await log.check_epoch()
        if head.epoch != HUB.epoch:
            await self._change_epoch()
        await self.check_head()

    async def _change_epoch(self, *, rewound: str | None = None) -> None:
        head = await log.check_epoch(rewound=rewound)
        if head.epoch == HUB.epoch:  # another check was quicker; to go back in one epoch would be to tell things twice
            return
        logger.warning("the log has another history now", epoch=head.epoch, position=head.position)
        HUB.restart(head, head.position)  # no cursor means anything older
        self.own.forget()
        self.target = head.position
        self.wanted.set()
        if self.bus is not None:
            self.bus.forget()
        for call in log.RENEWED:
            call()

    async def _read_to_target(self) -> None:
        while self.target > HUB.head:
            missing = self.own.offer(PAGE)
            epoch, last = HUB.epoch, HUB.last
            if self.target <= HUB.head:
                break
            if last is not None and last.position <= HUB.log_floor:  # trimmed: the log cannot say any more what it was
                last = None
            rows = await log.read(HUB.head - (last is not None), missing + (last is not None))
            if epoch != HUB.epoch:
                continue
            if last is not None and not _continues(rows, last):
                await self.check_head()
                await self._skip_trimmed()
                break
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
        if head.epoch != HUB.epoch:
            await self._change_epoch()
        elif head.floor > HUB.head:
            HUB.restart(head, head.floor)
        self.target = max(HUB.head, head.position)


def _continues(rows: list[Row], last: Entry) -> bool:
    """Take the row of our newest entry from what was read after it; False when it is not there, or is another's."""
    return bool(rows) and last.is_of(rows.pop(0))


async def _has(entry: Entry | None, floor: int) -> bool:
    """Whether the log still says what it said at this place; what was trimmed since cannot be asked."""
    if entry is None or entry.position <= floor:
        return True
    rows = await log.read(entry.position - 1, 1)
    return bool(rows) and entry.is_of(rows[0])


LISTENER = Listener()
"""This process's listener."""

log.TOLD.append(LISTENER.told)


def signal(kind: str, data: str, audience: list[str]) -> None:
    """Tell the live readers of these users, at every process."""
    if LISTENER.bus is not None:
        LISTENER.bus.signal(kind, data, audience)


def unsay(kind: str, say: Callable[[], str]) -> None:
    """Take back a signal that still waits to be told. What it says is asked for only if any waits."""
    if LISTENER.bus is not None and LISTENER.bus.waiting:
        LISTENER.bus.unsay(kind, say())


async def announce(kind: str, data: str) -> None:
    """Tell every process a signal for everybody, at once."""
    if LISTENER.bus is not None:
        await LISTENER.bus.announce(kind, data)
