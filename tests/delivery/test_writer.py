"""Group commit: what gathers, what waits, what is retried and what is refused."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextvars import ContextVar

import asyncpg
import pytest

from app.database import Unreachable
from app.delivery import writer as writer_module
from app.delivery.writer import BATCH_MAX, Writer
from app.errors import Unavailable


class Desk:
    """Commits batches of words, one at a time, and can be told to wait or to fail. A word's result is the word in
    capitals."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.failures: list[Exception] = []
        self.at_once = 0

    async def commit(self, batch: list[str]) -> list[str]:
        self.at_once += 1
        try:
            assert 1 == self.at_once, "one batch at a time"
            self.batches.append(batch)
            await self.open.wait()
            if self.failures:
                raise self.failures.pop(0)
            if "bug" in batch:
                raise KeyError("bug")
            return [word.upper() for word in batch]
        finally:
            self.at_once -= 1

    async def began(self, count: int) -> None:
        """Wait until so many batches were begun."""
        async with asyncio.timeout(5):
            while len(self.batches) < count:
                await asyncio.sleep(0)


LOST = [Unreachable(), TimeoutError(), asyncpg.ConnectionDoesNotExistError()]


def new_writer(desk: Desk, fits: Callable[[list[str], str], bool] = lambda batch, word: True) -> Writer[str, str, str]:
    return Writer("test", desk.commit, lambda batch, rows: rows, fits)


def gather(writer: Writer[str, str, str], *words: str) -> list[asyncio.Task[str]]:
    return [asyncio.create_task(writer.write(word)) for word in words]


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_lone_draft_is_committed_at_once() -> None:
    """No timer, no waiting for company: it is in the commit's hands before the loop has turned three times."""
    desk = Desk()
    writing = asyncio.create_task(new_writer(desk).write("hi"))
    for _ in range(3):
        await asyncio.sleep(0)
    assert [["hi"]] == desk.batches
    assert "HI" == await writing


async def test_while_one_batch_is_being_committed_the_next_one_gathers() -> None:
    desk = Desk()
    writer = new_writer(desk)
    desk.open.clear()
    first = gather(writer, "a")
    await desk.began(1)
    rest = gather(writer, "b", "c", "d")
    await settle()
    assert [["a"]] == desk.batches
    desk.open.set()
    assert ["A", "B", "C", "D"] == await asyncio.gather(*first, *rest)
    assert [["a"], ["b", "c", "d"]] == desk.batches


async def test_each_gets_its_own_result_in_the_order_of_writing() -> None:
    desk = Desk()
    words = [f"w{number}" for number in range(500)]
    results = await asyncio.gather(*gather(new_writer(desk), *words))
    assert [word.upper() for word in words] == results
    assert words == [word for batch in desk.batches for word in batch]


async def test_no_batch_is_larger_than_is_good() -> None:
    desk = Desk()
    await asyncio.gather(*gather(new_writer(desk), *("w" * 3 for _ in range(BATCH_MAX * 3 + 1))))
    assert [BATCH_MAX, BATCH_MAX, BATCH_MAX, 1] == [len(batch) for batch in desk.batches]


async def test_senders_who_come_back_at_once_are_committed_in_two_equal_batches_by_turns() -> None:
    """Whoever was answered sends again, as under load: without this nearly all gather in every second batch."""
    desk = Desk()
    writer = new_writer(desk)

    async def talk() -> None:
        for _ in range(20):
            await writer.write("word")

    await asyncio.gather(*(talk() for _ in range(16)))
    assert {8} == {len(batch) for batch in desk.batches[5:-5]}


async def test_a_few_are_not_split() -> None:
    desk = Desk()
    writer = new_writer(desk)
    desk.open.clear()
    first = gather(writer, "a")
    await desk.began(1)
    rest = gather(writer, *"bcde")
    await settle()
    desk.open.set()
    await asyncio.gather(*first, *rest)
    assert [["a"], ["b", "c", "d", "e"]] == desk.batches


async def test_a_draft_that_does_not_fit_waits_with_everything_behind_it() -> None:
    desk = Desk()
    writer = new_writer(desk, lambda batch, word: word not in batch)
    results = await asyncio.gather(*gather(writer, "a", "b", "a", "c", "c"))
    assert [["a", "b"], ["a", "c"], ["c"]] == desk.batches
    assert ["A", "B", "A", "C", "C"] == results


async def test_a_draft_that_never_fits_is_still_committed_alone() -> None:
    desk = Desk()
    writer = new_writer(desk, lambda batch, word: False)
    assert ["A", "B"] == await asyncio.gather(*gather(writer, "a", "b"))
    assert [["a"], ["b"]] == desk.batches


@pytest.mark.parametrize("error", LOST, ids=repr)
async def test_a_batch_is_committed_again_when_the_connection_was_lost(error: Exception) -> None:
    desk = Desk()
    desk.failures = [error, Unreachable()]
    assert ["A", "B"] == await asyncio.gather(*gather(new_writer(desk), "a", "b"))
    assert [["a", "b"]] * 3 == desk.batches


