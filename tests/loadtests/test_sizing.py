"""The arithmetic of sizing: what more people, messages and workers must do to the numbers."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.sizing import model
from loadtests.sizing.__main__ import EXAMPLES, table
from loadtests.sizing.model import Load, Machines, TooMuch, plan, plan_of_one

SMALL = Load(users=10_000, messages_per_day=50_000)
LARGE = Load(users=1_000_000, messages_per_day=10_000_000)
HUGE = Load(users=100_000_000, messages_per_day=1_000_000_000)

LOADS = st.builds(
    Load,
    users=st.floats(1, 1e8),
    messages_per_day=st.floats(1, 1e9),
    peak=st.floats(1, 10),
    online_share=st.floats(0.001, 1),
    hearers=st.floats(0, 20),
    receipts=st.floats(0, 5),
)


def test_the_rate_at_the_peak_is_the_days_mean_times_the_peak() -> None:
    assert 40 == Load(users=1, messages_per_day=864_000, peak=4).messages_per_second


def test_a_cost_falls_from_lone_to_shared_between_the_rates_it_was_measured_at() -> None:
    cost = model.Cost(500, 100)
    assert [500, 500] == [cost.at(0), cost.at(model.LONE_PER_SECOND)]
    assert 300 == pytest.approx(cost.at(math.sqrt(model.LONE_PER_SECOND * model.SHARED_PER_SECOND)))
    assert [100, 100] == [pytest.approx(cost.at(model.SHARED_PER_SECOND)), cost.at(1e9)]


def test_the_smallest_shop_takes_two_machines_for_one_may_fail() -> None:
    found = plan(SMALL)
    assert (2, 2, 1, False) == (found.workers, found.app_machines, found.shards, found.needs_nats)
    assert 1 == plan(SMALL, Machines(least=1)).workers


def test_two_workers_cost_what_the_constants_say() -> None:
    """By hand: 40 messages a second, no receipts, no streams; each takes half and hears half."""
    load = Load(users=0, messages_per_day=864_000, hearers=2, receipts=0)
    own, hearing = model.shares_of(load, 2)
    assert own == pytest.approx((20 * (model.SEND.lone + model.OVER_NATS.lone) + model.WORKER_SECOND) / 1e6)
    assert hearing == pytest.approx(20 * model.HEAR.lone / 1e6)
    assert model.postgres_cores_of(load, 2) == pytest.approx(40 * (model.STORE.lone + model.HEARD.lone) / 1e6)


@given(LOADS)
def test_no_worker_is_busier_than_it_may_be_and_one_fewer_would_be(load: Load) -> None:
    machines = Machines()
    try:
        found = plan_of_one(load, machines)
    except TooMuch:
        return
    assert sum(model.shares_of(load, found.workers)) <= machines.busy
    least = max(machines.least, math.ceil(load.streams / model.STREAMS_PER_WORKER_MAX))
    assert found.workers == least or sum(model.shares_of(load, found.workers - 1)) > machines.busy


@given(LOADS, st.floats(1.1, 10))
def test_more_of_the_same_never_takes_less(load: Load, times: float) -> None:
    one, more = (
        plan(load),
        plan(replace(load, users=load.users * times, messages_per_day=load.messages_per_day * times)),
    )
    assert one.workers <= more.workers or one.shards < more.shards
    assert one.disk_bytes_after_a_year < more.disk_bytes_after_a_year


def test_streams_alone_take_workers_too() -> None:
    quiet = Load(users=1_000_000, messages_per_day=1, online_share=0.5)
    assert plan(quiet).workers >= 500_000 / model.STREAMS_PER_WORKER_MAX


@pytest.mark.parametrize(
    ("load", "wall"),
    [
        (Load(users=1, messages_per_day=model.LOG_PER_SECOND_MAX * 86_400, peak=1, receipts=1), "the log"),
        (Load(users=5e6, messages_per_day=5e7, online_share=1), "Postgres"),
    ],
)
def test_the_wall_is_named(load: Load, wall: str) -> None:
    with pytest.raises(TooMuch, match=wall):
        plan_of_one(load, Machines())


def test_hearing_is_a_wall_when_cores_may_hardly_be_busy() -> None:
    with pytest.raises(TooMuch, match="hearing"):
        plan_of_one(LARGE, Machines(busy=0.01))


def test_beyond_a_wall_the_load_is_cut_into_shards_that_each_stand_before_it() -> None:
    found = plan(HUGE)
    assert found.shards >= 4
    one = plan_of_one(HUGE.part(found.shards), Machines())
    assert (one.workers * found.shards, one.connections) == (found.workers, found.connections)
    with pytest.raises(TooMuch):
        plan_of_one(HUGE.part(found.shards // 2), Machines())


def test_with_many_workers_a_pooler_and_nats_are_worth_it() -> None:
    found = plan(replace(LARGE, users=20_000_000))
    assert found.connections > model.POOLER_CONNECTIONS
    assert found.needs_nats


def test_the_table_has_a_column_for_each_load() -> None:
    loads = [Load(users, messages) for users, messages in EXAMPLES]
    lines = table([(load, plan(load)) for load in loads]).splitlines()
    assert [f"{load.users:,.0f}" for load in loads] == lines[0].split()[3:]
    assert len({len(line) for line in lines}) == 1
