"""Rate limits hold for all processes together: whoever is refused at one gets no more at another.

A process may give away an eighth of a bucket before the others have heard of it. So a burst may get that much more for
every process beyond the first, and never again: it is a debt.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

import asyncpg
import httpx
import pytest

from tests.api.answers import draft, ok, refusal, send
from tests.conftest import NewDatabase, NewServer
from tests.harness import Cast, Person, Server, close_cast, eventually, gather_cast
from tests.system.operating import metric

COUNT = 24
EIGHTH = COUNT // 8
LIMITED = (429, "rate_limited")
LIMITS = {"SEND_LIMIT": f"{COUNT}/86400", "OPEN_LIMIT": f"{COUNT}/86400", "AUTH_FAILURE_LIMIT": f"{COUNT}/86400"}


class Two(NamedTuple):
    a: Server
    b: Server


@pytest.fixture(scope="module")
async def two(new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Two]:
    """Two processes on one database, where one may do a few things a day."""
    url = await new_database()
    servers = [Server(url, tmp_path_factory.mktemp(name), DRAIN_SECONDS="0", **LIMITS) for name in "ab"]
    yield Two(*await asyncio.gather(*(server.start() for server in servers)))
    for server in servers:
        await server.close()


@pytest.fixture
async def cast(two: Two) -> AsyncIterator[Cast]:
    cast = await gather_cast(two.a.url)
    yield cast
    await close_cast(cast)


async def sent(people: list[Person], cast: Cast, attempts: int) -> int:
    """How many of so many messages, in turn at each of these, were taken."""
    answers = [await send(people[turn % len(people)], cast.conversation_id, draft()) for turn in range(attempts)]
    assert {201, 429} >= {answer.status_code for answer in answers}
    return sum(answer.status_code == 201 for answer in answers)


async def test_in_turn_at_two_processes_one_gets_no_more_than_at_one(two: Two, cast: Cast) -> None:
    assert COUNT == await sent([cast.bea, cast.bea.at(two.b.url)], cast, 2 * COUNT)


async def test_a_burst_at_two_processes_gets_an_eighth_more_at_most(two: Two, cast: Cast) -> None:
    """As long as the common account answers in time, which that of a machine that stands still does not."""
    before = await unanswered(two)
    taken, people = await burst(two, cast)
    async with AsyncExitStack() as stack:
        while before != (before := await unanswered(two)):
            cast = await gather_cast(two.a.url)
            stack.push_async_callback(close_cast, cast)
            taken, people = await burst(two, cast)
        assert COUNT <= taken <= COUNT + EIGHTH
        assert 0 == await sent(people, cast, 4), "and nothing after that"


async def burst(two: Two, cast: Cast) -> tuple[int, list[Person]]:
    """How many of many messages of one person's, at once at both processes, were taken."""
    people = [cast.bea, cast.bea.at(two.b.url)]
    said = [send(person, cast.conversation_id, draft()) for _ in range(2 * COUNT) for person in people]
    return sum(answer.status_code == 201 for answer in await asyncio.gather(*said)), people


async def unanswered(two: Two) -> float:
    return sum([await metric(server, "parley_rate_unanswered_total") for server in two])


async def test_who_has_used_it_up_at_one_process_has_used_it_up_at_the_other(two: Two, cast: Cast) -> None:
    assert COUNT == await sent([cast.bea], cast, COUNT + 1)
    elsewhere = cast.bea.at(two.b.url)
    assert await sent([elsewhere], cast, COUNT) <= EIGHTH
    assert LIMITED == refusal(await send(elsewhere, cast.conversation_id, draft()))


async def test_a_process_hears_that_a_bucket_is_empty_before_anybody_tries_it_there(two: Two, cast: Cast) -> None:
    """What was said first on the bus is heard first: once bea sees sol type, the news of sol's bucket are there."""
    async with cast.bea.at(two.b.url).stream() as stream:
        assert COUNT == await sent([cast.sol], cast, COUNT + 1)
        assert 204 == (await cast.sol.put(f"/conversations/{cast.conversation_id}/typing", is_typing=True)).status_code
        await stream.next("typing")
        assert LIMITED == refusal(await send(cast.sol.at(two.b.url), cast.conversation_id, draft()))


async def test_who_is_refused_is_told_when_to_come_again_wherever_it_was_used_up(two: Two, cast: Cast) -> None:
    people = [cast.bea, cast.bea.at(two.b.url)]
    await sent(people, cast, COUNT + 4)
    for person in people:
        answer = await send(person, cast.conversation_id, draft())
        assert LIMITED == refusal(answer)
        assert 0.9 * 86_400 / COUNT <= int(answer.headers["retry-after"]) <= 2 * 86_400 / COUNT


