"""How signals are packed for NOTIFY, which takes less than 8,000 bytes at a time."""

from __future__ import annotations

import json
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from app.delivery.bus import PAYLOAD_BYTES_MAX, Signal, payloads_of

NOTIFY_BYTES_MAX = 7_999

IDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=128)
SIGNALS = st.tuples(
    st.sampled_from(["typing", "presence"]),
    st.dictionaries(st.text(max_size=10), st.text(max_size=100), max_size=5).map(json.dumps),
    st.lists(IDS, max_size=60),
)


def told(payloads: list[str]) -> Counter[tuple[str, str, str]]:
    """Who is told what, how often."""
    return Counter((kind, data, user) for said in payloads for kind, data, users in json.loads(said) for user in users)


def meant(signals: list[Signal]) -> Counter[tuple[str, str, str]]:
    return Counter((kind, data, user) for kind, data, users in signals for user in users)


@given(st.lists(SIGNALS, max_size=30))
def test_everyone_is_told_everything_in_pieces_that_fit(signals: list[Signal]) -> None:
    payloads = payloads_of(signals)
    assert meant(signals) == told(payloads)
    assert all(len(said.encode()) <= NOTIFY_BYTES_MAX for said in payloads)


@given(st.lists(SIGNALS, max_size=30))
def test_signals_keep_their_order(signals: list[Signal]) -> None:
    """To one person; "types" and "does not type any more" must not change places."""
    numbered = [(kind, f"{number}", users) for number, (kind, _, users) in enumerate(signals)]
    heard = [int(data) for said in payloads_of(numbered) for _, data, _ in json.loads(said)]
    assert sorted(heard) == heard


def test_small_signals_travel_together() -> None:
    signals: list[Signal] = [("typing", "{}", ["bea"])] * 100
    assert 1 == len(payloads_of(signals))


def test_as_many_as_fit_go_into_one() -> None:
    signals: list[Signal] = [("typing", "x" * 100, ["bea"])] * 500
    sizes = [len(said) for said in payloads_of(signals)]
    assert all(size > PAYLOAD_BYTES_MAX - 200 for size in sizes[:-1])


def test_a_wide_audience_is_cut_into_several() -> None:
    audience = [f"somebody-with-a-long-name-{number:0100}" for number in range(100)]
    payloads = payloads_of([("typing", "{}", audience)])
    assert 1 < len(payloads)
    assert meant([("typing", "{}", audience)]) == told(payloads)


def test_a_signal_for_all_has_an_empty_audience_and_is_not_lost() -> None:
    [said] = payloads_of([("presence", "{}", [])])
    assert [["presence", "{}", []]] == json.loads(said)


def test_one_signal_that_does_not_fit_is_dropped_and_its_neighbours_are_not() -> None:
    signals: list[Signal] = [
        ("typing", "1", ["bea"]),
        ("typing", "x" * PAYLOAD_BYTES_MAX, ["bea"]),
        ("typing", "2", ["bea"]),
    ]
    heard = [data for said in payloads_of(signals) for _, data, _ in json.loads(said)]
    assert ["1", "2"] == heard


def test_nothing_to_say_is_nothing_said() -> None:
    assert [] == payloads_of([])
