"""The load test's checker, tried on streams that are wrong in every way it is there to find."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from loadtests.checker import REMEMBERED_MAX, Account, Fault
from loadtests.frames import Frame

TALK = "c1"


class Told:
    """What an account told of, counted by kind; what was taken back is taken off."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def __call__(self, fault: Fault, times: int) -> None:
        self.counts[fault.kind] += times

    @property
    def kinds(self) -> dict[str, int]:
        return {kind: count for kind, count in self.counts.items() if count}


def view(last_seq: int = 0, talk: str = TALK, **read: int) -> dict[str, Any]:
    people = [{"user": {"id": user}, "read_seq": read.get(user, 0)} for user in ("bea", "sol")]
    return {"id": talk, "last_seq": last_seq, "participants": people}


def message(number: int, *, seq: int | None = None, talk: str = TALK, sender: str = "bea") -> dict[str, Any]:
    return {"client_id": f"m{number}", "conversation_id": talk, "seq": seq or number, "sender_id": sender}


def sent(number: int, *, position: int | None = None, epoch: str = "e", **other: Any) -> Frame:
    """Message `number` at that position of the log, unless told otherwise."""
    cursor = f"{epoch}-{position or number}"
    return Frame(cursor, "message.sent", {"conversation_id": TALK, "message": message(number, **other)})


def moved(position: int, read_seq: int, user: str = "sol") -> Frame:
    data = {"conversation_id": TALK, "user_id": user, "delivered_seq": read_seq, "read_seq": read_seq}
    return Frame(f"e-{position}", "receipt.moved", data)


def promise(number: int, *, position: int | None = None, **other: Any) -> dict[str, Any]:
    return {"message": message(number, **other), "cursor": f"e-{position or number}"}


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def sol(told: Told) -> Account:
    """Sol's account, begun at the start of the log with one empty conversation."""
    account = Account("sol", told)
    account.begin("e-0", [view()])
    return account


def give(account: Account, *frames: Frame) -> None:
    for frame in frames:
        account.heard(frame)


def test_it_finds_nothing_where_nothing_is_wrong(sol: Account, told: Told) -> None:
    give(sol, sent(1), sent(2), moved(3, 2), sent(3, position=4))
    sol.promised(promise(3, position=4))
    last = [view(3, bea=3, sol=2)]
    assert sol.has_all_of(last)
    sol.finish("e-4", last)
    assert {} == told.kinds


# --- lost ----------------------------------------------------------------------------------------------------------


def test_a_gap_in_a_conversation_is_a_lost_message(sol: Account, told: Told) -> None:
    give(sol, sent(1), sent(4))
    assert {"lost": 2} == told.kinds


def test_a_message_that_only_the_last_snapshot_has_is_lost(sol: Account, told: Told) -> None:
    give(sol, sent(1))
    sol.reached("e-9")
    assert not sol.has_all_of([view(2)])
    sol.finish("e-9", [view(2, bea=1)])
    assert {"lost": 1} == told.kinds


def test_a_conversation_that_only_the_last_snapshot_has_is_lost_with_its_messages(sol: Account, told: Told) -> None:
    assert not sol.has_all_of([view(), view(1, "c2")])
    sol.finish("e-9", [view(), view(1, "c2")])
    assert {"lost": 1} == told.kinds


def test_a_promise_that_the_stream_goes_past_is_a_lost_message(sol: Account, told: Told) -> None:
    sol.promised(promise(1))
    assert {} == told.kinds
    sol.reached("e-5")
    assert {"lost": 1} == told.kinds


@pytest.mark.parametrize("sender", ["sol", "bea"])
def test_a_lost_message_that_nothing_follows_is_lost_once(sol: Account, told: Told, sender: str) -> None:
    """Its sender has read as far as it, which no other event says."""
    if sender == "sol":
        sol.promised(promise(1, sender="sol"))
    sol.reached("e-1")
    sol.finish("e-9", [view(1, **{sender: 1})])
    assert {"lost": 1} == told.kinds


def test_a_promise_for_a_place_that_was_passed_already_is_a_lost_message(sol: Account, told: Told) -> None:
    sol.reached("e-5")
    sol.promised(promise(1))
    assert {"lost": 1} == told.kinds


def test_a_promise_in_a_gap_is_lost_once(sol: Account, told: Told) -> None:
    sol.promised(promise(2))
    give(sol, sent(1), sent(3))
    sol.finish("e-3", [view(3, bea=3)])
    assert {"lost": 1} == told.kinds


def test_a_promise_that_nobody_kept_is_lost_at_the_end(sol: Account, told: Told) -> None:
    sol.promised(promise(7))
    assert not sol.has_all_of([view()])
    sol.finish("e-0", [view()])
    assert {"lost": 1} == told.kinds


def test_a_receipt_that_only_the_last_snapshot_has_is_lost(sol: Account, told: Told) -> None:
    give(sol, sent(1))
    sol.finish("e-2", [view(1, bea=1, sol=1)])
    assert {"lost": 1} == told.kinds


# --- doubled -------------------------------------------------------------------------------------------------------


def test_a_frame_given_twice_is_doubled(sol: Account, told: Told) -> None:
    give(sol, sent(1), sent(2), sent(2), sent(3))
    assert {"doubled": 1} == told.kinds


