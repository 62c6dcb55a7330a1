"""`asyncio.timeout` for what is waited for again and again: the timer of one wait stays for those after it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from time import monotonic
from typing import TypeVar

T = TypeVar("T")


class Patience:
    """One wait at a time, each with an end. A timer of its own for each took 3 % of the CPU of a lone message."""

    def __init__(self) -> None:
        self.task: asyncio.Task[object] | None = None  # that waits
        self.until = 0.0  # monotonic seconds
        self.is_over = False
        self.timer: asyncio.TimerHandle | None = None
        self.timer_at = 0.0

    async def wait(self, awaitable: Awaitable[T], until: float) -> T:
        """What `awaitable` gives. Raises `TimeoutError` at `until`, in monotonic seconds, and then cancels it."""
        self.task = task = asyncio.current_task()
        assert task is not None
        self.until = until
        if self.timer is None or until < self.timer_at:
            self._look_at(until)
        cancelling = task.cancelling()
        try:
            return await awaitable
        except asyncio.CancelledError:
            if self.is_over and task.cancelling() - 1 <= cancelling:  # nobody else wants it to end
                raise TimeoutError from None
            raise
        finally:
            if self.is_over:
                task.uncancel()
            self.task = None
            self.is_over = False

    def close(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def _look_at(self, at: float) -> None:
        self.close()
        self.timer_at = at
        self.timer = asyncio.get_running_loop().call_later(at - monotonic(), self._look)

    def _look(self) -> None:
        self.timer = None
        if self.task is None:
            return
        if monotonic() < self.until:
            self._look_at(self.until)
            return
        self.is_over = True
        self.task.cancel()
