"""Group commit: while one batch is being committed, the next one gathers. A lone draft is committed at once.

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
from app.database import AWAY, CLOSINGS
from app.delivery.patience import Patience
from app.errors import Unavailable

BATCH_MAX = 64  # measured: larger batches are slower again, and hold the log's head longer
SPLIT_MIN = 8  # fewer senders are not worth two commits
QUEUE_MAX = 10_000
PATIENCE_SECONDS = 2.0  # a database that is away that long is said to be away; 3 s are promised, on a busy machine too
RETRY_SECONDS = 0.1

D = TypeVar("D")
P = TypeVar("P")
R = TypeVar("R")
Taken = list[tuple[D, asyncio.Future[R], float]]  # until when somebody waits, in monotonic seconds


class Writer(Generic[D, P, R]):
    """A queue in front of `commit`, which takes a batch of drafts and gives back one row for each, in order, and behind
    them what else `tell` should know; `tell` makes the results of the rows, while the next batch is on its way to the
    database.

    `commit` must be safe to repeat: it is called again with the same batch when the connection was lost on the way.
    `fits` says whether a draft may join a batch; one that may not waits, with everything behind it, for the next.
    """

    def __init__(
        self,
        name: str,
        commit: Callable[[list[D]], Awaitable[list[P]]],
        tell: Callable[[list[D], list[P]], list[R]],
        fits: Callable[[list[D], D], bool] = lambda batch, draft: True,
    ) -> None:
        self.commit = commit
        self.tell = tell
        self.fits = fits
        self.queue: deque[tuple[D, asyncio.Future[R], float]] = deque()
        self.task: asyncio.Task[None] | None = None
        self.patience = Patience()
        CLOSINGS.append(self.patience.close)  # a timer of a loop that has ended would never come
        self.batch_size = metrics.BATCH.labels(name)
        self.commit_seconds = metrics.COMMIT.labels(name)

    async def write(self, draft: D) -> R:
        """Commit a draft together with whatever else is waiting, and return its result.

        Raises `Unavailable` after 2 s without a database; the draft may then still have been stored.
        """
        if len(self.queue) >= QUEUE_MAX:
            raise Unavailable("Too many are waiting. Try again; a message with the same `client_id`.")
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
        """Postgres commits one batch while we answer the one before, and hear what its senders say next."""
        landed: tuple[Taken[D, R], list[P]] | None = None
        try:
            while self.queue or landed:
                taken = self._take(len(landed[0]) if landed is not None else 0)
                commit: Awaitable[list[P] | None] | None = self._commit(taken) if taken else None
                if landed is not None:
                    if commit is not None:
                        commit = asyncio.ensure_future(commit)
                        await asyncio.sleep(0)  # it is on its way to the database
                    self._answer(*landed)
                rows = await commit if commit is not None else None
                landed = (taken, rows) if rows is not None else None
        finally:
            self.task = None

    async def _commit(self, taken: Taken[D, R]) -> list[P] | None:
        """The rows, or None when everyone has been refused already."""
        drafts = [draft for draft, _, _ in taken]
        began = monotonic()
        try:
            rows = await self._persist(drafts, until=taken[0][2])
            if len(rows) < len(drafts):
                raise RuntimeError("a commit gave fewer rows than it took drafts")
        except Unavailable as away:
            self._refuse([*taken, *self.queue], away)
            self.queue.clear()
            return None
        except Exception as error:  # the database refuses one of them, or a bug: that must not fail its neighbours
            if len(taken) == 1:
                self._refuse(taken, error)
            for alone in taken if len(taken) > 1 else ():
                if (row := await self._commit([alone])) is not None:
                    self._answer([alone], row)
            return None
        metrics.note(self.batch_size, len(drafts))
        metrics.note(self.commit_seconds, monotonic() - began)
        return rows

    def _answer(self, taken: Taken[D, R], rows: list[P]) -> None:
        try:
            results = self.tell([draft for draft, _, _ in taken], rows)
        except Exception as error:  # a bug: it is stored, and sending it again finds it
            self._refuse(taken, error)
            return
        for (_, future, _), result in zip(taken, results, strict=True):
            if not future.done():  # the request may have been cancelled; what it sent is stored
                future.set_result(result)

    def _take(self, landed: int) -> Taken[D, R]:
        """The next batch: half of those who wait and those who are answered meanwhile, for these will soon send again.

        So two batches of one size take turns. Left alone, most senders gather in every second one, and Postgres and we
        wait for each other. Measured with 16: half of all batches below 5 and half above 8, now nearly all of 8; in one
        quiet round of each, 3,120 messages a second instead of 2,040.
        """
        senders = len(self.queue) + landed
        limit = min(BATCH_MAX, (senders + 1) // 2) if senders >= SPLIT_MIN else BATCH_MAX
        taken: Taken[D, R] = []
        drafts: list[D] = []
        while self.queue and len(taken) < limit and (not taken or self.fits(drafts, self.queue[0][0])):
            taken.append(self.queue.popleft())
            drafts.append(taken[-1][0])
        return taken

    async def _persist(self, drafts: list[D], until: float) -> list[P]:
        while True:
            try:
                return await self.patience.wait(self.commit(drafts), max(until, monotonic() + RETRY_SECONDS))
            except AWAY as error:
                if monotonic() + RETRY_SECONDS >= until:
                    raise Unavailable from error
                await asyncio.sleep(RETRY_SECONDS)

    @staticmethod
    def _refuse(taken: Taken[D, R], error: Exception) -> None:
        for _, future, _ in taken:
            if not future.done():
                future.set_exception(error)
