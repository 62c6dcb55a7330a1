"""Rates: the processes' common account of who took how much of a rate limit (`app/limits.py`).

Takes are gathered and written together, once a second; sooner only for somebody who is near their limit, and then one
statement does it for all that have gathered. A process that is told here that a bucket is getting empty says so to the
others. Not here: who is limited, and what a limit means.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import suppress
from contextvars import Context
from typing import Any

import msgspec

from app import metrics
from app.database import DB, FAILED
from app.delivery import listener
from app.limits import ALL, Asking, Buckets
from app.tables import RateBucket

TELL_SECONDS = 1.0  # so long a take may be unknown to the others; what may be taken unknown is bounded by number
ASK_SECONDS = 0.9  # a database that does not answer by then does not hold up the asker: the own account decides
FORGET_SECONDS = 60.0
DEBT_MAX = 2  # a bucket is at most as far below nothing as it is filled when full
SCARCE = "rate.scarce"

# A bucket is kept as when it will be full again. By primary key; in one order, so that two processes do not wait for
# each other. Only those come back that are more than half empty: of the others one's own account is good enough, and
# all that was asked for was there. A row that is new is a full bucket's, of which nobody asks for more than there is.
# Arguments: keys, tokens taken (less than none: given back), tokens asked for, seconds a token, seconds until an empty
# bucket is full, most seconds until full.
TELL = """
WITH told AS (
    INSERT INTO rate_bucket AS b (id, full_at, granted)
    SELECT id, now() + (taken + asked) * $4::float8 * interval '1 second', asked
    FROM unnest($1::text[], $2::int[], $3::int[]) AS t (id, taken, asked)
    ORDER BY id
    ON CONFLICT (id) DO UPDATE SET (full_at, granted) = (
        SELECT LEAST(full_at + granted * $4 * interval '1 second', now() + $6::float8 * interval '1 second'), granted
        FROM (
            SELECT full_at, GREATEST(0, LEAST(EXCLUDED.granted, floor(
                ($5::float8 - EXTRACT(EPOCH FROM full_at - now())::float8) / $4 + 0.001))) AS granted
            FROM (
                SELECT GREATEST(b.full_at, now()) + (EXCLUDED.full_at - now())
                    - EXCLUDED.granted * $4 * interval '1 second' AS full_at
            ) taken
        ) given
    )
    RETURNING id, full_at, granted
)
SELECT id, granted, EXTRACT(EPOCH FROM full_at - now())::float8 AS seconds FROM told
WHERE full_at > now() + $5 / 2 * interval '1 second'
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
                if buckets.owed or buckets.asking:
                    await self._told(buckets)
            rounds += 1
            if rounds * TELL_SECONDS >= FORGET_SECONDS:
                rounds = 0
                with suppress(*FAILED):
                    await RateBucket.raw("DELETE FROM rate_bucket WHERE full_at < now()")

    async def ask(self, buckets: Buckets, key: str) -> bool:
        """Ask for one of a bucket that is already taken here: whether the account had it. When it does not answer, the
        own account is right."""
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        buckets.asking.setdefault(key, []).append(answer)
        try:
            async with asyncio.timeout(ASK_SECONDS):
                while not answer.done():
                    await self._told(buckets)
        except TimeoutError:
            if answer.cancel():
                return self._unanswered(buckets, key)
        finally:
            answer.cancel()
        return answer.result()

    @staticmethod
    def _unanswered(buckets: Buckets, key: str) -> bool:
        metrics.UNANSWERED.inc()
        buckets.owe(key, 1)
        return True

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
        owed, buckets.owed = buckets.owed, {}
        asking = {key: [answer for answer in answers if not answer.done()] for key, answers in buckets.asking.items()}
        buckets.asking = {}
        keys = list(owed | asking)
        taken, asked = [owed.get(key, 0) for key in keys], [len(asking.get(key, ())) for key in keys]
        buckets.telling = {key: sum(numbers) for key, *numbers in zip(keys, taken, asked, strict=True)}
        count, seconds = buckets.rate.count, float(buckets.rate.seconds)
        ids = [f"{buckets.name}:{key}" for key in keys]
        try:
            rows = await DB.fetch(TELL, ids, taken, asked, seconds / count, seconds, DEBT_MAX * seconds)
        except BaseException as error:
            for key, number in owed.items():
                buckets.owe(key, number)
            for key, _, answer in _each(asking):
                if not answer.done():
                    answer.set_result(self._unanswered(buckets, key))
            if isinstance(error, FAILED):
                return
            raise
        finally:
            buckets.telling = {}
        found = {row["id"].partition(":")[2]: row for row in rows}
        for key, place, answer in _each(asking):
            is_granted = key not in found or place < found[key]["granted"]
            if not answer.done():
                answer.set_result(is_granted)
            elif is_granted:  # nobody waits any more
                buckets.owe(key, -1)
        levels = {key: count - row["seconds"] * count / seconds for key, row in found.items()}
        for key, level in levels.items():
            buckets.know(key, level)
        if levels:
            said = Scarcity(self.process, buckets.name, levels)
            listener.signal(SCARCE, msgspec.json.encode(said).decode(), [])

    def hear(self, data: str | bytes) -> None:
        """Another process has told of buckets that are getting empty."""
        said: Any = msgspec.json.decode(data, type=Scarcity)
        for buckets in ALL if said.process != self.process else ():
            if buckets.name == said.name and buckets.rate is not None:
                for key, level in said.levels.items():
                    buckets.hear(key, level)


def _each(asking: Asking) -> Iterator[tuple[str, int, asyncio.Future[bool]]]:
    """Everyone who waits: for what, in which place."""
    return ((key, place, answer) for key, answers in asking.items() for place, answer in enumerate(answers))


RATES = Rates()
"""This process's part in the common account."""