async def test_each_person_has_a_limit_of_their_own_at_all_processes(two: Two, cast: Cast) -> None:
    await sent([cast.bea], cast, COUNT + 1)
    assert COUNT == await sent([cast.sol.at(two.b.url), cast.sol], cast, COUNT + 2)


async def test_a_process_that_starts_anew_fills_no_bucket(two: Two, cast: Cast, new_server: NewServer) -> None:
    await sent([cast.bea], cast, COUNT + 1)
    again = await new_server(database_url=two.a.environment["PARLEY_DATABASE_URL"], DRAIN_SECONDS="0", **LIMITS)
    assert await sent([cast.bea.at(again.url)], cast, COUNT) <= EIGHTH


async def test_two_workers_on_one_port_are_two_processes(new_server: NewServer) -> None:
    """Each new connection may be the other worker's."""
    server = await new_server("--workers", "2", DRAIN_SECONDS="0", **LIMITS)
    cast = await gather_cast(server.url)
    connections = [cast.bea.at(server.url) for _ in range(12)]
    assert COUNT <= await sent(connections, cast, 4 * COUNT) <= COUNT + EIGHTH
    await close_cast(cast)


async def test_opening_conversations_has_one_limit_at_all_processes(two: Two, cast: Cast) -> None:
    people = [cast.eve, cast.eve.at(two.b.url)]

    async def open_one(turn: int) -> int:
        item = f"{cast.listing}-{turn}"
        ok(await cast.shop.put(f"/contexts/listing/{item}", title="Table", seller_id=cast.sol.id))
        answer = await people[turn % 2].post("/conversations", context={"kind": "listing", "id": item})
        return answer.status_code

    opened = [await open_one(turn) for turn in range(COUNT + 6)]
    assert COUNT == opened.count(201)
    assert 6 == opened.count(429)


async def test_bad_tokens_have_one_limit_at_all_processes(two: Two) -> None:
    async def fail(server: Server) -> int:
        async with httpx.AsyncClient(base_url=f"{server.url}/api/v1", verify=False) as client:
            return (await client.get("/me", headers={"Authorization": "Bearer a.b.c"})).status_code

    failed = [await fail(two[turn % 2]) for turn in range(COUNT + 6)]
    assert COUNT == failed.count(401)


async def test_the_account_knows_when_a_bucket_will_be_full_again(new_server: NewServer) -> None:
    """After which its row can go."""
    server = await new_server(DRAIN_SECONDS="0", SEND_LIMIT="1000/1")
    cast = await gather_cast(server.url)
    await cast.bea.say(cast.conversation_id, "Hi")
    database = await asyncpg.connect(server.environment["PARLEY_DATABASE_URL"])

    async def rows() -> list[asyncpg.Record]:
        return list(await database.fetch("SELECT id, full_at - now() AS left FROM rate_bucket"))

    [row] = await eventually(rows, within=5)
    assert f"send:{cast.bea.id}" == row["id"]
    assert row["left"].total_seconds() <= 0.01
    await database.close()
    await close_cast(cast)


async def test_while_the_account_cannot_be_asked_each_process_goes_by_its_own(two: Two, cast: Cast) -> None:
    """The table is locked: nobody waits long, nobody gets more than at one process."""
    async with locked(two.a.environment["PARLEY_DATABASE_URL"]):
        began = time.monotonic()
        answers = await asyncio.gather(*(send(cast.bea, cast.conversation_id, draft()) for _ in range(COUNT + 5)))
        seconds = time.monotonic() - began
    assert COUNT == sum(answer.status_code == 201 for answer in answers)
    assert seconds < 3


async def test_what_is_on_its_way_to_the_account_is_not_known_to_the_others(two: Two, cast: Cast) -> None:
    """Each that is more than the eighth asks, however many are being told already."""
    async with locked(two.a.environment["PARLEY_DATABASE_URL"]):
        before = await unanswered(two)
        assert EIGHTH + 3 == await sent([cast.bea], cast, EIGHTH + 3)
        assert before + 3 <= await unanswered(two)


@asynccontextmanager
async def locked(url: str) -> AsyncIterator[None]:
    """Nobody else can use the account meanwhile."""
    database = await asyncpg.connect(url)
    try:
        async with database.transaction():
            await database.execute("LOCK TABLE rate_bucket IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await database.close()
