"""The listener: what it takes on trust, and when it would rather look."""

from __future__ import annotations

import pytest

from app.delivery import listener as listener_module
from app.delivery import log
from app.delivery import own as own_module
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
    for module in (listener_module, own_module):
        monkeypatch.setattr(module, "HUB", hub)
    return hub


def test_what_this_process_has_committed_is_taken_at_once(hub: Hub) -> None:
    listener = Listener()
    listener.offer([entry(11), entry(12)])
    assert (12, False) == (hub.head, listener.wanted.is_set())


def test_where_others_came_between_the_table_is_read(hub: Hub) -> None:
    listener = Listener()
    listener.offer([entry(13)])
    assert (10, 13, True) == (hub.head, listener.target, listener.wanted.is_set())


def row(position: int, data: str = "{}") -> dict[str, object]:
    said = {"kind": "told", "message_id": None, "audience": ["bea"], "data": data, "age": 0.0}
    return {**said, "position": position}


def test_what_ones_own_commit_found_before_it_is_not_read_again(hub: Hub) -> None:
    listener = Listener()
    listener.offer([entry(13)], [row(11), row(12)])
    assert (13, False) == (hub.head, listener.wanted.is_set())
    assert ["told", "told", "message.sent"] == [one.kind for one in hub.tail]


def test_where_it_found_too_little_the_table_is_read(hub: Hub) -> None:
    listener = Listener()
    listener.offer([entry(13)], [row(11)])
    assert (11, 13, True) == (hub.head, listener.target, listener.wanted.is_set())


def test_what_goes_on_from_another_history_is_not_taken(hub: Hub) -> None:
    """An older backup was put back, and others have told the log more since than there was before."""
    listener = Listener()
    listener.offer([], [row(11)])
    listener.offer([entry(13)], [row(11, '{"another": "event"}'), row(12)])
    assert (11, True, True) == (hub.head, listener.is_in_doubt, listener.wanted.is_set())


def test_what_is_known_already_is_passed_over(hub: Hub) -> None:
    """The table was read while the commit was on its way."""
    listener = Listener()
    listener.offer([], [row(11), row(12)])
    listener.offer([entry(14)], [row(11), row(12), row(13)])
    assert (14, [11, 12, 13, 14]) == (hub.head, [one.position for one in hub.tail])


@pytest.mark.parametrize(
    ("positions", "known"), [([11, 12, 13], 13), ([10, 11, 12], 12), ([12, 13], 10), ([11, 13], 10), ([], 10)]
)
def test_a_commit_may_ask_from_where_the_one_before_it_has_come(hub: Hub, positions: list[int], known: int) -> None:
    """That one's entries are offered while the next is on its way. Where it has left a gap, from there."""
    listener = Listener()
    listener.own.brings(10, positions)
    assert known == listener.own.known
    listener.doubt()
    assert 10 == listener.own.known


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
    monkeypatch.setattr(own_module, "WAITING_MAX", 1)
    listener = Listener()
    for position in (12, 13, 15):
        listener.offer([entry(position)])
    assert [12] == [one.position for one in listener.own.waiting]
    await listener._read_to_target()
    assert (15, []) == (hub.head, listener.own.waiting)


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
