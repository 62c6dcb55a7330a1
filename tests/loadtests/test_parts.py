"""The other pure parts of the load test: frames, shapes, towns, tokens, totals. None needs a server or locust."""

from __future__ import annotations

import subprocess
import sys
import time

import jwt
import pytest

from loadtests import options
from loadtests.checker import Fault
from loadtests.frames import Frame, Place, parse, place_of, polled
from loadtests.shapes import SHAPES, are_in_order, storms_between, target
from loadtests.tally import FAULTY, PASSED, UNPROVEN, Tally, Totals, judge
from loadtests.tokens import TokenError, Tokens, by_command, by_secret
from loadtests.town import BUYERS_PER_SELLER, Town
from tests.harness import ROOT, SECRET

# --- frames --------------------------------------------------------------------------------------------------------


def test_a_frame_has_its_cursor_type_and_data() -> None:
    frame = parse(b'retry: 1000\nid: e-4\nevent: hello\ndata: {"head":"e-9"}\n\n')
    assert Frame("e-4", "hello", {"head": "e-9"}) == frame
    assert frame is not None
    assert not frame.is_durable


def test_a_signal_is_not_durable_and_a_comment_is_no_frame() -> None:
    frame = parse(b'event: typing\ndata: {"is_typing":true}\n\n')
    assert frame is not None
    assert not frame.is_durable
    assert parse(b": nothing\n\n") is None


def test_a_polls_events_are_frames() -> None:
    answer = {"events": [{"cursor": "e-1", "type": "message.sent", "data": {}}]}
    assert [Frame("e-1", "message.sent", {})] == list(polled(answer))


def test_a_cursor_is_taken_apart_at_its_last_hyphen() -> None:
    assert Place("a-b", 42) == place_of("a-b-42")


# --- shapes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_begins_at_once_and_reaches_all_its_users(name: str) -> None:
    shape = SHAPES[name]
    targets = [target(shape, 100, at, users=50, rate=5) for at in range(100)]
    assert are_in_order(shape)
    assert targets[0].users >= 1
    assert 50 == max(found.users for found in targets)


def test_a_flash_crowd_is_there_within_two_seconds() -> None:
    before, rush, after = (target(SHAPES["flash"], 100, at, users=100, rate=5) for at in (34, 35, 65))
    assert (20, 100, 20) == (before.users, rush.users, after.users)
    assert rush.users / rush.rate <= 2
    assert 5 == after.rate


def test_every_storm_breaks_loose_once() -> None:
    shape = SHAPES["storm"]
    found = [storms_between(shape, 10, at, at + 1) for at in range(10)]
    assert len(shape.storms) == sum(found)


# --- towns ---------------------------------------------------------------------------------------------------------


def test_no_seller_has_more_buyers_than_one_snapshot_shows() -> None:
    sellers = [seller for buyer in range(100) for seller in Town.sellers_of(buyer)]
    assert set(range(25)) == set(sellers)
    assert 2 * BUYERS_PER_SELLER == max(sellers.count(seller) for seller in range(25))


def test_who_comes_back_is_who_left() -> None:
    numbers = Town().buyers
    assert [0, 1, 2] == [numbers.take() for _ in range(3)]
    numbers.give_back(1)
    assert [1, 3] == [numbers.take() for _ in range(2)]


def test_a_message_is_measured_once_and_not_by_its_sender() -> None:
    town = Town()
    town.sends("m1", "bea", 1.5)
    assert town.sees("m1", "bea") is None
    seen = town.sees("m1", "sol")
    assert seen is not None
    assert 1.5 == seen.at
    assert town.sees("m1", "ada") is None


# --- tokens --------------------------------------------------------------------------------------------------------


def test_a_signed_token_says_who_and_in_what_role() -> None:
    token = by_secret(SECRET, audience="shop")("bea", "service")
    claims = jwt.decode(token, SECRET, algorithms=["HS256"], audience="shop")
    assert ("bea", "service") == (claims["sub"], claims["role"])


