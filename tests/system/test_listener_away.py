"""Invariant 7: the listener cut, half-open, deaf through a pooler, or nobody says anything: no loss, no double, and
soon as quick as before."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from tests.conftest import NewDatabase
from tests.harness import Server, eventually, free_port, running_seconds
from tests.system.conftest import CastAt, NewPair, NewRelay, NewServer, Pair
from tests.system.operating import TERMINATE_LISTENERS, all_have_heard, database, database_url, doctor_says, is_ready
from tests.system.pooler import transaction_pooler
from tests.system.relay import Relay
from tests.system.talking import after, talking

LISTENERS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
WRITERS = "SELECT pg_get_functiondef(oid) AS definition FROM pg_proc WHERE proname LIKE 'parley%' AND prosrc LIKE $1"


async def test_the_listener_terminated(new_pair: NewPair, cast_at: CastAt) -> None:
    """Invariant 7: without its LISTEN connection a process asks for the head, so what is sent at A is at B within a
    second all the same; and it listens again soon."""
    pair = await new_pair()
    cast = await cast_at(pair.a.url)
    async with cast.sol.at(pair.b.url).stream() as stream, database(pair.database_url) as connection:
        for number in range(4):
            assert len(await connection.fetch(TERMINATE_LISTENERS)) >= 2
            began = running_seconds()
            sent = await cast.bea.say(cast.conversation_id, f"Message {number}")
            heard = await stream.next("message.sent", number + 1)
            assert running_seconds() - began < 1
            assert sent["cursor"] == heard.id
            for server in (pair.a, pair.b):
                await eventually(lambda server=server: is_ready(server), within=5)  # type: ignore[misc]
        assert not stream.is_over


@asynccontextmanager
async def nobody_notifies(url: str) -> AsyncIterator[None]:
    """Not a word is said on the log's channel."""
    async with database(url) as connection:
        functions = [row["definition"] for row in await connection.fetch(WRITERS, "%pg_notify('parley_log'%")]
        assert 3 <= len(functions)
        for definition in functions:
            await connection.execute(definition.replace("pg_notify('parley_log'", "pg_notify('nobody_listens'"))
        try:
            yield
        finally:
            for definition in functions:
                await connection.execute(definition)


async def test_notify_dropped_entirely(new_pair: NewPair, cast_at: CastAt) -> None:
    """Invariant 7: the look at the head every few seconds brings everything, in order, to the other process."""
    a, b, url = await new_pair()
    cast = await cast_at(a.url)
    async with nobody_notifies(url), cast.sol.stream() as here, cast.sol.at(b.url).stream() as there:
        sent = [(await cast.bea.say(cast.conversation_id, f"Message {number}"))["cursor"] for number in range(5)]
        await cast.bea.patch(f"/conversations/{cast.conversation_id}", state="closed")
        for stream in (here, there):
            await stream.next("conversation.changed", within=8)
            assert sent == [event.id for event in stream.durable[:-1]]


async def test_the_listener_half_open(new_server: NewServer, new_relay: NewRelay, cast_at: CastAt) -> None:
    """Invariant 7: the LISTEN connection stands and nothing comes through any more. The process notices by its probe,
    says that it is not ready, delivers by asking for the head meanwhile, and listens again when it can."""
    a = await new_server()
    relay = await new_relay(database_url(a))
    b = await new_server(database_url=database_url(a), LISTEN_URL=relay.url)
    cast = await cast_at(a.url)
    async with cast.sol.at(b.url).stream() as stream:
        await cast.bea.say(cast.conversation_id, "Message 0")
        await stream.next("message.sent", within=1)
        relay.is_swallowing = True
        for number in (1, 2):
            sent = await cast.bea.say(cast.conversation_id, f"Message {number}")
            assert sent["cursor"] == (await stream.next("message.sent", number + 1, within=8)).id
        await eventually(lambda: _is_deaf(b), within=12)
        began = running_seconds()
        await cast.bea.say(cast.conversation_id, "Message 3")
        await stream.next("message.sent", 4, within=2)
        assert running_seconds() - began < 1, "it knows that it is deaf, and asks"
        relay.is_swallowing = False
        await eventually(lambda: is_ready(b), within=10)
        assert not stream.is_over


async def _says(server: Server, words: str) -> bool:
    return words in server.log


async def _is_deaf(server: Server) -> bool:
    return not await is_ready(server)


