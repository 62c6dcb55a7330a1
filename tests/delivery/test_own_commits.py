"""The listener and this process's own commits: NOTIFY often tells of one before its answer has come."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from app.delivery import listener as listener_module
from app.delivery import own as own_module
from app.delivery.hub import Entry, Hub
from app.delivery.listener import Listener
from app.delivery.log import Head


@pytest.fixture(autouse=True)
def empty_tail(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub()
    hub.restart(Head("e", 0, 0), 0)
    for module in (listener_module, own_module):
        monkeypatch.setattr(module, "HUB", hub)


def entry(position: int) -> Entry:
    return Entry("e", position, "message.sent", (), b"{}", None)


async def test_what_is_heard_while_nothing_of_ours_is_under_way_is_read() -> None:
    listener = Listener()
    listener.hint(1)
    assert listener.wanted.is_set()


async def test_ones_own_commit_is_not_read_back_when_it_was_heard_of_first() -> None:
    listener = Listener()
    with listener.commits:
        listener.hint(1)
    assert not listener.wanted.is_set()  # answered, but not offered yet
    listener.offer([entry(1)])
    assert not listener.wanted.is_set()


async def test_nor_when_the_next_one_is_already_under_way() -> None:
    listener = Listener()
    with listener.commits:
        listener.hint(1)
    with listener.commits:
        listener.offer([entry(1)])
        listener.hint(2)
    listener.offer([entry(2)])
    assert not listener.wanted.is_set()


async def test_what_another_process_told_meanwhile_is_read_as_soon_as_ours_is_offered() -> None:
    listener = Listener()
    with listener.commits:
        listener.hint(2)
    assert not listener.wanted.is_set()
    listener.offer([entry(1)])
    assert listener.wanted.is_set()


async def test_what_was_heard_after_ones_own_is_not_forgotten_with_it() -> None:
    listener = Listener()
    with listener.commits:
        listener.hint(1)
        listener.hint(2)
    listener.offer([entry(1)])
    assert listener.wanted.is_set()


async def test_and_waits_for_no_commit_that_began_after_it_was_heard() -> None:
    listener = Listener()
    with listener.commits:
        listener.hint(2)
    with listener.commits:
        listener.offer([entry(1)])
        assert listener.wanted.is_set()


async def test_so_is_what_came_between_two_of_ours() -> None:
    listener = Listener()
    with listener.commits:
        listener.hint(1)
    listener.offer([entry(2)])
    assert listener.wanted.is_set()


async def test_and_what_was_told_while_a_commit_of_ours_failed() -> None:
    listener = Listener()
    with suppress(OSError), listener.commits:
        listener.hint(1)
        raise OSError("gone")
    assert listener.wanted.is_set()


async def test_a_commit_that_hangs_does_not_keep_others_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener_module, "SETTLE_SECONDS", 0.01)
    listener = Listener()
    with listener.commits:
        listener.hint(1)
        async with asyncio.timeout(5):
            await listener.wanted.wait()
        listener.wanted.clear()
        listener.hint(2)
        assert listener.wanted.is_set()
