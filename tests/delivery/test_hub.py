"""The hub: it holds exactly the positions from its floor to its head, and hands each person theirs."""

from __future__ import annotations

import time
from collections.abc import Iterable
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.delivery import hub as hub_module
from app.delivery.hub import READERS_PER_USER_MAX, Entry, Hub, entry_of
from app.delivery.log import Head
from app.delivery.reader import SIGNALS_MAX, Reader, Ticket

EPOCH = "abc"
MESSAGE = UUID(int=7)


def entry(
    position: int,
    *audience: str,
    kind: str = "message.sent",
    data: bytes = b"{}",
    message_id: UUID | None = None,
) -> Entry:
    return Entry(EPOCH, position, kind, audience or ("bea", "sol"), data, message_id)


def entries(*positions: int) -> list[Entry]:
    return [entry(position) for position in positions]


def new_hub(position: int = 0) -> Hub:
    hub = Hub()
    hub.restart(Head(EPOCH, position, 0), position)
    return hub


def reader_of(user_id: str, digest: bytes = b"") -> Reader:
    ticket = Ticket(user_id, digest, time.time() + 3600)
    return Reader(ticket, heartbeat_seconds=15, max_age_seconds=3600)


def positions(found: Iterable[Entry]) -> list[int]:
    return [known.position for known in found]


# --- offer ---------------------------------------------------------------------------------------------------------


def test_what_comes_next_is_taken() -> None:
    hub = new_hub(10)
    assert hub.offer(entries(11, 12))
    assert (12, 10, [11, 12]) == (hub.head, hub.floor, positions(hub.tail))


def test_before_a_gap_it_stops_and_says_so() -> None:
    hub = new_hub()
    assert not hub.offer(entries(1, 2, 4, 5))
    assert (2, [1, 2]) == (hub.head, positions(hub.tail))


def test_what_is_known_already_is_passed_over() -> None:
    hub = new_hub()
    hub.offer(entries(1, 2, 3))
    assert hub.offer(entries(2, 3, 4))
    assert [1, 2, 3, 4] == positions(hub.tail)


def test_nothing_offered_is_nothing_missed() -> None:
    assert new_hub().offer([])


@given(st.lists(st.lists(st.integers(1, 30), max_size=10), max_size=20))
def test_however_the_entries_come_there_is_never_a_gap_and_never_a_double(offers: list[list[int]]) -> None:
    """Own commits, hints and reads of the table overlap in any way."""
    hub = new_hub()
    for offered in offers:
        hub.offer(entries(*offered))
    assert list(range(hub.floor + 1, hub.head + 1)) == positions(hub.tail)


@given(st.permutations(range(1, 13)))
def test_asking_the_table_after_each_gap_gives_everything(order: list[int]) -> None:
    hub = new_hub()
    for position in order:
        if not hub.offer([entry(position)]):
            hub.offer(entries(*range(hub.head + 1, position + 1)))
    assert list(range(1, 13)) == positions(hub.tail)


# --- mailboxes -----------------------------------------------------------------------------------------------------


def test_each_person_finds_what_was_said_to_them_after_a_position() -> None:
    hub = new_hub()
    hub.offer([entry(1, "bea"), entry(2, "sol"), entry(3, "bea", "sol"), entry(4, "ada")])
    assert [1, 3] == positions(hub.after("bea", 0, 100))
    assert [3] == positions(hub.after("bea", 1, 100))
    assert [3] == positions(hub.after("bea", 2, 100))
    assert [] == positions(hub.after("bea", 3, 100))
    assert [] == positions(hub.after("eve", 0, 100))


def test_no_more_than_the_newest_so_many_are_given() -> None:
    hub = new_hub()
    hub.offer(entries(*range(1, 11)))
    assert [8, 9, 10] == positions(hub.after("bea", 0, 3))


AUDIENCES = st.lists(st.sets(st.sampled_from(["bea", "sol", "ada"])), max_size=40)


@given(AUDIENCES, st.integers(0, 40), st.integers(1, 12))
def test_mailboxes_are_the_tail_seen_by_one_person(audiences: list[set[str]], after: int, keep: int) -> None:
    hub = new_hub()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hub_module, "TAIL_EVENTS_MAX", keep)
        hub.offer(Entry(EPOCH, number, "x", sorted(who), b"{}", None) for number, who in enumerate(audiences, 1))
    for user in ("bea", "sol", "ada", "eve"):
        wanted = [known.position for known in hub.tail if user in known.audience and known.position > after]
        assert wanted == positions(hub.after(user, after, 1000))
    assert {user for known in hub.tail for user in known.audience} == set(hub.mailboxes), "no empty mailbox is kept"


# --- memory --------------------------------------------------------------------------------------------------------


