"""Rate limits: token buckets."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import limits
from app.errors import RateLimited
from app.limits import Buckets
from app.settings import Rate


def refusal(buckets: Buckets, key: str) -> RateLimited | None:
    try:
        buckets.take(key)
    except RateLimited as refused:
        return refused
    return None


def taken(buckets: Buckets, key: str, attempts: int) -> int:
    return sum(refusal(buckets, key) is None for _ in range(attempts))


@given(count=st.integers(1, 50))
def test_as_many_as_the_rate_says_may_come_at_once(count: int) -> None:
    assert count == taken(Buckets(Rate(count, 86_400)), "bea", count + 10)


def test_each_key_has_a_bucket_of_its_own() -> None:
    buckets = Buckets(Rate(2, 3600))
    assert [2, 2] == [taken(buckets, key, 5) for key in ("bea", "sol")]


def test_without_a_rate_there_is_no_limit_and_nothing_is_kept() -> None:
    buckets = Buckets(None)
    assert 1000 == taken(buckets, "bea", 1000)
    assert {} == buckets.levels


@pytest.mark.parametrize(
    ("rate", "seconds"), [(Rate(1, 10), 10), (Rate(2, 10), 5), (Rate(30, 10), 1), (Rate(3, 3600), 1200)]
)
def test_the_refusal_says_in_whole_seconds_when_to_come_again(rate: Rate, seconds: int) -> None:
    buckets = Buckets(rate)
    taken(buckets, "bea", rate.count)
    refused = refusal(buckets, "bea")
    assert refused is not None
    assert seconds == refused.data["retry_after_seconds"]


def test_a_bucket_fills_evenly_again() -> None:
    """A bucket of 1000 a second: a moment after it was emptied there is a bit again, and not all of it."""
    buckets = Buckets(Rate(1000, 1))
    began = time.monotonic()
    taken(buckets, "bea", 1000)
    while refusal(buckets, "bea") is not None:
        assert time.monotonic() - began < 1
    more = taken(buckets, "bea", 1000)
    assert more <= (time.monotonic() - began) * 1000 + 1


def test_a_bucket_never_holds_more_than_its_count() -> None:
    buckets = Buckets(Rate(3, 1))
    taken(buckets, "bea", 3)
    level, at = buckets.levels["bea"]
    buckets.levels["bea"] = (level, at - 3600)  # an hour ago
    assert 3 == taken(buckets, "bea", 3 + 2)


def test_full_buckets_are_swept_out_and_others_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "KEYS_MAX", 10)
    buckets = Buckets(Rate(1, 3600))
    for number in range(10):
        buckets.take(f"old-{number}")
        level, at = buckets.levels[f"old-{number}"]
        buckets.levels[f"old-{number}"] = (level, at - 7200)
    buckets.take("bea")
    assert {"bea"} == set(buckets.levels)
    assert refusal(buckets, "bea") is not None