async def test_a_cursor_that_nobody_can_look_up_now_is_not_an_invented_one(
    new_server: NewServer, new_relay: NewRelay, cast_at: CastAt
) -> None:
    """Invariant 3: sol has seen more at A than B knows, and B cannot ask. A poll there is told to come again, a stream
    stands and waits; neither is `reset`. When B can ask they go on after the cursor, with nothing twice."""
    a = await new_server()
    relay = await new_relay(database_url(a))
    b = await new_server(database_url=relay.url)
    cast = await cast_at(a.url)
    sol = cast.sol.at(b.url)
    assert 200 == (await sol.get("/me")).status_code  # B knows him: it need not ask who he is
    await all_have_heard(a, b)
    relay.is_swallowing = True
    cursor = [(await cast.bea.say(cast.conversation_id, f"Message {number}"))["cursor"] for number in range(3)][-1]
    polled = await sol.get("/events", cursor=cursor, wait=0)
    assert (503, "unavailable") == (polled.status_code, polled.json()["code"])
    async with sol.stream(cursor) as stream:
        assert cursor == (await stream.next("ping")).id == stream.events[0].id
        relay.is_swallowing = False
        await stream.next("ready")
        sent = await cast.bea.say(cast.conversation_id, "After")
        await stream.next("message.sent")
        assert [sent["cursor"]] == [event.id for event in stream.durable]
        assert "reset" not in [event.type for event in stream.events]


# --- while everyone talks ------------------------------------------------------------------------------------------


@asynccontextmanager
async def terminated(relay: Relay, url: str) -> AsyncIterator[None]:
    async with database(url) as connection:
        for _ in range(3):
            assert await connection.fetch(TERMINATE_LISTENERS)
            await eventually(lambda: _has_rows(url, LISTENERS))
    yield


@asynccontextmanager
async def swallowed(relay: Relay, url: str) -> AsyncIterator[None]:
    relay.is_swallowing = True
    yield
    relay.is_swallowing = False


@asynccontextmanager
async def unsaid(relay: Relay, url: str) -> AsyncIterator[None]:
    async with nobody_notifies(url):
        yield


async def _has_rows(url: str, query: str) -> bool:
    async with database(url) as connection:
        return bool(await connection.fetch(query))


Fault = Callable[[Relay, str], AbstractAsyncContextManager[None]]


@pytest.mark.parametrize("fault", [terminated, swallowed, unsaid])
async def test_whatever_befalls_the_listener_while_everyone_talks(
    new_server: NewServer, new_relay: NewRelay, fault: Fault
) -> None:
    """Invariant 7: B's LISTEN connection is terminated thrice, or black-holed, or nothing is said anywhere. Not one
    send is refused, no stream is cut, nothing is lost or doubled, and B is ready again."""
    a = await new_server()
    url = database_url(a)
    relay = await new_relay(url)
    b = await new_server(database_url=url, LISTEN_URL=relay.url)
    async with talking(Pair(a, b, url), seed=41) as (crowd, _):
        async with fault(relay, url):
            if fault is swallowed:
                await eventually(lambda: _is_deaf(b), within=12)
            await after(crowd, 30)
            await all_have_heard(a, b)
        await eventually(lambda: is_ready(b), within=10)
        assert [] == crowd.refusals


# --- a transaction pooler ------------------------------------------------------------------------------------------


async def test_with_a_direct_way_for_the_listener_a_transaction_pooler_is_no_obstacle(
    new_server: NewServer, tmp_path: Path
) -> None:
    """PARLEY_LISTEN_URL is for this: everything else goes through PgBouncer, and the server is ready."""
    a = await new_server()
    url = database_url(a)
    async with transaction_pooler(url, tmp_path) as pooled:
        b = await new_server(database_url=pooled, LISTEN_URL=url)
        async with talking(Pair(a, b, url), seed=42) as (crowd, _):
            await after(crowd, 30)
            assert [] == crowd.refusals


async def test_deaf_through_a_transaction_pooler_it_says_so_and_delivers_all_the_same(
    new_server: NewServer, tmp_path: Path
) -> None:
    """Invariant 7: LISTEN through PgBouncer is accepted and hears nothing. The server is alive, never says that it is
    ready, and asks for the head instead: nothing is lost, doubled or refused."""
    a = await new_server()
    url = database_url(a)
    async with transaction_pooler(url, tmp_path) as pooled:
        b = await new_server(database_url=pooled, LISTEN_URL=pooled, until="live")
        async with talking(Pair(a, b, url), seed=43) as (crowd, _):
            await after(crowd, 30)
            assert [] == crowd.refusals
            assert await _is_deaf(b)
            await eventually(lambda: _says(b, "listener lost"))


async def test_the_doctor_listens_and_tells_where_the_server_does(new_database: NewDatabase, tmp_path: Path) -> None:
    """Two ways to one database: each mistake is said of the setting that has it."""
    url, other = await new_database(), await new_database()
    nowhere = f"postgresql://postgres@127.0.0.1:{free_port()}/parley"
    async with transaction_pooler(url, tmp_path) as pooled:
        for told_at, heard_at, verdict in (
            (pooled, url, "ok     what is told is heard"),
            (pooled, pooled, "WRONG  what is told is not heard: a transaction pooler is in between"),
            (url, other, "WRONG  what is told is not heard: PARLEY_LISTEN_URL is another database"),
            (url, nowhere, "WRONG  Nothing listens at PARLEY_LISTEN_URL"),
        ):
            assert f"listen      {verdict}" in await doctor_says(told_at, LISTEN_URL=heard_at)
