"""A reader: waits without losing a wake, ends on time, and notices that its client has gone."""

from __future__ import annotations

import asyncio
import time

import pytest

from app.delivery.reader import HEARTBEAT_JITTER, STALL_SECONDS, Reader, Ticket
from tests.delivery.test_wire import Request


def new_reader(*, expires_in: float = 3600, heartbeat_seconds: float = 15, max_age_seconds: float = 3600) -> Reader:
    ticket = Ticket("bea", b"", time.time() + expires_in)
    return Reader(ticket, heartbeat_seconds=heartbeat_seconds, max_age_seconds=max_age_seconds)


async def test_a_wake_before_the_wait_is_not_lost() -> None:
    reader = new_reader()
    reader.wake()
    await asyncio.wait_for(reader.wait(), 1)


async def test_a_wake_ends_a_wait_and_many_wakes_are_one() -> None:
    reader = new_reader()
    waiting = asyncio.create_task(reader.wait())
    await asyncio.sleep(0)
    for _ in range(3):
        reader.wake()
    await asyncio.wait_for(waiting, 1)
    again = asyncio.create_task(reader.wait())
    await asyncio.sleep(0)
    assert not again.done()
    again.cancel()


async def test_a_cancelled_wait_leaves_the_reader_usable() -> None:
    reader = new_reader()
    waiting = asyncio.create_task(reader.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    reader.wake()
    await asyncio.wait_for(reader.wait(), 1)


@pytest.mark.parametrize(("expires_in", "ends"), [(5.0, None), (0.0, "token_expired"), (-5.0, "token_expired")])
def test_a_token_that_ends_ends_its_reader(expires_in: float, ends: str | None) -> None:
    reader = new_reader(expires_in=expires_in)
    reader.tick(time.monotonic())
    assert ends == reader.ends


def test_a_reader_grows_no_older_than_it_may() -> None:
    """And a deploy's readers do not all end at one moment: between 80 and 100 % of the age."""
    now = time.monotonic()
    ages = [reader.max_age_at - now for reader in (new_reader(max_age_seconds=100) for _ in range(200))]
    assert all(80 <= age <= 100.1 for age in ages)
    assert max(ages) - min(ages) > 10
    reader = new_reader(max_age_seconds=100)
    reader.tick(now + 100.1)
    assert "max_age" == reader.ends


def test_a_heartbeat_is_due_within_a_fifth_of_its_time() -> None:
    now = time.monotonic()
    waits = [new_reader(heartbeat_seconds=10).ping_at - now for _ in range(200)]
    assert all(10 * (1 - HEARTBEAT_JITTER) <= wait <= 10 * (1 + HEARTBEAT_JITTER) + 0.1 for wait in waits)
    assert max(waits) - min(waits) > 1


def test_a_heartbeat_comes_once_and_then_again() -> None:
    reader = new_reader(heartbeat_seconds=10)
    now = time.monotonic()
    reader.tick(now)
    assert not reader.is_ping_due
    reader.tick(now + 12.1)
    assert reader.is_ping_due
    reader.is_ping_due = False
    reader.tick(now + 12.2)
    assert not reader.is_ping_due


def test_a_reader_is_looked_at_again_before_anything_is_due() -> None:
    reader = new_reader(expires_in=5, heartbeat_seconds=100)
    now = time.monotonic()
    at = reader.tick(now)
    assert at is not None
    assert now + 4.9 < at < now + 5.1


def test_who_has_gone_is_not_looked_at_again() -> None:
    reader = new_reader()
    reader.leave()
    assert reader.tick(time.monotonic()) is None


def test_a_write_that_nobody_takes_is_cut_off() -> None:
    reader = new_reader()
    request = Request()
    reader.cycle = request.cycle
    reader.sending_since = now = time.monotonic()
    reader.tick(now + STALL_SECONDS - 1)
    assert not request.transport.is_aborted
    reader.tick(now + STALL_SECONDS + 1)
    assert request.transport.is_aborted


# --- heartbeats ----------------------------------------------------------------------------------------------------


async def test_a_heartbeat_reaches_a_stream_that_waits_without_its_turn() -> None:
    reader, request = new_reader(), Request()
    await request.begin()
    reader.cycle = request.cycle
    reader.is_ping_due = True
    waiting = asyncio.create_task(reader.wait())
    await asyncio.sleep(0)
    reader.beat(b"ping")
    await asyncio.sleep(0)
    assert ([b"ping"], False, False) == (request.transport.written[1:], reader.is_ping_due, waiting.done())
    waiting.cancel()


async def test_a_stream_that_was_handed_an_event_stands_behind_it() -> None:
    """Else it would be told again at its next turn."""
    reader, request = new_reader(), Request()
    await request.begin()
    reader.cycle = request.cycle
    waiting = asyncio.create_task(reader.wait())
    await asyncio.sleep(0)
    position = reader.position + 1
    assert reader.deliver(b"next", position)
    assert ([b"next"], position) == (request.transport.written[1:], reader.position)
    waiting.cancel()


async def test_what_comes_while_a_stream_is_woken_waits_for_its_turn() -> None:
    """It has something to look for, which must not be passed by."""
    reader, request = new_reader(), Request()
    await request.begin()
    reader.cycle = request.cycle
    waiting = asyncio.create_task(reader.wait())
    await asyncio.sleep(0)
    reader.wake()
    assert not reader.deliver(b"next", reader.position + 2)
    await asyncio.wait_for(waiting, 1)
    assert ([], 0) == (request.transport.written[1:], reader.position)


async def test_a_heartbeat_of_who_does_not_read_is_left_to_the_stream() -> None:
    reader, request = new_reader(), Request()
    await request.begin()
    reader.cycle = request.cycle
    reader.is_ping_due = True
    request.cycle.flow.pause_writing()
    waiting = asyncio.create_task(reader.wait())
    await asyncio.sleep(0)
    reader.beat(b"ping")
    await asyncio.wait_for(waiting, 1)
    assert ([], True) == (request.transport.written[1:], reader.is_ping_due)


async def test_a_heartbeat_of_a_stream_that_is_busy_is_left_to_the_stream() -> None:
    """It has something to write first, and only then has everything up to the head."""
    reader, request = new_reader(), Request()
    await request.begin()
    reader.cycle = request.cycle
    reader.is_ping_due = True
    reader.beat(b"ping")
    assert ([], True) == (request.transport.written[1:], reader.is_ping_due)
    await asyncio.wait_for(reader.wait(), 1)