def test_a_token_is_kept_until_shortly_before_its_end() -> None:
    made: list[str] = []

    def sign(user_id: str, role: str) -> str:
        made.append(jwt.encode({"sub": user_id, "exp": time.time() + (5 if len(made) == 0 else 900)}, SECRET, "HS256"))
        return made[-1]

    tokens = Tokens(sign)
    given = [tokens.of("bea") for _ in range(3)]
    assert [made[0], made[1], made[1]] == given
    tokens.forget("bea")
    tokens.of("bea")
    assert 3 == len(made)


def test_a_command_prints_a_token_for_whom_it_is_asked() -> None:
    fetch = by_command(f"{sys.executable} -c \"print('token of {{user}} as {{role}}')\"")
    assert "token of bea as user" == fetch("bea", "user")


def test_a_command_that_fails_says_why() -> None:
    fetch = by_command(f"{sys.executable} -c \"import sys; sys.exit('no key')\"")
    with pytest.raises(TokenError, match="no key"):
        fetch("bea", "user")


# --- options -------------------------------------------------------------------------------------------------------


def test_transports_have_names_and_weights() -> None:
    assert (["stream", "poll"], [3, 1]) == options.transports("stream=3, poll=1")


@pytest.mark.parametrize("text", ["carrier-pigeon=1", "stream=0", "stream=many"])
def test_transports_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"transport|could not convert"):
        options.transports(text)


# --- totals --------------------------------------------------------------------------------------------------------


def figures(**counts: int) -> Tally:
    tally = Tally()
    tally.counts.update({name.replace("_", " "): count for name, count in counts.items()})
    return tally


def test_totals_add_up_over_workers_and_take_only_the_newest_report_of_each() -> None:
    totals = Totals()
    early, late, other = figures(messages_seen=1), figures(messages_seen=5), figures(messages_seen=2)
    other.fault(Fault("lost", "sol: seq 3"))
    for worker, tally in (("a", early), ("b", other), ("a", late)):
        totals.take(worker, tally.as_json())
    assert 7 == totals.sum().counts["messages seen"]
    assert ["lost: sol: seq 3"] == totals.sum().faults


def test_totals_know_who_has_not_said_its_last_word() -> None:
    totals = Totals()
    totals.take("a", figures(users=1).as_json())
    totals.take("b", figures(users=1).as_json())
    totals.take("a", figures(users=4).as_json(), is_last=True)
    totals.take("a", figures(users=3).as_json())  # an older report, overtaken
    assert {"b"} == totals.unfinished()
    assert 5 == totals.sum().counts["users"]


@pytest.mark.parametrize("kind", ["lost", "doubled", "reordered", "strange"])
def test_one_fault_of_any_worker_fails_the_test(kind: str) -> None:
    total = figures(users=2, checked_users=2, messages_seen=9)
    assert PASSED == judge(total)[0]
    total.fault(Fault(kind, "…"))
    code, sentence = judge(total)
    assert FAULTY == code
    assert f"1 {kind}" in sentence


def test_nothing_is_proven_when_nobody_saw_anything_or_somebody_was_not_checked() -> None:
    assert UNPROVEN == judge(figures(users=2, checked_users=2))[0]
    assert UNPROVEN == judge(figures(users=2, checked_users=1, messages_seen=9))[0]


def test_what_came_late_is_no_longer_lost() -> None:
    tally = figures(users=1, checked_users=1, messages_seen=1)
    tally.fault(Fault("lost", "…"))
    tally.fault(Fault("lost", "…"), -1)
    assert PASSED == judge(tally)[0]


# --- command line --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "option",
    ["--users=0", "--minutes=-1", "--minutes=nan", "--minutes=inf", "--spawn-rate=0", "--processes=-1", "--web=0"],
)
def test_a_number_that_makes_no_sense_is_refused(option: str) -> None:
    command = [sys.executable, "-m", "loadtests.run", option]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert 2 == done.returncode
    assert f"argument {option.partition('=')[0]}" in done.stderr
    assert "is not at least" in done.stderr
