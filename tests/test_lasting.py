"""What lives as long as the process."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from app import lasting


async def test_a_task_of_the_process_that_ends_by_an_error_is_seen_and_begins_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All heartbeats, or all presence, are such a task."""
    monkeypatch.setattr(lasting, "BEGIN_AGAIN_SECONDS", 0)
    begun: list[int] = []

    async def work() -> None:
        begun.append(len(begun))
        if len(begun) < 3:
            raise KeyError("a bug")

    with capture_logs() as logs:
        await asyncio.wait_for(lasting.for_ever(work), 5)
    assert [0, 1, 2] == begun
    assert ["error", "error"] == [line["log_level"] for line in logs]


async def test_what_is_done_once_is_not_tried_again() -> None:
    async def work() -> None:
        raise OSError("a file cannot be read")

    with capture_logs() as logs:
        assert not await asyncio.wait_for(lasting.once(work), 5)
    assert ["error"] == [line["log_level"] for line in logs]


async def test_a_task_of_the_process_that_is_told_to_end_does() -> None:
    task = asyncio.create_task(lasting.for_ever(asyncio.Event().wait))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)
