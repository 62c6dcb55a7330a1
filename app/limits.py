"""Rate limits: token buckets in memory, per process. Kept for whoever was active lately, never for everybody."""

from __future__ import annotations

import math
import time

from app.errors import RateLimited
from app.settings import Rate

KEYS_MAX = 100_000  # then the full buckets are swept out


class Buckets:
    """One bucket a key: `rate.count` at once, refilled evenly over `rate.seconds`. No rate, no limit."""

    def __init__(self, rate: Rate | None) -> None:
        self.rate = rate
        self.levels: dict[str, tuple[float, float]] = {}

    def take(self, key: str) -> None:
        """Take one, or raise `RateLimited` with the whole seconds until there is one again."""
        if self.rate is None:
            return
        now = time.monotonic()
        level = self._level(key, now)
        if level < 1:
            seconds = (1 - level) * self.rate.seconds / self.rate.count
            raise RateLimited(retry_after_seconds=max(1, math.ceil(seconds)))
        self.levels[key] = (level - 1, now)
        if len(self.levels) > KEYS_MAX:
            self._sweep(now)

    def _level(self, key: str, now: float) -> float:
        assert self.rate is not None
        level, at = self.levels.get(key, (float(self.rate.count), now))
        return min(self.rate.count, level + (now - at) * self.rate.count / self.rate.seconds)

    def _sweep(self, now: float) -> None:
        assert self.rate is not None
        self.levels = {key: kept for key, kept in self.levels.items() if self._level(key, now) < self.rate.count}


SENDS = Buckets(None)
OPENINGS = Buckets(None)
AUTH_FAILURES = Buckets(None)