def test_what_the_snapshot_had_is_doubled_when_it_comes_again(told: Told) -> None:
    account = Account("sol", told)
    account.begin("e-5", [view(2)])
    give(account, moved(4, 2), sent(2, position=5))
    assert {"doubled": 2} == told.kinds


def test_a_message_stored_twice_is_doubled(sol: Account, told: Told) -> None:
    give(sol, sent(1), sent(2), sent(1, seq=3, position=3))
    assert {"doubled": 1} == told.kinds


def test_two_messages_with_one_number_are_doubled(sol: Account, told: Told) -> None:
    give(sol, sent(1), sent(2), sent(3, seq=2, position=3))
    assert {"doubled": 1} == told.kinds


def test_a_receipt_given_twice_is_doubled(sol: Account, told: Told) -> None:
    give(sol, sent(1), moved(2, 1), moved(2, 1))
    assert {"doubled": 1} == told.kinds


# --- reordered and late --------------------------------------------------------------------------------------------


def test_a_message_that_comes_late_is_reordered_and_no_longer_lost(sol: Account, told: Told) -> None:
    give(sol, sent(1), sent(3))
    assert {"lost": 1} == told.kinds
    give(sol, sent(2))
    sol.finish("e-3", [view(3, bea=3)])
    assert {"reordered": 1} == told.kinds


def test_numbers_that_contradict_the_log_are_reordered(sol: Account, told: Told) -> None:
    give(sol, sent(1), sent(3, position=2), sent(2, position=3))
    assert {"reordered": 1} == told.kinds


def test_a_receipt_that_moves_back_is_reordered(sol: Account, told: Told) -> None:
    give(sol, sent(1), sent(2), moved(3, 2), moved(4, 1))
    assert {"reordered": 1} == told.kinds


def test_events_of_two_conversations_out_of_order_are_reordered(told: Told) -> None:
    account = Account("sol", told)
    account.begin("e-0", [view(), view(0, "c2")])
    give(account, sent(2, seq=1), sent(1, talk="c2"))
    assert {"reordered": 1} == told.kinds


def test_messages_that_come_before_the_finish_are_not_late(sol: Account, told: Told) -> None:
    last = [view(2, bea=2)]
    give(sol, sent(1))
    assert not sol.has_all_of(last)
    give(sol, sent(2))
    assert sol.has_all_of(last)
    sol.finish("e-2", last)
    assert {} == told.kinds


# --- strange -------------------------------------------------------------------------------------------------------


def test_a_message_of_somebody_elses_conversation_is_strange(sol: Account, told: Told) -> None:
    give(sol, sent(1, talk="c9"))
    assert {"strange": 1} == told.kinds


def test_a_message_in_another_place_than_promised_is_strange(sol: Account, told: Told) -> None:
    sol.promised(promise(1, position=5))
    give(sol, sent(1))
    assert {"strange": 1} == told.kinds


def test_two_answers_to_one_client_id_are_strange(sol: Account, told: Told) -> None:
    give(sol, sent(1))
    sol.promised(promise(1, seq=2, position=2))
    assert {"strange": 1} == told.kinds


def test_another_history_without_a_reset_is_strange(sol: Account, told: Told) -> None:
    give(sol, sent(1, epoch="f"))
    assert {"strange": 1} == told.kinds


def test_a_message_that_no_snapshot_has_is_strange(sol: Account, told: Told) -> None:
    give(sol, sent(1), sent(2))
    sol.finish("e-9", [view(1)])
    assert {"strange": 1} == told.kinds


# --- what is no fault ----------------------------------------------------------------------------------------------


def test_what_was_before_the_snapshot_is_not_lost(told: Told) -> None:
    account = Account("sol", told)
    account.begin("e-5", [view(2)])
    give(account, sent(3, position=6))
    account.finish("e-6", [view(3, bea=3)])
    assert {} == told.kinds


def test_a_new_conversation_counts_from_its_opening(sol: Account, told: Told) -> None:
    give(sol, Frame("e-1", "conversation.opened", {"conversation": view(0, "c2")}), sent(1, position=2, talk="c2"))
    assert {} == told.kinds


def test_an_answer_may_come_after_the_frame_or_before_it(sol: Account, told: Told) -> None:
    sol.promised(promise(1))
    give(sol, sent(1), sent(2))
    sol.promised(promise(2))
    sol.promised(promise(2))  # sent again after a cut
    sol.finish("e-2", [view(2, bea=2)])
    assert {} == told.kinds


def test_after_a_reset_it_counts_from_the_new_snapshot(sol: Account, told: Told) -> None:
    give(sol, sent(1))
    sol.promised(promise(2))
    sol.begin("f-40", [view(9, bea=9)])
    give(sol, sent(10, position=41, epoch="f"))
    sol.finish("f-41", [view(10, bea=10)])
    assert {} == told.kinds


def test_an_account_keeps_a_bounded_memory_and_its_judgement(sol: Account, told: Told) -> None:
    give(sol, *(sent(number) for number in range(1, REMEMBERED_MAX + 100)))
    assert REMEMBERED_MAX == len(sol.positions) == len(sol.heard_at)
    give(sol, sent(5), moved(6, 1))
    assert {"doubled": 2} == told.kinds