def test_the_oldest_goes_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "TAIL_EVENTS_MAX", 3)
    hub = new_hub()
    hub.offer([entry(1, "eve"), *entries(2, 3, 4, 5)])
    assert (2, 5, [3, 4, 5]) == (hub.floor, hub.head, positions(hub.tail))
    assert "eve" not in hub.mailboxes


def test_the_oldest_goes_when_they_are_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "TAIL_BYTES_MAX", 10_000)
    hub = new_hub()
    hub.offer(entry(position, data=b"x" * 1_000) for position in range(1, 101))
    assert hub.tail_bytes <= 10_000
    assert 9 == len(hub.tail)
    assert 100 == hub.head


def test_one_entry_larger_than_all_memory_does_not_break_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "TAIL_BYTES_MAX", 500)
    hub = new_hub()
    assert hub.offer([entry(1), entry(2, data=b"x" * 1_000), entry(3)])
    assert (3, 2) == (hub.head, hub.floor)


@given(st.lists(st.binary(max_size=50), max_size=30), st.integers(1, 10))
def test_the_bytes_are_counted_exactly(said: list[bytes], keep: int) -> None:
    hub = new_hub()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hub_module, "TAIL_EVENTS_MAX", keep)
        for position, data in enumerate(said, 1):
            kind = "message.deleted" if position % 5 == 0 else "message.sent"
            hub.offer([entry(position, kind=kind, data=data, message_id=UUID(int=position % 3))])
    assert sum(len(known.piece) for known in hub.tail) == hub.tail_bytes


# --- frames and blanking -------------------------------------------------------------------------------------------


def test_a_frame_is_what_a_stream_writes() -> None:
    made = entry(42, data=b'{"a":1}')
    assert b'id: abc-42\nevent: message.sent\ndata: {"a":1}\n\n' == made.frame
    assert b'{"a":1}' == made.data


def test_a_row_of_the_log_makes_the_same_entry() -> None:
    row = {
        "position": 42,
        "conversation_id": None,
        "message_id": MESSAGE,
        "kind": "message.sent",
        "audience": ["bea"],
        "data": '{"a":1}',
    }
    made = entry_of(EPOCH, row)
    assert (42, ("bea",), MESSAGE, b'{"a":1}') == (made.position, made.audience, made.message_id, made.data)


def test_an_unsent_body_is_gone_from_the_tail() -> None:
    hub = new_hub()
    hub.offer(
        [
            entry(1, data=b"the secret", message_id=MESSAGE),
            entry(2, data=b"another", message_id=UUID(int=8)),
            entry(3, kind="message.edited", data=b"the secret, edited", message_id=MESSAGE),
            entry(4, kind="receipt.moved", data=b"a receipt"),
            entry(5, kind="message.deleted", data=b"blank", message_id=MESSAGE),
        ]
    )
    assert [b"blank", b"another", b"blank", b"a receipt", b"blank"] == [known.data for known in hub.tail]
    kinds = ["message.sent", "message.sent", "message.edited", "receipt.moved", "message.deleted"]
    assert kinds == [known.kind for known in hub.tail]
    assert not any(b"secret" in known.frame for known in hub.after("bea", 0, 100))


def test_a_deletion_of_nothing_known_blanks_nothing() -> None:
    hub = new_hub()
    hub.offer([entry(1, data=b"kept"), entry(2, kind="message.deleted", data=b"blank")])
    assert [b"kept", b"blank"] == [known.data for known in hub.tail]


# --- readers -------------------------------------------------------------------------------------------------------


def woken(*readers: Reader) -> list[str]:
    return [reader.user_id for reader in readers if reader._is_woken]


def test_only_whom_it_concerns_is_woken() -> None:
    hub = new_hub()
    readers = [reader_of(user_id) for user_id in ("bea", "sol", "sol", "eve")]
    for reader in readers:
        hub.watch(reader)
    hub.offer([entry(1, "bea", "sol")])
    assert ["bea", "sol", "sol"] == woken(*readers)


def test_who_went_away_is_not_woken() -> None:
    hub = new_hub()
    reader = reader_of("bea")
    hub.watch(reader)
    hub.unwatch(reader)
    hub.unwatch(reader)
    hub.offer([entry(1, "bea")])
    assert [] == woken(reader)
    assert {} == hub.readers


def test_a_new_history_forgets_all_and_wakes_all() -> None:
    hub, reader = new_hub(), reader_of("bea")
    hub.watch(reader)
    hub.offer([entry(1, "sol"), entry(2, "sol")])
    assert [] == woken(reader)
    hub.restart(Head("xyz", 50, 40), 45)
    assert ("xyz", 45, 45, 40) == (hub.epoch, hub.head, hub.floor, hub.log_floor)
    assert ([], {}, 0) == (list(hub.tail), hub.mailboxes, hub.tail_bytes)
    assert ["bea"] == woken(reader)
    assert hub.offer(entries(46))


