"""Invariant 7: Postgres stopped, killed, frozen or gone for a while: no loss, no double, back to normal by itself;
sends meanwhile get `unavailable` and may be retried safely."""

from __future__ import annotations

import pytest

from tests.conftest import NewDatabase, NewServer
from tests.harness import eventually, running_seconds
from tests.system.conftest import CastAt, NewRelay, Place
from tests.system.operating import all_have_heard, database, is_ready
from tests.system.talking import REFUSED_WITHIN, after, assert_back, assert_unavailable, forgive, refused, talking

ABSENCE_PINGS = 20  # every 0.5 s ± 20 %: ten seconds

EVERYONE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_postgres_stopped_and_started_again(place: Place, mode: str) -> None:
    """Invariant 7: stopped as an operator does, or as a power cut does, in the middle of sends. Sends are refused
    within 3 s with `Retry-After`; streams stay open and say so by pings; started again, the same streams go on, sends
    succeed within 3 s, and outboxes that repeated theirs have neither lost nor doubled anything."""
    async with talking(place.pair, seed=21) as (crowd, streams):
        await place.postgres.stop(mode)
        await assert_unavailable(crowd)
        member = crowd.members[0]
        async with member.at[0].stream() as late:
            await late.next("ping", 2)
        assert not await is_ready(place.pair.a)
        assert 200 == (await member.at[0].http.get(f"{place.pair.a.url}/health/live")).status_code
        assert 503 == (await member.at[1].get("/conversations")).status_code
        await place.postgres.start()
        await assert_back(crowd, place.pair, since=running_seconds())
        await all_have_heard(place.pair.a, place.pair.b)
        forgive(crowd)
        assert [0] * len(streams) == [follower.cuts for follower in streams]


async def test_postgres_gone_for_ten_seconds(place: Place) -> None:
    """Invariant 7: ten seconds are long enough for every back-off to reach its end. Streams stand and ping all the
    time, and it takes no longer to be back than after a moment's absence."""
    async with talking(place.pair, seed=24) as (crowd, streams):
        await place.postgres.stop("immediate")
        async with crowd.members[0].at[1].stream() as waiting:
            await waiting.next("ping", ABSENCE_PINGS, within=20)
        await assert_unavailable(crowd)
        await place.postgres.start()
        await assert_back(crowd, place.pair, since=running_seconds())
        await all_have_heard(place.pair.a, place.pair.b)
        forgive(crowd)
        assert [0] * len(streams) == [follower.cuts for follower in streams]


async def test_postgres_frozen_and_thawed(place: Place) -> None:
    """Invariant 7: it exists, keeps its connections, and answers nothing, as a machine does whose disk hangs. Nobody
    waits for ever: sends are refused within 3 s, and go on once it wakes."""
    async with talking(place.pair, seed=22) as (crowd, _):
        frozen = place.postgres.freeze()
        try:
            await assert_unavailable(crowd)
        finally:
            place.postgres.thaw(frozen)
        await assert_back(crowd, place.pair, since=running_seconds())
        forgive(crowd)


async def test_every_connection_of_the_servers_terminated(place: Place) -> None:
    """Invariant 7: pg_terminate_backend of everything, three times, in the middle of sends: nobody even has to repeat
    a send, for the writers do."""
    async with talking(place.pair, seed=23) as (crowd, _), database(place.postgres.url) as connection:
        for _ in range(3):
            await connection.execute(EVERYONE)
            await after(crowd, 50)
        assert [] == crowd.refusals
        for server in (place.pair.a, place.pair.b):
            await eventually(lambda server=server: is_ready(server), within=5)  # type: ignore[misc]


async def test_a_wait_ends_also_where_the_demo_was_planted_by_the_same_process(
    new_server: NewServer, new_relay: NewRelay, new_database: NewDatabase, cast_at: CastAt
) -> None:
    """Invariant 7: planting sends as well, in a loop that ends before the server's begins. Its timers end with it."""
    relay = await new_relay(await new_database())
    server = await new_server("--demo", database_url=relay.url)
    cast = await cast_at(server.url)
    await cast.bea.say(cast.conversation_id, "Hello")  # the writer has its connection
    relay.is_swallowing = True
    answer, seconds = await refused(cast.bea, cast.conversation_id)
    assert (503, "unavailable") == (answer.status_code, answer.json()["code"]), answer.text
    assert seconds < REFUSED_WITHIN
