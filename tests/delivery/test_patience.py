"""Patience: every wait ends when it should, and none leaves anything to the next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from time import monotonic

import pytest

from app.delivery.patience import Patience

SOON = 0.02


@pytest.fixture
async def patience() -> AsyncIterator[Patience]:
    made = Patience()
    yield made
    made.close()


async def forever() -> None:
    await asyncio.Event().wait()


async def soon(result: str) -> str:
    await asyncio.sleep(0)
    return result


async def test_what_comes_in_time_is_given(patience: Patience) -> None:
    assert "a" == await patience.wait(soon("a"), monotonic() + 10)


async def test_a_wait_ends_at_its_end_and_not_before(patience: Patience) -> None:
    until = monotonic() + SOON
    with pytest.raises(TimeoutError):
        await patience.wait(forever(), until)
    assert monotonic() >= until


async def test_the_timer_of_a_wait_serves_those_after_it(patience: Patience) -> None:
    await patience.wait(soon("a"), monotonic() + SOON)
    timer = patience.timer
    await patience.wait(soon("b"), monotonic() + 10)
    assert timer is patience.timer
    with pytest.raises(TimeoutError):
        await patience.wait(forever(), monotonic() + 3 * SOON)


async def test_the_timer_of_a_wait_before_does_not_end_a_longer_one(patience: Patience) -> None:
    await patience.wait(soon("a"), monotonic() + SOON)
    timer = patience.timer

    async def beyond_the_timer() -> str:
        while patience.timer is timer:
            await asyncio.sleep(0)
        return "b"

    assert "b" == await patience.wait(beyond_the_timer(), monotonic() + 10)


async def test_a_wait_that_ends_before_the_timer_has_one_of_its_own(patience: Patience) -> None:
    await patience.wait(soon("a"), monotonic() + 100)
    async with asyncio.timeout(10):
        with pytest.raises(TimeoutError):
            await patience.wait(forever(), monotonic() + SOON)


async def test_what_is_waited_for_is_cancelled(patience: Patience) -> None:
    is_cancelled = False

    async def work() -> None:
        nonlocal is_cancelled
        try:
            await forever()
        except asyncio.CancelledError:
            is_cancelled = True
            raise

    with pytest.raises(TimeoutError):
        await patience.wait(work(), monotonic() + SOON)
    assert is_cancelled


async def test_after_a_time_out_its_task_can_wait_and_be_cancelled_as_before(patience: Patience) -> None:
    with pytest.raises(TimeoutError):
        await patience.wait(forever(), monotonic() + SOON)
    task = asyncio.current_task()
    assert task is not None
    assert 0 == task.cancelling()
    assert "b" == await patience.wait(soon("b"), monotonic() + 10)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(SOON):
            await forever()


async def test_who_is_cancelled_from_outside_is_cancelled_and_not_out_of_time(patience: Patience) -> None:
    waiting = asyncio.create_task(patience.wait(forever(), monotonic() + 10))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert "b" == await patience.wait(soon("b"), monotonic() + 10)


async def test_an_error_goes_through(patience: Patience) -> None:
    async def fail() -> None:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        await patience.wait(fail(), monotonic() + 10)


async def test_who_swallows_the_cancel_leaves_no_trace_of_it(patience: Patience) -> None:
    async def stubborn() -> str:
        try:
            await forever()
        except asyncio.CancelledError:
            return "late"
        return ""

    assert "late" == await patience.wait(stubborn(), monotonic() + SOON)
    task = asyncio.current_task()
    assert task is not None
    assert 0 == task.cancelling()


async def test_closed_it_keeps_no_timer(patience: Patience) -> None:
    await patience.wait(soon("a"), monotonic() + 10)
    patience.close()
    assert patience.timer is None