def test_presence_follows_the_first_reader_and_the_last() -> None:
    hub, said = new_hub(), []
    hub.on_presence = lambda user_id, is_here: said.append((user_id, is_here))
    tab, phone = reader_of("bea"), reader_of("bea")
    for step in (hub.watch, hub.unwatch):
        for reader in (tab, phone):
            step(reader)
    assert [("bea", True), ("bea", False)] == said


def test_one_tab_too_many_ends_the_oldest() -> None:
    hub = new_hub()
    readers = [reader_of("bea") for _ in range(READERS_PER_USER_MAX + 3)]
    other = reader_of("sol")
    for reader in (other, *readers):
        hub.watch(reader)
    assert ["too_many"] * 3 + [None] * READERS_PER_USER_MAX == [reader.ends for reader in readers]
    assert other.ends is None


def test_who_comes_while_the_process_drains_is_sent_on() -> None:
    hub = new_hub()
    hub.is_draining = True
    reader = reader_of("bea")
    hub.watch(reader)
    assert "draining" == reader.ends


def test_who_comes_with_a_token_that_was_just_ended_is_sent_away() -> None:
    hub = new_hub()
    hub.revoked = {b"lost": time.time() + 60}
    lost, kept = reader_of("bea", b"lost"), reader_of("bea", b"kept")
    for reader in (lost, kept):
        hub.watch(reader)
    assert ("token_revoked", None) == (lost.ends, kept.ends)


def test_the_readers_of_ended_tokens_are_told_to_end_and_no_others() -> None:
    hub = new_hub()
    readers = [
        reader_of(user_id, digest) for user_id, digest in (("bea", b"phone"), ("bea", b"desk"), ("sol", b"lost"))
    ]
    for reader in readers:
        hub.watch(reader)
    hub.revoked = {b"phone": time.time() + 60, b"lost": time.time() + 60}
    hub.end_revoked()
    assert ["token_revoked", None, "token_revoked"] == [reader.ends for reader in readers]


# --- signals -------------------------------------------------------------------------------------------------------


def test_a_signal_reaches_the_live_readers_of_its_audience_and_nobody_else() -> None:
    hub = new_hub()
    tab, phone, eve = reader_of("bea"), reader_of("bea"), reader_of("eve")
    for reader in (tab, phone, eve):
        hub.watch(reader)
    hub.signal(["bea", "sol"], "typing", b'{"a":1}')
    frame = b'event: typing\ndata: {"a":1}\n\n'
    assert [("typing", b'{"a":1}', frame)] == tab.take_signals() == phone.take_signals()
    assert [] == eve.take_signals()
    assert [] == tab.take_signals()
    assert 0 == len(hub.tail)


def test_a_slow_reader_holds_so_many_signals_and_no_more() -> None:
    hub, reader = new_hub(), reader_of("bea")
    hub.watch(reader)
    for number in range(SIGNALS_MAX + 10):
        hub.signal(["bea"], "typing", b"%d" % number)
    assert [b"%d" % number for number in range(SIGNALS_MAX)] == [data for _, data, _ in reader.take_signals()]


def test_the_cursor_is_epoch_and_head() -> None:
    assert "abc-12" == str(new_hub(12).cursor)


# --- the same history ----------------------------------------------------------------------------------------------


def row_of(made: Entry, **changes: object) -> dict[str, object]:
    said = {"kind": made.kind, "message_id": made.message_id, "audience": made.audience, "data": made.data.decode()}
    return {"position": made.position, **said, **changes}


def test_an_entry_knows_its_row() -> None:
    """And another's at the same place, as a restored log has it: by the message, or by what is said."""
    sent = entry(7, data=b'{"a": 1, "b": 2}', message_id=MESSAGE)
    assert sent.is_of(row_of(sent))
    assert sent.is_of(row_of(sent, data='{"body":""}')), "it was unsent since"
    assert not sent.is_of(row_of(sent, message_id=UUID(int=8)))
    assert not sent.is_of(row_of(sent, kind="message.edited"))
    moved = entry(8, kind="receipt.moved", data=b'{"a": 1, "b": 2}')
    assert moved.is_of(row_of(moved, data='{"b":2,"a":1}')), "Postgres may write it in another way"
    assert not moved.is_of(row_of(moved, data='{"a":1,"b":3}'))


def test_the_last_entry_is_the_newest() -> None:
    hub = new_hub(10)
    assert hub.last is None
    hub.offer(entries(11, 12))
    assert hub.last is not None
    assert 12 == hub.last.position
