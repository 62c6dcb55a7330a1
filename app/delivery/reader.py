"""A reader: one stream or poll, which is nothing but a user and a position in the log.

`missed` gives what comes after the position, from memory or from the table; `wait` waits for a wake. Streaming and
polling are this one algorithm with two encoders (`stream.py`, `poll.py`).
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any, Literal

from app import metrics
from app.delivery import log, wire
from app.delivery.hub import HUB, Entry, entry_of

PAGE = 500  # events read from the table at once
SIGNALS_MAX = 64  # waiting for a slow reader
STALL_SECONDS = 30.0  # a write that takes longer has nobody at its other end
HEARTBEAT_JITTER = 0.2

Reason = Literal["max_age", "token_expired", "token_revoked", "draining", "too_many"]


class Lost(Exception):
    """The cursor cannot be continued: the client must load its state anew. `reason` is one word."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        metrics.RESETS.labels(reason).inc()
        super().__init__(reason)


class Ticket:
    """Who reads and until when: `expires_at` in seconds since 1970, `digest` names the token for revocation."""

    __slots__ = ("digest", "expires_at", "user_id")

    def __init__(self, user_id: str, digest: bytes, expires_at: float) -> None:
        self.user_id = user_id
        self.digest = digest
        self.expires_at = expires_at


