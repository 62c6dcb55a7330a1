"""Group commit: while one batch is being committed, the next one gathers. A lone draft is committed at once; under
load the next batch waits a millisecond to be larger.

Knows nothing of what is written: whoever makes a `Writer` gives it the call that commits a batch.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import Context
from time import monotonic
from typing import Generic, TypeVar

from app import metrics
from app.database import AWAY
from app.errors import Unavailable

BATCH_MAX = 64  # measured: larger batches are slower again, and hold the log's head longer
QUEUE_MAX = 10_000
PATIENCE_SECONDS = 2.5  # a database that is away that long is said to be away; 3 s are promised
RETRY_SECONDS = 0.1
# After a batch of several: who has just been answered sends again. Measured: a fifth less CPU per message.
GATHER_SECONDS = 0.001

D = TypeVar("D")
R = TypeVar("R")


class Writer(Generic[D, R]):
    """A queue in front of `commit`, which takes a batch of drafts and gives back one result for each, in order.

    `commit` must be safe to repeat: it is called again with the same batch when the connection was lost on the way.
    `fits` says whether a draft may join a batch; one that may not waits, with everything behind it, for the next.
    """

    def __init__(
        self,
        name: str,
        commit: Callable[[list[D]], Awaitable[list[R]]],
        fits: Callable[[list[D], D], bool] = lambda batch, draft: True,
    ) -> None:
        self.commit = commit
        self.fits = fits
        self.queue: deque[tuple[D, asyncio.Future[R], float]] = deque()
        self.task: asyncio.Task[None] | None = None
        self.batch_size = metrics.BATCH.labels(name)
        self.commit_seconds = metrics.COMMIT.labels(name)

    async def write(self, draft: D) -> R:
        """Commit a draft together with whatever else is waiting, and return its result.

        Raises `Unavailable` after 2.5 s without a database; the draft may then still have been stored.
        """
        if len(self.queue) >= QUEUE_MAX:
            raise Unavailable("Too many messages are waiting. Try again with the same `client_id`.")
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self.queue.append((draft, future, monotonic() + PATIENCE_SECONDS))
        if self.task is None:
            self.task = asyncio.create_task(self._run(), context=Context())  # no request's transaction
        return await future

    async def finish(self) -> None:
        """Wait until everything in the queue is committed or refused."""
        if self.task is not None:
            await self.task

    async def _run(self) -> None:
        try:
            while self.queue:
                is_busy = len(self.queue) > 1
                await self._commit_next()
                if is_busy:
                    await asyncio.sleep(GATHER_SECONDS)
        finally:
            self.task = None

    async def _commit_next(self) -> None:
        taken = self._take()
        await self._commit(taken)

    async def _commit(self, taken: list[tuple[D, asyncio.Future[R], float]]) -> None:
        drafts = [draft for draft, _, _ in taken]
        began = monotonic()
        try:
            results = await self._persist(drafts, until=taken[0][2])
            if len(results) != len(drafts):
                raise RuntimeError("a commit gave another number of results than it took drafts")
        except Unavailable as away:
            self._refuse([*taken, *self.queue], away)
            self.queue.clear()
        except Exception as error:  # the database refuses one of them, or a bug: that must not fail its neighbours
            if len(taken) == 1:
                self._refuse(taken, error)
            for alone in taken if len(taken) > 1 else ():
                await self._commit([alone])
        else:
            self.batch_size.observe(len(drafts))
            self.commit_seconds.observe(monotonic() - began)
            for (_, future, _), result in zip(taken, results, strict=True):
                if not future.done():  # the request may have been cancelled; what it sent is stored
                    future.set_result(result)

    def _take(self) -> list[tuple[D, asyncio.Future[R], float]]:
        taken: list[tuple[D, asyncio.Future[R], float]] = []
        drafts: list[D] = []
        while self.queue and len(taken) < BATCH_MAX and (not taken or self.fits(drafts, self.queue[0][0])):
            taken.append(self.queue.popleft())
            drafts.append(taken[-1][0])
        return taken

    async def _persist(self, drafts: list[D], until: float) -> list[R]:
        while True:
            try:
                async with asyncio.timeout(max(until - monotonic(), RETRY_SECONDS)):
                    return await self.commit(drafts)
            except AWAY as error:
                if monotonic() + RETRY_SECONDS >= until:
                    raise Unavailable from error
                await asyncio.sleep(RETRY_SECONDS)

    @staticmethod
    def _refuse(taken: list[tuple[D, asyncio.Future[R], float]], error: Exception) -> None:
        for _, future, _ in taken:
            if not future.done():
                future.set_exception(error)
