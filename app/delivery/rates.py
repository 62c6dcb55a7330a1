"""Rates: the processes' common account of who took how much of a rate limit (`app/limits.py`).

Takes are gathered and written together, twice a second; sooner only for somebody who is near their limit, and then one
statement does it for all that have gathered. A process that is told here that a bucket is getting empty says so to the
others. Not here: who is limited, and what a limit means.
"""

from __future__ import annotations

import asyncio
import uuid
from contextlib import suppress
from contextvars import Context
from typing import Any

import msgspec

from app import metrics
from app.database import FAILED
from app.delivery import listener
from app.limits import ALL, Buckets
from app.tables import RateBucket

TELL_SECONDS = 1.0  # so long a take may be unknown to the others; what may be taken unknown is bounded by number
ASK_SECONDS = 0.9  # a database that does not answer by then does not hold up the asker: the own account decides
ASKS_MAX = 2  # one that was under way already, and one of one's own
FORGET_SECONDS = 60.0
DEBT_MAX = 2  # a bucket is at most as far below nothing as it is filled when full
SCARCE = "rate.scarce"

# A bucket is kept as when it will be full again. By primary key; in one order, so that two processes do not wait for
# each other. Only those come back that are more than half empty: of the others one's own account is good enough.
# Arguments: seconds a token, keys, tokens taken (less than none: given back), most seconds until full, half of them.
TELL = """
WITH told AS (
    INSERT INTO rate_bucket AS b (id, full_at)
    SELECT id, now() + taken * {}::float8 * interval '1 second' FROM unnest({}::text[], {}::float8[]) AS t (id, taken)
    ORDER BY id
    ON CONFLICT (id) DO UPDATE SET full_at = LEAST(
        GREATEST(b.full_at, now()) + (EXCLUDED.full_at - now()), now() + {}::float8 * interval '1 second')
    RETURNING id, full_at
)
SELECT id, EXTRACT(EPOCH FROM full_at - now())::float8 AS seconds FROM told
WHERE full_at > now() + {}::float8 * interval '1 second'
"""


class Scarcity(msgspec.Struct, frozen=True):
    """What processes tell each other of buckets that are getting empty: their levels by key."""

    process: str
    name: str
    levels: dict[str, float]


class Rates:
    def __init__(self) -> None:
        self.process = uuid.uuid4().hex
        self.telling: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Tell what is owed, for ever, and forget the buckets that are full again."""
        for buckets in ALL:
            buckets.ask = self.ask
        rounds = 0
        while True:
            await asyncio.sleep(TELL_SECONDS)
            for buckets in ALL:
                if buckets.owed:
                    await self._told(buckets)
            rounds += 1
            if rounds * TELL_SECONDS >= FORGET_SECONDS:
                rounds = 0
                with suppress(*FAILED):
                    await RateBucket.raw("DELETE FROM rate_bucket WHERE full_at < now()")

    async def ask(self, buckets: Buckets, key: str) -> None:
        """Tell what was taken of a bucket here, so that its level is what all processes know. Returns without that
        when the database does not answer."""
        try:
            async with asyncio.timeout(ASK_SECONDS):
                for _ in range(ASKS_MAX):
                    if key in buckets.owed:
                        await self._told(buckets)
        except TimeoutError:
            metrics.UNANSWERED.inc()

    async def _told(self, buckets: Buckets) -> None:
        """Wait for the telling that is under way, or begin one: it goes on whoever stops waiting for it."""
        task = self.telling.get(buckets.name)
        if task is None:
            task = asyncio.create_task(self._tell(buckets), context=Context())  # no request's transaction
            self.telling[buckets.name] = task
            task.add_done_callback(lambda _: self.telling.pop(buckets.name, None))
        await asyncio.wait([task])

    async def _tell(self, buckets: Buckets) -> None:
        if buckets.rate is None:
            return
        told, buckets.owed = buckets.owed, {}
        count, seconds = buckets.rate.count, buckets.rate.seconds
        ids = [f"{buckets.name}:{key}" for key in told]
        taken = [float(number) for number in told.values()]
        try:
            rows = await RateBucket.raw(TELL, seconds / count, ids, taken, DEBT_MAX * float(seconds), seconds / 2)
        except BaseException as error:
            for key, number in told.items():
                buckets.owed[key] = buckets.owed.get(key, 0) + number
            if isinstance(error, FAILED):
                return
            raise
        scarce = {row["id"].partition(":")[2]: count - row["seconds"] * count / seconds for row in rows}
        for key, level in scarce.items():
            buckets.know(key, level)
        if scarce:
            said = Scarcity(self.process, buckets.name, scarce)
            listener.signal(SCARCE, msgspec.json.encode(said).decode(), [])

    def hear(self, data: str | bytes) -> None:
        """Another process has told of buckets that are getting empty."""
        said: Any = msgspec.json.decode(data, type=Scarcity)
        for buckets in ALL if said.process != self.process else ():
            if buckets.name == said.name and buckets.rate is not None:
                for key, level in said.levels.items():
                    buckets.hear(key, level)


RATES = Rates()
"""This process's part in the common account."""
