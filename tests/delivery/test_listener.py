"""The listener: what it takes on trust, and when it would rather look."""

from __future__ import annotations

import pytest

from app.delivery import listener as listener_module
from app.delivery import log
from app.delivery.hub import Entry, Hub
from app.delivery.listener import Listener
from app.delivery.log import Head

EPOCH = "abc"


def entry(position: int) -> Entry:
    return Entry(EPOCH, position, "message.sent", ("bea", "sol"), b"{}", None)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    hub = Hub()
    hub.restart(Head(EPOCH, 10, 0), 10)
    monkeypatch.setattr(listener_module, "HUB", hub)
    return hub


def test_what_this_process_has_committed_is_taken_at_once(hub: Hub) -> None:
    listener = Listener()
    listener.offer([entry(11), entry(12)])
    assert (12, False) == (hub.head, listener.wanted.is_set())


def test_where_others_came_between_the_table_is_read(hub: Hub) -> None:
    listener = Listener()
    listener.offer([entry(13)])
    assert (10, 13, True) == (hub.head, listener.target, listener.wanted.is_set())


class Rows:
    """The log's table up to a position, and which stretches of it were read."""

    def __init__(self, head: int) -> None:
        self.head = head
        self.floor = 0
        self.stretches: list[range] = []

    async def read(self, after: int, limit: int) -> list[dict[str, object]]:
        first = max(after, self.floor) + 1
        positions = range(first, min(first + limit - 1, self.head) + 1)
        self.stretches.append(positions)
        row = {"kind": "message.sent", "message_id": None, "audience": ["bea"], "data": "{}", "age": 0.0}
        return [{**row, "position": position} for position in positions]


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> Rows:
    rows = Rows(15)
    monkeypatch.setattr(log, "read", rows.read)
    return rows


async def test_what_others_say_between_is_read_and_ones_own_is_not_read_again(hub: Hub, rows: Rows) -> None:
    """Each read begins with what is known already, to see that it goes on from there."""
    listener, own = Listener(), [entry(12), entry(13), entry(15)]
    listener.offer(own[2:])
    listener.offer(own[:2])
    await listener._read_to_target()
    assert [range(11, 12), range(13, 15)] == rows.stretches
    assert [11, 12, 13, 14, 15] == [one.position for one in hub.tail]
    assert own == [one for one in hub.tail if one in own]


async def test_a_new_connection_makes_ones_own_doubtful_too(hub: Hub, rows: Rows) -> None:
    listener, own = Listener(), entry(15)
    listener.offer([own])
    listener.doubt()
    await listener._read_to_target()
    assert 15 == hub.head
    assert own not in hub.tail


async def test_of_ones_own_only_so_many_wait_and_the_others_are_read(
    hub: Hub, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener_module, "OWN_MAX", 1)
    listener = Listener()
    for position in (12, 13, 15):
        listener.offer([entry(position)])
    assert [12] == [one.position for one in listener.own]
    await listener._read_to_target()
    assert (15, []) == (hub.head, listener.own)


def test_behind_a_new_connection_nothing_is_taken_on_trust(hub: Hub) -> None:
    """It may be an older state of the log, and 11 another 11: the table is read, which compares."""
    listener = Listener()
    listener.doubt()
    listener.offer([entry(11)])
    assert (10, 11, True) == (hub.head, listener.target, listener.wanted.is_set())


@pytest.mark.parametrize("position", [12, 8])
async def test_a_check_that_was_overtaken_by_another_changes_nothing(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, position: int
) -> None:
    """Both find that the log is not what it was. The second must neither begin one more history, nor go back in the
    new one: readers stand in it already."""
    new = Head("def", position, 0)

    async def look() -> tuple[Head, bool]:
        hub.restart(new, new.position)  # by the other check, while this one asks
        hub.offer([entry(position + 1)])
        return new, True

    async def check_epoch(*, rewound: str | None = None) -> Head:
        return new if rewound != new.epoch else Head("one more", position, 0)

    monkeypatch.setattr(log, "look", look)
    monkeypatch.setattr(log, "check_epoch", check_epoch)
    await Listener().check_head()
    assert ("def", position + 1) == (hub.epoch, hub.head)


async def test_what_was_trimmed_in_another_history_is_another_history(
    hub: Hub, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found where events are missing, too: all who must know of it are told."""
    new, told = Head("def", 40, 30), []

    async def head(*, rewound: str | None = None) -> Head:
        return new

    monkeypatch.setattr(log, "head", head)
    monkeypatch.setattr(log, "check_epoch", head)
    monkeypatch.setattr(log, "RENEWED", [lambda: told.append(True)])
    rows.head = 10
    listener = Listener()
    listener.hint(40)
    await listener._read_to_target()
    assert ("def", 40, [True]) == (hub.epoch, hub.head, told)


async def test_a_log_that_was_trimmed_to_its_end_goes_on(hub: Hub, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has said anything for longer than events are kept; then another process does."""
    listener = Listener()
    listener.offer([entry(11)])
    rows.floor = 11

    async def head() -> Head:
        return Head(EPOCH, rows.head, rows.floor)

    async def look() -> tuple[Head, bool]:
        return await head(), True

    monkeypatch.setattr(log, "head", head)
    monkeypatch.setattr(log, "look", look)
    listener.hint(15)
    for _ in range(2):  # the first round finds that 11 is gone, and why
        await listener._read_to_target()
    assert [11, 12, 13, 14, 15] == [one.position for one in hub.tail]
