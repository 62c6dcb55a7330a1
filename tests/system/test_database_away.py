"""Invariant 7: Postgres stopped, killed or frozen, the listener cut, half-open or deaf: no loss, no double, back to
normal by itself; sends meanwhile get `unavailable` and may be retried safely."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest

from tests.conftest import NewServer
from tests.harness import Cast, Person, Server, eventually
from tests.system.checker import FAULTLESS, faults_of_log, read_log
from tests.system.conftest import CastAt, NewPair, Pair
from tests.system.crowd import Crowd, Follower, following, gathered
from tests.system.operating import (
    TERMINATE_LISTENERS,
    OwnPostgres,
    all_have_heard,
    database,
    database_url,
    head_cursor,
    head_of,
    is_ready,
    kill_server,
)

REFUSED_WITHIN = 3.0
BACK_WITHIN = 3.0

EVERYONE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class Place(NamedTuple):
    """Two servers on a Postgres of their own, for stopping it."""

    postgres: OwnPostgres
    pair: Pair


@pytest.fixture(scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    home = Path(tempfile.mkdtemp(prefix="parley-tests-"))  # pytest closes its own folder to the user Postgres runs as
    postgres = await asyncio.to_thread(OwnPostgres, home / "postgres")
    servers = [Server(postgres.url, tmp_path_factory.mktemp(f"away-{name}"), HEARTBEAT_SECONDS="0.5") for name in "ab"]
    yield Place(postgres, Pair(*await asyncio.gather(*(server.start() for server in servers)), postgres.url))
    for server in servers:
        kill_server(server)
    await asyncio.to_thread(postgres.close)
    shutil.rmtree(home, ignore_errors=True)


@asynccontextmanager
async def talking(pair: Pair, seed: int) -> AsyncIterator[tuple[Crowd, list[Follower]]]:
    """A crowd that talks without a pause until it is hushed at the end, with streams and polls on both sides; then
    nothing may be lost or doubled, no stream cut, and no cursor reset."""
    async with gathered(pair.urls, people=6, conversations=9, seed=seed) as crowd:
        cursor = await head_cursor(pair.database_url)
        streams = [crowd.follower(member, [way], cursor=cursor) for member in crowd.members for way in ("get", "post")]
        polls = [crowd.follower(member, ["poll"], cursor=cursor) for member in crowd.members]
        async with following([*streams, *polls], lambda: head_of(pair.database_url)):
            chatting = asyncio.create_task(crowd.chatter())
            await eventually(lambda: crowd.have_sent(60))
            try:
                yield crowd, streams
            finally:
                count = len(crowd.checker.promises)
                await eventually(lambda: crowd.have_sent(count + 60))
                crowd.is_hushed = True
                await chatting
        async with database(pair.database_url) as connection:
            crowd.checker.compare_with(await read_log(connection))
            assert {} == await faults_of_log(connection)
        assert FAULTLESS == crowd.checker.report()
        assert [] == [follower.account.name for follower in streams if follower.cuts or follower.byes]


async def refused(person: Person, conversation_id: str) -> tuple[httpx.Response, float]:
    """A send that finds no database, and how long that took."""
    began = time.monotonic()
    answer = await person.post(f"/conversations/{conversation_id}/messages", client_id=str(uuid.uuid4()), body="Hello?")
    return answer, time.monotonic() - began


async def assert_unavailable(crowd: Crowd) -> None:
    """Sends at both processes are refused in time, with the word and the time to wait."""
    people = [person for talk in crowd.talks[:4] for person in talk.members[0].at]
    answers = await asyncio.gather(
        *(refused(person, crowd.talks[number // 2].id) for number, person in enumerate(people))
    )
    for answer, seconds in answers:
        assert (503, "unavailable") == (answer.status_code, answer.json()["code"]), answer.text
        assert int(answer.headers["retry-after"]) >= 1
        assert seconds < REFUSED_WITHIN


async def assert_back(crowd: Crowd, pair: Pair, since: float) -> None:
    """Sends succeed again within 3 s, at both processes, and both become ready."""
    for person in crowd.talks[0].members[0].at:

        async def is_sent(person: Person = person) -> bool:
            answer, _ = await refused(person, crowd.talks[0].id)
            return answer.status_code == 201

        await eventually(is_sent, within=max(0.1, since + BACK_WITHIN - time.monotonic()))
    for server in (pair.a, pair.b):
        await eventually(lambda server=server: is_ready(server), within=5)  # type: ignore[misc]


def forgive(crowd: Crowd) -> None:
    """What `refused` sent was not entered into the books."""
    for account in crowd.checker.accounts:
        for _, message in account.messages:
            if message["body"] == "Hello?":
                crowd.checker.attempt(message["client_id"], message["conversation_id"], message["body"])


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
        await assert_back(crowd, place.pair, since=time.monotonic())
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
        await assert_back(crowd, place.pair, since=time.monotonic())
        forgive(crowd)


async def test_every_connection_of_the_servers_terminated(place: Place) -> None:
    """Invariant 7: pg_terminate_backend of everything, three times, in the middle of sends: nobody even has to repeat
    a send, for the writers do."""
    async with talking(place.pair, seed=23) as (crowd, _), database(place.postgres.url) as connection:
        for _ in range(3):
            await connection.execute(EVERYONE)
            count = len(crowd.checker.promises)
            await eventually(lambda count=count: crowd.have_sent(count + 50))  # type: ignore[misc]
        assert [] == crowd.refusals
        for server in (place.pair.a, place.pair.b):
            await eventually(lambda server=server: is_ready(server), within=5)  # type: ignore[misc]


async def test_the_listener_terminated(place: Place, cast_at: CastAt) -> None:
    """Invariant 7: without its LISTEN connection a process asks for the head, so what is sent at A is at B within a
    second all the same; and it listens again soon."""
    pair = place.pair
    cast = await cast_at(pair.a.url)
    async with cast.sol.at(pair.b.url).stream() as stream, database(place.postgres.url) as connection:
        for number in range(4):
            assert len(await connection.fetch(TERMINATE_LISTENERS)) >= 2
            began = time.monotonic()
            sent = await cast.bea.say(cast.conversation_id, f"Message {number}")
            heard = await stream.next("message.sent", number + 1)
            assert time.monotonic() - began < 1
            assert sent["cursor"] == heard.id
            for server in (pair.a, pair.b):
                await eventually(lambda server=server: is_ready(server), within=5)  # type: ignore[misc]
        assert not stream.is_over


RESTORED = {
    "another server": "UPDATE log_head SET system_identifier = 'another'",
    "another timeline": "UPDATE log_head SET timeline = timeline + 1",
    "an older backup": """
        WITH gone AS (DELETE FROM event WHERE position > (SELECT position - 2 FROM log_head))
        UPDATE log_head SET position = position - 2""",
}


async def test_a_restored_database_is_another_history(new_pair: NewPair, cast_at: CastAt) -> None:
    """Invariants 3 and 7: after a restore or a failover the old cursors mean nothing: open streams, resumed ones and
    polls are `reset`, none is given a part of either history, and all go on live."""
    pair = await new_pair()
    for what, restore in RESTORED.items():
        cast = await cast_at(pair.a.url)
        async with cast.sol.stream() as here, cast.sol.at(pair.b.url).stream(method="POST") as there:
            old = [(await cast.bea.say(cast.conversation_id, f"Message {number}"))["cursor"] for number in range(4)]
            for stream in (here, there):
                await stream.next("message.sent", 4)
            async with database(pair.database_url) as connection:
                await connection.execute(restore)
                assert await connection.fetch(TERMINATE_LISTENERS)
            resets = [await stream.next("reset") for stream in (here, there)]
            assert ["unknown_epoch"] * 2 == [reset.data["reason"] for reset in resets], what
            assert {old[0].split("-")[0]}.isdisjoint(reset.data["cursor"].split("-")[0] for reset in resets)
            sent = await cast.bea.say((await renewed(cast))["id"], "A new history")
            for stream in (here, there):
                heard = await stream.until(lambda events, sent=sent: [e for e in events if e.id == sent["cursor"]])  # type: ignore[misc]
                assert "message.sent" == heard[0].type
            for person in (cast.sol, cast.sol.at(pair.b.url)):
                events, _ = await person.catch_up(old[1])
                assert ["reset"] == [event["type"] for event in events]


async def renewed(cast: Cast) -> dict[str, str]:
    """A conversation of bea and sol that no backup has missed."""
    answer = await cast.bea.post("/conversations", participants=[{"user_id": cast.sol.id}])
    assert 201 == answer.status_code, answer.text
    return answer.json()["conversation"]  # type: ignore[no-any-return]


async def test_notify_dropped_entirely(new_pair: NewPair, cast_at: CastAt) -> None:
    """Invariant 7: nobody says a word on the log's channel; the look at the head every few seconds brings everything,
    in order, to the other process."""
    a, b, url = await new_pair()
    cast = await cast_at(a.url)
    async with database(url) as connection:
        functions = await connection.fetch(
            "SELECT pg_get_functiondef(oid) AS definition FROM pg_proc WHERE proname LIKE 'parley%' AND prosrc LIKE $1",
            "%pg_notify('parley_log'%",
        )
        assert 3 <= len(functions)
        for function in functions:
            await connection.execute(
                function["definition"].replace("pg_notify('parley_log'", "pg_notify('nobody_listens'")
            )
    async with cast.sol.stream() as here, cast.sol.at(b.url).stream() as there:
        sent = [(await cast.bea.say(cast.conversation_id, f"Message {number}"))["cursor"] for number in range(5)]
        await cast.bea.patch(f"/conversations/{cast.conversation_id}", state="closed")
        for stream in (here, there):
            await stream.next("conversation.changed", within=4)
            assert sent == [event.id for event in stream.durable[:-1]]


class Proxy:
    """TCP in front of the Postgres socket, which can swallow everything without closing: a half-open connection."""

    def __init__(self, database_url: str) -> None:
        self.path = f"{database_url.split('host=')[1]}/.s.PGSQL.5432"
        self.is_swallowing = False
        self.tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> str:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_unix_connection(self.path)
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            await asyncio.gather(self._copy(reader, there_writer), self._copy(there_reader, writer))
        except OSError:
            pass
        finally:
            self.tasks.discard(task)
            for end in (writer, there_writer):
                end.close()

    async def _copy(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65_536):
            if not self.is_swallowing:
                target.write(data)
                await target.drain()
        target.close()

    async def close(self) -> None:
        self.server.close()
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def test_the_listener_half_open(new_server: NewServer, cast_at: CastAt) -> None:
    """Invariant 7: the LISTEN connection stands and nothing comes through any more. The process notices by its probe,
    says that it is not ready, delivers by asking for the head meanwhile, and listens again when it can."""
    a = await new_server()
    url = database_url(a)
    proxy = Proxy(url)
    place = await proxy.start()
    name = urlsplit(url).path
    b = await new_server(database_url=url, LISTEN_URL=f"postgresql://postgres@{place}{name}")
    cast = await cast_at(a.url)
    async with cast.sol.at(b.url).stream() as stream:
        await cast.bea.say(cast.conversation_id, "Message 0")
        await stream.next("message.sent", within=1)
        proxy.is_swallowing = True
        for number in (1, 2):
            sent = await cast.bea.say(cast.conversation_id, f"Message {number}")
            assert sent["cursor"] == (await stream.next("message.sent", number + 1, within=4)).id

        async def is_deaf() -> bool:
            return not await is_ready(b)

        await eventually(is_deaf, within=8)
        began = time.monotonic()
        await cast.bea.say(cast.conversation_id, "Message 3")
        await stream.next("message.sent", 4, within=2)
        assert time.monotonic() - began < 1, "it knows that it is deaf, and asks"
        proxy.is_swallowing = False
        await eventually(lambda: is_ready(b), within=10)
        assert not stream.is_over
    kill_server(b)
    await proxy.close()
