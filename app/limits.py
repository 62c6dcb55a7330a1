"""Rate limits: token buckets in memory. Kept for whoever was active lately, never for everybody.

Processes keep a common account (`delivery/rates.py`). As long as a bucket is well filled, an eighth of it may be taken
here before the account knows, so that an ordinary message waits for nobody. What is more asks the account, which gives
what is there. So one burst gets at most an eighth of the count more for every further process, and in the long run
nobody gets more than the rate: what was given too much is a debt of the bucket.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import NoReturn

from app.errors import RateLimited
from app.settings import Rate

KEYS_MAX = 100_000  # then the full buckets are swept out
SHARE = 8  # of what is there, a process may give away an eighth before the account knows of it

Asking = dict[str, list[asyncio.Future[bool]]]


class Buckets:
    """One bucket a key: `rate.count` at once, refilled evenly over `rate.seconds`. No rate, no limit.

    Of what was taken here, the account does not know `owed`, may not know `telling`, and has yet to grant `asking`.
    `ask(buckets, key)` waits for that and says whether it did.
    """

    def __init__(self, rate: Rate | None, name: str = "") -> None:
        self.rate = rate
        self.name = name
        self.levels: dict[str, tuple[float, float]] = {}
        self.owed: dict[str, int] = {}
        self.asking: Asking = {}
        self.telling: dict[str, int] = {}
        self.ask: Callable[[Buckets, str], Awaitable[bool]] | None = None

    async def spend(self, key: str) -> None:
        """Take one of what all processes have together, or raise `RateLimited`. Waits only when that gets scarce."""
        left = self.take(key)
        if self.ask is None or self.rate is None:
            return
        untold = self._untaken(key) + self.telling.get(key, 0) + 1
        if untold <= max((left + untold) // SHARE, left + untold >= self.rate.count):  # of a full one the first is free
            self.owe(key, 1)
        elif not await self.ask(self, key):
            self._refuse(self._level(key, time.monotonic()))

    def owe(self, key: str, number: int) -> None:
        """So much was taken here and is still to be told; less than none: it is given back."""
        self.owed[key] = self.owed.get(key, 0) + number

    def take(self, key: str) -> float:
        """Take one and return what is left, or raise `RateLimited` with the whole seconds until there is one again."""
        if self.rate is None:
            return math.inf
        now = time.monotonic()
        left = self._level(key, now) - 1
        if left < 0:
            self._refuse(left + 1)
        self.levels[key] = (left, now)
        if len(self.levels) > KEYS_MAX:
            self._sweep(now)
        return left

    def know(self, key: str, level: float) -> None:
        """All processes together have left so much of a bucket; what the account does not know is not yet taken off."""
        self.levels[key] = (level - self._untaken(key), time.monotonic())

    def hear(self, key: str, level: float) -> None:
        """Another process says that a bucket is getting empty."""
        if level - self._untaken(key) < self._level(key, time.monotonic()):
            self.know(key, level)

    def _untaken(self, key: str) -> int:
        """Taken here, but not of the account, nor being taken of it."""
        return self.owed.get(key, 0) + len(self.asking.get(key, ()))

    def _refuse(self, level: float) -> NoReturn:
        assert self.rate is not None
        seconds = (1 - level) * self.rate.seconds / self.rate.count
        raise RateLimited(retry_after_seconds=max(1, math.ceil(seconds)))

    def _level(self, key: str, now: float) -> float:
        assert self.rate is not None
        count = self.rate.count
        if (kept := self.levels.get(key)) is None:
            return count
        level = kept[0] + (now - kept[1]) * count / self.rate.seconds
        return min(level, count)

    def _sweep(self, now: float) -> None:
        assert self.rate is not None
        full = [key for key in self.levels if key not in self.owed and self._level(key, now) >= self.rate.count]
        for key in full:
            del self.levels[key]


SENDS = Buckets(None, "send")
OPENINGS = Buckets(None, "open")
AUTH_FAILURES = Buckets(None, "auth")
ALL = (SENDS, OPENINGS, AUTH_FAILURES)
