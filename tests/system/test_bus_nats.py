"""Several machines: two groups of workers on one database that hear of each other by NATS alone."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from tests.conftest import NewDatabase
from tests.harness import Server, eventually, free_port, running_seconds
from tests.nats_server import NatsServer, Wire
from tests.system.checker import read_log
from tests.system.conftest import CastAt, NewPerson, NewServer, Pair
from tests.system.crowd import following, gathered
from tests.system.operating import all_have_heard, database, doctor_says, head_cursor, head_of, is_ready, kill_server
from tests.system.pooler import transaction_pooler
from tests.system.replica import Replica, replicated
from tests.system.talking import after, assert_faultless, talking
from tests.system.test_restored import Reloading

LISTENERS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE 'LISTEN%'"
TIMELY_SECONDS = 0.8  # sooner than the look at the head, which is every second: it came by the bus


class Fleet(NamedTuple):
    """Two machines with two workers each. B's way to NATS is a wire that a test may spoil."""

    nats: NatsServer
    wire: Wire
    pair: Pair


@pytest.fixture(scope="module")
async def fleet(new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Fleet]:
    url, home = await new_database(), tmp_path_factory.mktemp("fleet")
    async with NatsServer(home) as nats, Wire(nats.port) as wire:
        servers = [
            Server(url, home, "--workers", "2", BUS=bus, HEARTBEAT_SECONDS="0.5", DRAIN_SECONDS="0")
            for bus in (nats.url, wire.url)
        ]
        try:
            await asyncio.gather(*(server.start() for server in servers))
            for server in servers:
                await eventually(lambda server=server: all_are_ready(server))  # type: ignore[misc]
            yield Fleet(nats, wire, Pair(*servers, url))
        finally:
            for server in servers:
                kill_server(server)


async def all_are_ready(server: Server) -> bool:
    """Both workers: a new connection may come to either."""
    return all([await is_ready(server) for _ in range(8)])


async def reason(server: Server) -> str:
    """Why the listener is not ready; nothing when it is."""
    async with httpx.AsyncClient(verify=False) as client:
        answer = (await client.get(f"{server.url}/health/ready")).json()
        return str(answer["reasons"].get("listener", ""))


async def is_deaf(server: Server) -> bool:
    return "nats bus: deaf" in await reason(server)


async def test_what_happens_on_one_machine_is_soon_heard_on_the_other(fleet: Fleet, cast_at: CastAt) -> None:
    """Invariant 1 between machines: messages, changes and signals, and Postgres is not asked to tell anything."""
    a, b, url = fleet.pair
    cast = await cast_at(a.url)
    async with cast.sol.at(b.url).stream() as stream, database(url) as connection:
        for number in range(8):
            began = running_seconds()
            sent = await cast.bea.say(cast.conversation_id, f"Message {number}")
            assert sent["cursor"] == (await stream.next("message.sent", number + 1)).id
            assert running_seconds() - began < TIMELY_SECONDS
        began = running_seconds()
        await cast.bea.put(f"/conversations/{cast.conversation_id}/typing", is_typing=True)
        await stream.next("typing")
        await cast.bea.patch(f"/conversations/{cast.conversation_id}", state="closed")
        await stream.next("conversation.changed")
        assert running_seconds() - began < TIMELY_SECONDS
        assert [] == await connection.fetch(LISTENERS)


async def test_an_ended_token_ends_its_streams_on_the_other_machine(
    fleet: Fleet, cast_at: CastAt, new_person: NewPerson
) -> None:
    """Invariant 11 between machines: within a second, and without NATS too."""
    a, b, _ = fleet.pair
    cast = await cast_at(a.url)
    for way in (hear_well, nats_is_killed):
        async with way(fleet):
            sol = new_person(a.url, cast.sol.id)
            async with sol.at(b.url).stream() as stream:
                assert 204 == (await sol.delete("/session")).status_code
                assert "token_revoked" == (await stream.next("bye", within=1.5)).data["reason"]


# --- while everyone talks ------------------------------------------------------------------------------------------


@asynccontextmanager
async def hear_well(fleet: Fleet) -> AsyncIterator[None]:
    yield


@asynccontextmanager
async def nats_is_killed(fleet: Fleet) -> AsyncIterator[None]:
    fleet.nats.kill()
    for server in fleet.pair[:2]:
        await eventually(lambda server=server: is_deaf(server), within=5)  # type: ignore[misc]
    yield
    await fleet.nats.start()
    for server in fleet.pair[:2]:
        await eventually(lambda server=server: all_are_ready(server), within=10)  # type: ignore[misc]


@asynccontextmanager
async def nats_is_slow(fleet: Fleet) -> AsyncIterator[None]:
    """Everything from and to B takes 0.4 s: heard, but late."""
    fleet.wire.delay_seconds = 0.4
    yield
    fleet.wire.delay_seconds = 0.0


@asynccontextmanager
async def b_is_cut_off(fleet: Fleet) -> AsyncIterator[None]:
    """B's connection stands, and nothing comes through."""
    fleet.wire.is_dead = True
    await eventually(lambda: is_deaf(fleet.pair.b), within=8)
    yield
    fleet.wire.is_dead = False


Fault = Callable[[Fleet], AbstractAsyncContextManager[None]]


