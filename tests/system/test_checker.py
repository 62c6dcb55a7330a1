"""The checker finds each kind of fault: whoever judges must be judged first."""

from typing import Any

from tests.harness import Event
from tests.system.checker import FAULTLESS, Account, Checker, LogRow

CONVERSATION = "c1"


def message(number: int, **changes: Any) -> dict[str, Any]:
    """A message of bea's with `seq` and position `number`."""
    return {
        "client_id": f"m{number}",
        "conversation_id": CONVERSATION,
        "seq": number,
        "kind": "text",
        "body": f"Message {number}",
        "deleted_at": None,
        **changes,
    }


def sent(number: int, **changes: Any) -> Event:
    position = changes.pop("position", number)
    return Event(
        f"e-{position}", "message.sent", {"conversation_id": CONVERSATION, "message": message(number, **changes)}
    )


def checked(*, count: int = 3) -> tuple[Checker, Account]:
    """A checker with `count` acknowledged messages, and sol's account, still empty."""
    checker = Checker()
    for number in range(1, count + 1):
        checker.attempt(f"m{number}", CONVERSATION, f"Message {number}")
        checker.acknowledge({"message": message(number), "cursor": f"e-{number}"})
    return checker, checker.account("sol", "sol", [CONVERSATION])


def give(account: Account, *events: Event) -> None:
    for event in events:
        account.heard(event)


def log_of(count: int = 3, audience: tuple[str, ...] = ("bea", "sol")) -> list[LogRow]:
    return [LogRow(number, "message.sent", audience, sent(number).data) for number in range(1, count + 1)]


def test_it_finds_nothing_where_nothing_is_wrong() -> None:
    checker, sol = checked()
    give(sol, sent(1), sent(2), sent(3))
    checker.compare_with(log_of())
    assert FAULTLESS == checker.report()


def test_it_finds_a_lost_message() -> None:
    checker, sol = checked()
    give(sol, sent(1), sent(3))
    assert (1, 0, 0, 0) == checker.report().counts


def test_it_finds_the_last_message_lost() -> None:
    checker, sol = checked()
    give(sol, sent(1), sent(2))
    assert (1, 0, 0, 0) == checker.report().counts


def test_what_was_before_the_account_is_not_lost() -> None:
    checker, _ = checked()
    late = checker.account("ada", "ada", [CONVERSATION], after=2)
    give(late, sent(3))
    give(checker.accounts[0], sent(1), sent(2), sent(3))
    assert FAULTLESS == checker.report()


def test_it_finds_an_event_given_twice() -> None:
    checker, sol = checked()
    give(sol, sent(1), sent(2), sent(2), sent(3))
    assert (0, 1, 0, 0) == checker.report().counts


def test_it_finds_a_message_stored_twice() -> None:
    checker, sol = checked()
    give(sol, sent(1), sent(2), sent(3), sent(2, position=4, seq=4))
    report = checker.report()
    assert 1 == len(report.doubled)


def test_it_finds_one_client_id_answered_in_two_ways() -> None:
    checker, sol = checked()
    give(sol, sent(1), sent(2), sent(3))
    checker.acknowledge({"message": message(2, seq=4), "cursor": "e-4"})
    assert (0, 1, 0, 0) == checker.report().counts


def test_it_finds_two_messages_with_one_number() -> None:
    checker, sol = checked(count=2)
    checker.attempt("m9", CONVERSATION, "Message 9")
    checker.acknowledge({"message": message(9, seq=2), "cursor": "e-3"})
    give(sol, sent(1), sent(2), sent(9, seq=2, position=3))
    assert (0, 1, 0, 0) == checker.report().counts


def test_it_finds_events_out_of_order() -> None:
    checker, sol = checked()
    give(sol, sent(1), sent(3), sent(2))
    assert (0, 0, 1, 0) == checker.report().counts


def test_it_finds_an_event_from_before_the_cursor() -> None:
    checker, _ = checked(count=2)
    ada = checker.account("ada", "ada", [CONVERSATION], after=1)
    give(checker.accounts[0], sent(1), sent(2))
    give(ada, sent(1), sent(2))
    assert (0, 0, 1, 0) == checker.report().counts


def test_it_finds_numbers_that_contradict_the_log() -> None:
    checker, _ = checked(count=1)
    checker.attempt("m2", CONVERSATION, "Message 2")
    checker.acknowledge({"message": message(2, seq=2), "cursor": "e-9"})
    checker.attempt("m3", CONVERSATION, "Message 3")
    checker.acknowledge({"message": message(3, seq=3), "cursor": "e-8"})
    checker.accounts.clear()
    assert (0, 0, 1, 0) == checker.report().counts


def test_it_finds_a_message_nobody_sent() -> None:
    checker, sol = checked(count=1)
    give(sol, sent(1), sent(7))
    assert (0, 0, 0, 1) == checker.report().counts


def test_it_finds_another_body() -> None:
    checker, sol = checked(count=1)
    give(sol, sent(1, body="Another one"))
    assert (0, 0, 0, 1) == checker.report().counts


def test_it_finds_another_place_than_promised() -> None:
    checker, sol = checked(count=1)
    give(sol, sent(1, seq=2))
    assert (0, 0, 0, 1) == checker.report().counts


def test_it_finds_an_eavesdropper() -> None:
    checker, sol = checked(count=1)
    eve = checker.account("eve", "eve", [])
    give(sol, sent(1))
    give(eve, sent(1))
    assert (0, 0, 0, 1) == checker.report().counts


def test_it_finds_a_reset_that_nothing_explains() -> None:
    checker, sol = checked(count=1)
    give(sol, sent(1))
    sol.resets.append({"reason": "beyond_head"})
    assert (0, 0, 0, 1) == checker.report().counts


def test_by_the_log_it_finds_what_was_never_committed() -> None:
    checker, sol = checked()
    give(sol, sent(1), sent(2), sent(3))
    checker.compare_with(log_of(2))
    assert (0, 0, 0, 1) == checker.report().counts


def test_by_the_log_it_finds_what_was_for_others() -> None:
    checker, sol = checked()
    give(sol, sent(1), sent(2), sent(3))
    checker.compare_with(log_of(audience=("bea",)))
    assert (0, 0, 0, 3) == checker.report().counts


def test_by_the_log_it_finds_a_lost_event_that_nobody_was_promised() -> None:
    checker = Checker()
    sol = checker.account("sol", "sol", [CONVERSATION])
    sol.reached("e-3")
    moved = LogRow(2, "receipt.moved", ("sol",), {"read_seq": 1})
    checker.compare_with([moved])
    assert (1, 0, 0, 0) == checker.report().counts


def test_by_the_log_it_finds_changed_bytes() -> None:
    checker, sol = checked(count=1)
    give(sol, sent(1))
    [row] = log_of(1)
    changed = {**row.data, "message": {**row.data["message"], "seq": 99}}
    checker.compare_with([row._replace(data=changed)])
    assert (0, 0, 0, 1) == checker.report().counts
