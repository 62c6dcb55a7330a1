"""Rate limits: token buckets."""

from __future__ import annotations

import contextlib
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


# --- together with other processes ---------------------------------------------------------------------------------


class Others:
    """What the other processes leave of a bucket, and how often they were asked."""

    def __init__(self, left: float) -> None:
        self.left = left
        self.asked = 0

    async def ask(self, buckets: Buckets, key: str) -> bool:
        self.asked += 1
        self.left -= buckets.owed.pop(key, 0)
        is_there = self.left >= 1
        self.left -= is_there
        buckets.know(key, self.left)
        return is_there


def shared(rate: Rate, others: Others) -> Buckets:
    buckets = Buckets(rate, "send")
    buckets.ask = others.ask
    return buckets


async def spent(buckets: Buckets, attempts: int) -> int:
    count = 0
    for _ in range(attempts):
        with contextlib.suppress(RateLimited):
            await buckets.spend("bea")
            count += 1
    return count


@pytest.mark.parametrize(("count", "free"), [(1, 1), (7, 1), (16, 2), (80, 10)])
async def test_of_a_full_bucket_an_eighth_is_spent_without_asking_anybody(count: int, free: int) -> None:
    others = Others(count)
    buckets = shared(Rate(count, 86_400), others)
    assert free == await spent(buckets, free)
    assert (0, {"bea": free}) == (others.asked, buckets.owed)
    await spent(buckets, 1)
    assert others.asked == (1 if count > free else 0)


@given(count=st.integers(1, 100), left=st.integers(0, 100))
async def test_no_more_is_spent_than_others_have_left_and_an_eighth(count: int, left: int) -> None:
    left = min(count, left)
    others = Others(left)
    assert await spent(shared(Rate(count, 86_400), others), count + 20) <= left + max(1, count // 8)


@given(count=st.integers(1, 100))
async def test_alone_one_gets_all_of_it(count: int) -> None:
    assert count == await spent(shared(Rate(count, 86_400), Others(count)), count + 20)


async def test_who_is_refused_because_of_others_owes_nothing_for_it() -> None:
    others = Others(-3)
    buckets = shared(Rate(8, 8), others)
    buckets.know("bea", 7)
    assert 0 == await spent(buckets, 1)
    assert {} == buckets.owed
    assert (-3, -3) == (others.left, pytest.approx(buckets.levels["bea"][0], abs=0.1))


async def test_what_is_being_told_is_not_free_again() -> None:
    others = Others(16)
    buckets = shared(Rate(16, 86_400), others)
    buckets.telling = {"bea": 2}
    buckets.know("bea", 14)
    await spent(buckets, 1)
    assert 1 == others.asked


async def test_a_bucket_that_is_known_to_be_empty_is_not_asked_for_again_and_again() -> None:
    others = Others(8)
    buckets = shared(Rate(8, 86_400), others)
    await spent(buckets, 8)
    asked = others.asked
    assert 0 == await spent(buckets, 100)
    assert asked == others.asked


def test_news_of_a_bucket_are_believed_when_they_are_worse_than_what_is_known() -> None:
    buckets = shared(Rate(8, 86_400), Others(8))
    for told, known in ((5, 5), (7, 5), (-2, -2)):
        buckets.hear("bea", told)
        assert known == pytest.approx(buckets.levels["bea"][0], abs=0.01)
    assert refusal(buckets, "bea") is not None


async def test_what_is_owed_is_not_swept_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "KEYS_MAX", 5)
    buckets = shared(Rate(1000, 1), Others(1000))
    for number in range(20):
        await buckets.spend(f"user-{number}")
        level, at = buckets.levels[f"user-{number}"]
        buckets.levels[f"user-{number}"] = (level, at - 60)
    assert 20 == len(buckets.owed)
    assert set(buckets.owed) == set(buckets.levels)