async def test_what_comes_during_a_retry_waits_its_turn() -> None:
    desk = Desk()
    desk.failures = [Unreachable()]
    writer = new_writer(desk)
    first = gather(writer, "a")
    await desk.began(1)
    second = gather(writer, "b")
    assert ["A", "B"] == await asyncio.gather(*first, *second)
    assert [["a"], ["a"], ["b"]] == desk.batches


async def test_while_the_database_is_away_everyone_is_refused_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "PATIENCE_SECONDS", 0.3)
    desk = Desk()
    desk.failures = [Unreachable() for _ in range(100)]
    writer = new_writer(desk)
    began = time.monotonic()
    results = await asyncio.gather(*gather(writer, "a", "b", "c"), return_exceptions=True)
    assert [Unavailable] * 3 == [type(result) for result in results]
    assert time.monotonic() - began < 1
    desk.failures = []
    assert "D" == await writer.write("d")


async def test_a_commit_that_hangs_is_refused_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "PATIENCE_SECONDS", 0.3)
    desk = Desk()
    desk.open.clear()
    writer = new_writer(desk)
    began = time.monotonic()
    with pytest.raises(Unavailable) as refused:
        await writer.write("a")
    assert time.monotonic() - began < 1
    assert refused.value.data["retry_after_seconds"] >= 1
    desk.open.set()
    assert "B" == await writer.write("b")


async def test_the_promise_of_three_seconds_can_be_kept() -> None:
    assert writer_module.PATIENCE_SECONDS + writer_module.RETRY_SECONDS < 3


async def test_a_bug_answers_its_own_requests_and_no_others() -> None:
    desk = Desk()
    writer = new_writer(desk, lambda batch, word: "bug" not in (word, *batch))
    results = await asyncio.gather(*gather(writer, "a", "bug", "b"), return_exceptions=True)
    assert ["A", "B"] == [result for result in results if isinstance(result, str)]
    assert isinstance(results[1], KeyError)
    assert "C" == await writer.write("c")


async def test_a_draft_that_cannot_be_committed_does_not_fail_its_neighbours() -> None:
    desk = Desk()
    results = await asyncio.gather(*gather(new_writer(desk), "a", "bug", "b"), return_exceptions=True)
    assert ["A", "B"] == [result for result in results if isinstance(result, str)]
    assert isinstance(results[1], KeyError)


async def test_a_commit_that_forgets_somebody_leaves_nobody_waiting() -> None:
    async def commit(batch: list[str]) -> list[str]:
        return batch[:-1] if len(batch) > 1 else batch

    writer = Writer("test", commit, lambda batch, rows: rows)
    results = await asyncio.wait_for(asyncio.gather(*gather(writer, "a", "b"), return_exceptions=True), 5)
    assert 2 == len(results)
    assert "c" == await asyncio.wait_for(writer.write("c"), 5)


async def test_a_cancelled_request_does_not_disturb_the_others_and_what_it_sent_is_stored() -> None:
    desk = Desk()
    writer = new_writer(desk)
    desk.open.clear()
    first = gather(writer, "a")
    await desk.began(1)
    gone, kept = gather(writer, "b", "c")
    await settle()
    gone.cancel()
    first[0].cancel()
    desk.open.set()
    assert "C" == await kept
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert [["a"], ["b", "c"]] == desk.batches


async def test_more_than_can_wait_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "QUEUE_MAX", 3)
    desk = Desk()
    writer = new_writer(desk)
    desk.open.clear()
    first = gather(writer, "a")
    await desk.began(1)
    waiting = gather(writer, "b", "c", "d")
    await settle()
    with pytest.raises(Unavailable):
        await writer.write("e")
    desk.open.set()
    assert ["A", "B", "C", "D"] == await asyncio.gather(*first, *waiting)


async def test_finishing_waits_for_what_is_under_way() -> None:
    desk = Desk()
    writer = new_writer(desk)
    await writer.finish()
    writing = gather(writer, "a", "b")
    await settle()
    await writer.finish()
    assert all(task.done() for task in writing)


async def test_a_writer_works_outside_the_transaction_of_whoever_wakes_it() -> None:
    """Piccolo keeps the open transaction in a context variable, which a task inherits."""
    inside: ContextVar[str] = ContextVar("inside", default="nowhere")
    seen: list[str] = []

    async def commit(batch: list[str]) -> list[str]:
        seen.append(inside.get())
        return batch

    inside.set("a request's transaction")
    await Writer("test", commit, lambda batch, rows: rows).write("a")
    assert ["nowhere"] == seen


async def test_under_steady_load_nothing_is_lost_or_doubled() -> None:
    desk = Desk()
    writer = new_writer(desk)

    async def one(number: int) -> str:
        for _ in range(number % 7):
            await asyncio.sleep(0)
        return await writer.write(f"w{number}")

    results = await asyncio.gather(*(one(number) for number in range(1_000)))
    assert [f"W{number}" for number in range(1_000)] == results
    assert 1_000 == len({word for batch in desk.batches for word in batch}) == sum(map(len, desk.batches))
