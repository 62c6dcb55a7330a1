"""Leases: who has a stream or a poll open anywhere. One row a person and process, one row a process to keep alive.

Changes are gathered and written together, so a thousand people who reconnect at once cost a few statements. A process
that crashed stops renewing its row, and any other one then says goodbye for its people.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime

import structlog

from app.database import FAILED, transaction
from app.delivery.hub import HUB
from app.tables import PresenceLease, Process, User

GRACE_SECONDS = 10.0  # between two polls, or through a reconnect, a person stays online
GATHER_SECONDS = 0.5
RENEW_SECONDS = 7.0
LEASE_SECONDS = 20.0  # with the renewal and the others' look-out: a crash is noticed within 30 s

# OFFSET 0, here and in GONE: by the person's own leases, not among everybody's.
ARRIVE = """
WITH here AS (
    INSERT INTO presence_lease (user_id, process_id)
    SELECT u.id, {} FROM users u WHERE u.id = ANY ({}::text[]) ON CONFLICT DO NOTHING RETURNING user_id
)
SELECT user_id FROM here WHERE NOT EXISTS (
    SELECT 1 FROM presence_lease l JOIN process p ON p.id = l.process_id AND p.expires_at > now()
    WHERE l.user_id = here.user_id OFFSET 0)
"""

LEAVE = "DELETE FROM presence_lease WHERE process_id = {} AND user_id = ANY ({}::text[])"

# Of people whose lease has gone, and until when they were here: who is nowhere else.
GONE = """
UPDATE users u SET last_seen_at = CASE WHEN status = 'invisible' THEN last_seen_at ELSE LEAST(now(), g.seen_at) END
FROM unnest({}::text[], {}::timestamptz[]) AS g (user_id, seen_at)
WHERE u.id = g.user_id AND NOT EXISTS (
    SELECT 1 FROM presence_lease l JOIN process p ON p.id = l.process_id AND p.expires_at > now()
    WHERE l.user_id = u.id OFFSET 0)
RETURNING u.id
"""

RENEW = """
INSERT INTO process (id, expires_at) VALUES ({}, now() + {} * interval '1 second')
ON CONFLICT (id) DO UPDATE SET expires_at = EXCLUDED.expires_at RETURNING xmax = 0 AS is_new
"""

REAP = """
WITH ended AS (SELECT id, expires_at FROM process WHERE expires_at < now() FOR UPDATE SKIP LOCKED)
DELETE FROM presence_lease l USING ended WHERE l.process_id = ended.id RETURNING l.user_id, ended.expires_at
"""

logger = structlog.get_logger("parley.leases")


class Leases:
    """`on_change(user_ids, is_online)` is called for people who came online or went offline everywhere."""

    def __init__(self, on_change: Callable[[list[str], bool], Awaitable[None]]) -> None:
        self.on_change = on_change
        self.process_id = uuid.uuid4()
        self.leased: set[str] = set()
        self.leaving: dict[str, float] = {}
        self.arriving: set[str] = set()
        self.come: set[str] = set()  # to be told, until that was done
        self.gone: dict[str, datetime] = {}  # likewise, and until when they were here
        self.renew_at = 0.0

    def notice(self, user_id: str, is_here: bool) -> None:
        """The hub says that a person's first reader came or the last one went."""
        if is_here:
            self.leaving.pop(user_id, None)
            if user_id not in self.leased:
                self.arriving.add(user_id)
        else:
            self.leaving[user_id] = time.monotonic() + GRACE_SECONDS

    async def run(self) -> None:
        while True:
            try:
                await self.write()
            except FAILED as error:
                logger.warning("cannot write presence", error=type(error).__name__)
            await asyncio.sleep(GATHER_SECONDS)

    async def write(self) -> None:
        """Write what has gathered, and renew the process's own row when it is time."""
        now = time.monotonic()
        if now >= self.renew_at:
            await self._renew()
            self.renew_at = now + RENEW_SECONDS
        if self.arriving:
            arriving, self.arriving = self.arriving, set()
            try:
                rows = await PresenceLease.raw(ARRIVE, self.process_id, list(arriving))
            except BaseException:
                self.arriving |= arriving
                raise
            self.leased |= arriving
            self.come.update(row["user_id"] for row in rows)
        if gone := [user_id for user_id, at in self.leaving.items() if at <= now]:
            await PresenceLease.raw(LEAVE, self.process_id, gone)
            for user_id in gone:
                self.leaving.pop(user_id, None)
                self.leased.discard(user_id)
            self.arriving.update(user_id for user_id in gone if user_id in HUB.readers)  # back while we wrote
            self.gone |= dict.fromkeys(gone, datetime.now(UTC))
        await self._tell()

    async def close(self) -> None:
        """At a planned end people have the grace to reconnect elsewhere; who did not is then said to be gone."""
        with suppress(*FAILED):
            await Process.raw(RENEW, self.process_id, GRACE_SECONDS)

    async def _renew(self) -> None:
        [row] = await Process.raw(RENEW, self.process_id, LEASE_SECONDS)
        if row["is_new"]:  # the first time, or the others took us for dead while we slept
            self.arriving |= self.leased | set(HUB.readers)
            self.leased = set()
        async with transaction():
            rows = await PresenceLease.raw(REAP)
            await Process.raw("DELETE FROM process WHERE expires_at < now()")
        self.gone |= {row["user_id"]: row["expires_at"] for row in rows}

    async def _tell(self) -> None:
        """Tell who came and who is gone. What cannot be told now is told the next time."""
        if self.come:
            come = list(self.come)
            await self.on_change(come, True)
            self.come.difference_update(come)
        if self.gone:
            gone = dict(self.gone)
            rows = await User.raw(GONE, *map(list, zip(*sorted(gone.items()), strict=True)))
            if rows:
                await self.on_change([row["id"] for row in rows], False)
            for user_id in gone:
                self.gone.pop(user_id)