class Reader:
    __slots__ = (
        "__weakref__",
        "_is_woken",
        "_waiter",
        "cycle",
        "digest",
        "ends",
        "epoch",
        "expires_at",
        "heartbeat_seconds",
        "is_gone",
        "is_ping_due",
        "max_age_at",
        "ping_at",
        "position",
        "sending_since",
        "signals",
        "user_id",
    )

    def __init__(self, ticket: Ticket, *, heartbeat_seconds: float, max_age_seconds: float) -> None:
        now = time.monotonic()
        self.user_id = ticket.user_id
        self.digest = ticket.digest
        self.expires_at = ticket.expires_at
        self.epoch = HUB.epoch
        self.position = HUB.head
        self.signals: list[tuple[str, bytes, bytes]] = []
        self.heartbeat_seconds = heartbeat_seconds
        self.ping_at = now + self._next_heartbeat()
        self.max_age_at = now + max_age_seconds * random.uniform(
            0.8, 1.0
        )  # a deploy's reconnects do not come back as one
        self.is_ping_due = False
        self.ends: Reason | None = None
        self.is_gone = False
        self.sending_since: float | None = None
        self.cycle: Any = None  # uvicorn's request, of a stream that is being served
        self._is_woken = False
        self._waiter: asyncio.Future[None] | None = None

    # --- waiting ---------------------------------------------------------------------------------------------------

    def wake(self) -> None:
        self._is_woken = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def push(self, piece: bytes) -> bool:
        """Write to a stream that waits, and so has everything before. As long as its client reads, this needs neither a
        future nor a turn of the stream's task; otherwise False."""
        is_waiting = self._waiter is not None and not self._is_woken
        return is_waiting and self.cycle is not None and wire.push(self.cycle, piece)

    def deliver(self, piece: bytes, position: int) -> bool:
        """Push what comes next in the log. Who does not take it is woken to look for it."""
        if self.push(piece):
            self.position = position
            return True
        self.wake()
        return False

    def beat(self, heartbeat: bytes) -> None:
        """Give a stream that waits the heartbeat of this moment; any other makes one of its own when it comes to it."""
        if self.deliver(heartbeat, HUB.head):
            self.is_ping_due = False

    async def wait(self) -> None:
        """Wait until something was said since the last `wait`. Returns at once when it already was."""
        if not self._is_woken:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        self._is_woken = False

    def hear(self, signal: tuple[str, bytes, bytes]) -> None:
        """Take a signal: (kind, data, frame). More than a slow reader can hold are dropped, signals may be."""
        if len(self.signals) < SIGNALS_MAX:
            self.signals.append(signal)
            self.wake()

    def end(self, reason: Reason) -> None:
        """Say goodbye at the next step."""
        self.ends = reason
        self.wake()

    def leave(self) -> None:
        """The client has gone."""
        self.is_gone = True
        self.wake()

    # --- reading ---------------------------------------------------------------------------------------------------

    async def begin(self, cursor: str | None, reach: Callable[[int], Awaitable[None]]) -> None:
        """Take up a cursor; none begins now. `reach` is asked when the cursor is ahead of this process's tail, which
        another process or a snapshot may well have been. Raises `Lost`; the reader then stands at the head. Raises
        `Unavailable` when nobody knows; the reader then stands at the cursor, ahead of the tail."""
        if not cursor:
            return
        parsed = log.parse_cursor(cursor)
        if parsed is None or parsed.epoch != HUB.epoch:
            raise Lost("unknown_epoch")
        self.position = parsed.position
        await self.catch_up_with(reach)

    async def catch_up_with(self, reach: Callable[[int], Awaitable[None]]) -> None:
        """Let the tail come up to the position. Raises as `begin` does."""
        if self.position > HUB.head:
            await reach(self.position)
        is_invented = self.position > HUB.head
        if self.epoch != HUB.epoch or is_invented:
            self.position = HUB.head
            raise Lost("beyond_head" if self.epoch == HUB.epoch else "unknown_epoch")

    def is_ending(self) -> bool:
        """Whether it is to say goodbye next. Not a property: mypy would take the answer for one that lasts."""
        return self.ends is not None

    @property
    def is_ahead(self) -> bool:
        """Whether the position is one that this process's tail has not reached yet."""
        return self.epoch == HUB.epoch and self.position > HUB.head

    def has_missed_nothing(self) -> bool:
        """True when memory knows that nothing of this user's came after the position."""
        is_known = self.epoch == HUB.epoch and self.position >= max(HUB.floor, HUB.log_floor)
        return is_known and not HUB.after(self.user_id, self.position, 1)

    async def missed(self) -> tuple[list[Entry], int]:
        """What this user missed, in order, and the position up to which that is complete.

        From memory all of it; from the table, for a cursor older than the tail, a page of it. Raises `Lost`.
        """
        if self.epoch != HUB.epoch:
            raise Lost("unknown_epoch")
        if self.position < HUB.log_floor:
            raise Lost("too_old")
        if self.position < HUB.floor:
            return await self._missed_in_table()
        entries = HUB.after(self.user_id, self.position, log.BEHIND_MAX + 1)
        if len(entries) > log.BEHIND_MAX:
            raise Lost("too_far_behind")
        return entries, HUB.head

    async def _missed_in_table(self) -> tuple[list[Entry], int]:
        upto, epoch = HUB.head, HUB.epoch
        rows = await log.read_of(self.user_id, self.position, upto, log.BEHIND_MAX + 1)
        if self.position < (await log.head()).floor:  # trimmed meanwhile: what was read may have holes
            raise Lost("too_old")
        if len(rows) > log.BEHIND_MAX:
            raise Lost("too_far_behind")
        page = [entry_of(epoch, row) for row in rows[:PAGE]]
        return page, page[-1].position if len(rows) > PAGE else upto

    def restart(self) -> None:
        """After `Lost`: go on from the head."""
        self.epoch = HUB.epoch
        self.position = HUB.head

    def take_signals(self) -> list[tuple[str, bytes, bytes]]:
        taken, self.signals = self.signals, []
        return taken

    # --- time ------------------------------------------------------------------------------------------------------

    def tick(self, now: float) -> float | None:
        """What is due by the clock, and when to come again (monotonic seconds); None when there is nothing more."""
        if self.is_gone:
            return None
        if self.sending_since is not None and now - self.sending_since > STALL_SECONDS and self.cycle is not None:
            self.cycle.transport.abort()
        elif self.ends is None and self.expires_at <= time.time():
            self.end("token_expired")
        elif self.ends is None and self.max_age_at <= now:
            self.end("max_age")
        elif self.ping_at <= now:
            self.ping_at = now + self._next_heartbeat()
            self.is_ping_due = True
        return self.due_at(now)

    def due_at(self, now: float) -> float:
        """When `tick` is due, in monotonic seconds."""
        if self.ends is not None:
            return self.ping_at
        return min(self.ping_at, max(now, now + self.expires_at - time.time()), self.max_age_at)

    def _next_heartbeat(self) -> float:
        return self.heartbeat_seconds * random.uniform(1 - HEARTBEAT_JITTER, 1 + HEARTBEAT_JITTER)