@pytest.mark.parametrize("fault", [nats_is_killed, nats_is_slow, b_is_cut_off])
async def test_whatever_befalls_nats_while_everyone_talks(fleet: Fleet, fault: Fault) -> None:
    """Invariant 7 between machines: four workers, no send is refused, no stream is cut, nothing is lost or doubled, and
    what is said on one machine is soon on the other; then all are ready again."""
    async with talking(fleet.pair, seed=71) as (crowd, _):
        async with fault(fleet):
            await after(crowd, 60)
            began = running_seconds()
            await all_have_heard(fleet.pair.a, fleet.pair.b)
            assert running_seconds() - began < 2
        for server in fleet.pair[:2]:
            await eventually(lambda server=server: all_are_ready(server), within=10)  # type: ignore[misc]
        assert [] == crowd.refusals


async def test_deaf_is_the_head_asked_for_three_times_a_second(fleet: Fleet, cast_at: CastAt) -> None:
    cast = await cast_at(fleet.pair.a.url)
    async with cast.sol.at(fleet.pair.b.url).stream() as stream, nats_is_killed(fleet):
        took = []
        for number in range(6):
            began = running_seconds()
            await cast.bea.say(cast.conversation_id, f"Message {number}")
            await stream.next("message.sent", number + 1)
            took.append(running_seconds() - began)
        assert sorted(took)[3] < TIMELY_SECONDS


# --- at the start, and through a pooler ----------------------------------------------------------------------------


async def test_without_nats_at_the_start_it_serves_says_why_it_is_not_ready_and_waits(
    fleet: Fleet, new_server: NewServer, cast_at: CastAt, tmp_path: Path
) -> None:
    """And all the while the way to Postgres is a transaction pooler: nothing of the server needs a session."""
    nats = NatsServer(tmp_path)
    url = fleet.pair.database_url
    async with transaction_pooler(url, tmp_path) as pooled:
        early = await new_server(database_url=pooled, BUS=nats.url, until="live")
        cast = await cast_at(fleet.pair.a.url)
        async with cast.sol.at(early.url).stream() as stream:
            await eventually(lambda: says(early, "NoServersError"))
            sent = await cast.bea.say(cast.conversation_id, "Is there anybody?")
            assert sent["cursor"] == (await stream.next("message.sent")).id
            async with nats:
                await eventually(lambda: is_ready(early), within=10)
                assert not stream.is_over


async def says(server: Server, word: str) -> bool:
    return word in await reason(server)


async def test_the_doctor_tries_nats_and_keeps_its_password(fleet: Fleet) -> None:
    url = fleet.pair.database_url
    nowhere = f"nats://parley:secret-word@127.0.0.1:{free_port()}"
    well, ill = await asyncio.gather(doctor_says(url, BUS=fleet.nats.url), doctor_says(url, BUS=nowhere))
    assert re.search(r"^listen +ok +what is told is heard, by NATS$", well, re.MULTILINE)
    assert re.search(r"^listen +WRONG +NATS at 127\.0\.0\.1:\d+ is not to be had: NoServersError", ill, re.MULTILINE)
    assert "secret-word" not in ill


# --- a failover ----------------------------------------------------------------------------------------------------


@pytest.fixture
async def replica() -> AsyncIterator[Replica]:
    async with replicated() as replica:
        yield replica


async def test_a_failover_to_a_synchronous_replica_loses_nothing(
    replica: Replica, new_server: NewServer, tmp_path: Path
) -> None:
    """Invariants 3 and 7: the primary dies while everyone talks, its replica takes over on a timeline of its own. Every
    cursor is `reset` although nothing is missing: that it might be is all that a server can know. What was answered
    with 201 is there, once, in its place; and all of it that comes after is delivered as ever."""
    async with NatsServer(tmp_path) as nats:
        options: dict[str, Any] = {"database_url": replica.either_url, "BUS": nats.url}
        pair = Pair(await new_server(**options), await new_server(**options), replica.either_url)
        async with gathered(pair.urls, people=6, conversations=9, seed=81) as crowd:
            cursor = await head_cursor(replica.primary.url)
            followers = [
                Reloading(crowd, member, way, cursor) for member in crowd.members for way in ("get", "post", "poll")
            ]
            async with following(followers, lambda: head_of(replica.url)):
                chatting = asyncio.create_task(crowd.chatter())
                await after(crowd, 100)
                await replica.primary.stop("immediate")
                before = dict(crowd.checker.promises)
                began = running_seconds()
                await replica.promote()

                async def all_are_reset() -> bool:
                    return all(follower.was_reset for follower in followers)

                await after(crowd, 1)
                assert running_seconds() - began < 8
                await eventually(all_are_reset, within=8)
                await after(crowd, 60)
                crowd.is_hushed = True
                await chatting
                await all_have_heard_at(replica.url, pair)
            await assert_faultless(crowd, replica.url)
            async with database(replica.url) as connection:
                log = {row.position: row for row in await read_log(connection)}
            assert [] == [kept for kept in before.values() if not stands_in(log, kept)]
        assert cursor.split("-")[0] != (await head_cursor(replica.url)).split("-")[0]


def stands_in(log: dict[int, Any], promise: Any) -> bool:
    row = log.get(promise.position)
    return row is not None and row.data["message"]["client_id"] == promise.client_id


async def all_have_heard_at(url: str, pair: Pair) -> None:
    """`all_have_heard`, with the database where it is now."""
    for server in (pair.a, pair.b):
        server.environment["PARLEY_DATABASE_URL"] = url
    await all_have_heard(pair.a, pair.b)
