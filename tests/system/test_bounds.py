"""Invariant 9: a stopped reader costs bounded memory and does not slow others; 10,000 connects and disconnects leak
nothing."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator

import pytest

from app.delivery.reader import STALL_SECONDS
from tests.conftest import NewDatabase
from tests.harness import Person, Server, eventually, running_seconds
from tests.system.conftest import CastAt, Connect, NewPerson
from tests.system.operating import all_have_heard, database, database_url, kill_server, metric, process_of
from tests.system.raw import Connection
from tests.system.raw import head_of as request_head

ELSEWHERE = "https://shop.example"
MEGABYTE = 1024 * 1024
STOPPED = 20
EVENTS = 5_000
EVENT_BYTES = 4_000
ROUNDS = 20
AT_ONCE = 500

# What another process would commit: events for $2, large ones.
TELL = """
WITH head AS (UPDATE log_head SET position = position + $3 WHERE id = 1 RETURNING position - $3 AS start, position),
told AS (
    INSERT INTO event (position, conversation_id, kind, audience, data)
    SELECT start + n, $1, 'receipt.moved', ARRAY[$2::text], $4::json FROM head, generate_series(1, $3::int) n
)
SELECT pg_notify('parley_log', position::text) FROM head
"""


@pytest.fixture(scope="module")
async def server(new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """One for these tests alone, whose memory nobody else fills."""
    own = Server(
        await new_database(), tmp_path_factory.mktemp("bounds"), HEARTBEAT_SECONDS="0.5", ALLOWED_ORIGINS=ELSEWHERE
    )
    yield await own.start()
    kill_server(own)


def memory_of(server: Server) -> int:
    return process_of(server).memory_info().rss


async def way_in(person: Person, number: int) -> bytes:
    """The request for a stream: past the framework, and through it in each of its ways."""
    match number % 4:
        case 0:
            return request_head(person, "GET", "/events/stream")
        case 1:
            return request_head(person, "POST", "/events/stream")
        case 2:
            return request_head(person, "GET", "/events/stream", Origin=ELSEWHERE)
        case _:
            ticket = (await person.post("/stream-tickets")).json()["ticket"]
            return request_head(person, "GET", f"/events/stream?ticket={ticket}")


async def test_stopped_readers_cost_bounded_memory_and_slow_nobody(
    server: Server, cast_at: CastAt, connect: Connect
) -> None:
    """Invariant 9: 20 streams of sol's, opened in every way, stop reading, and 5,000 events of 4 KB come for him: 20 MB
    once, in the tail, and not 400. Meanwhile bea and ada talk as quickly as ever. In the end they are cut off."""
    cast = await cast_at(server.url)
    talk = (await cast.bea.post("/conversations", participants=[{"user_id": cast.ada.id}])).json()["conversation"]["id"]
    said = json.dumps({"conversation_id": cast.conversation_id, "filling": "x" * EVENT_BYTES})
    readers = [await connect(server, receive_buffer=4_096) for _ in range(STOPPED)]
    for number, reader in enumerate(readers):
        reader.write(await way_in(cast.sol, number))
        while await reader.line() != b"event: ready\n":
            pass
        reader.stop_reading()
    before = memory_of(server)
    delays: list[float] = []
    async with cast.ada.stream() as stream, database(database_url(server)) as connection:
        for number in range(EVENTS // 250):
            await connection.fetch(TELL, uuid.UUID(cast.conversation_id), cast.sol.id, 250, said)
            began = running_seconds()
            await cast.bea.say(talk, f"Message {number}")
            await stream.next("message.sent", number + 1)
            delays.append(running_seconds() - began)
        await all_have_heard(server)
        grown = memory_of(server) - before
        assert STOPPED + 1 == await metric(server, "parley_streams")
    assert grown < 100 * MEGABYTE, f"{grown // MEGABYTE} MB"
    assert sorted(delays)[len(delays) // 2] < 0.25
    assert max(delays) < 1
    polled, _ = await cast.sol.catch_up((await cast.sol.get("/me")).json()["cursor"])
    assert [] == polled, "sol himself is served elsewhere all the time"

    async def are_gone() -> bool:
        return await metric(server, "parley_streams") == 0

    await eventually(are_gone, within=STALL_SECONDS * 1.5)


async def test_a_stopped_reader_that_reads_again_is_complete(server: Server, cast_at: CastAt, connect: Connect) -> None:
    """Invariants 1 and 9: a reader is only an old cursor: when it reads again, everything comes, in order."""
    cast = await cast_at(server.url)
    said = json.dumps({"conversation_id": cast.conversation_id, "filling": "x" * EVENT_BYTES})
    reader = await connect(server, receive_buffer=4_096)
    reader.write(request_head(cast.sol, "GET", "/events/stream"))
    while await reader.line() != b"event: ready\n":
        pass
    reader.stop_reading()
    async with database(database_url(server)) as connection:
        for _ in range(6):
            await connection.fetch(TELL, uuid.UUID(cast.conversation_id), cast.sol.id, 300, said)
        first = await connection.fetchval("SELECT max(position) - 1799 FROM event WHERE kind = 'receipt.moved'")
    await all_have_heard(server)
    reader.read_again()
    given: list[int] = []
    async with asyncio.timeout(20):
        while len(given) < 1_800:
            line = await reader.line()
            assert line, "the stream ended"
            if line.startswith(b"id: "):
                position = int(line.rsplit(b"-", 1)[1])
            elif line == b"event: receipt.moved\n":
                given.append(position)
    assert list(range(first, first + 1_800)) == given


@pytest.mark.parametrize("body", [None, b"12345"], ids=["plain", "with a body"])
async def test_who_asks_again_behind_a_stream_and_leaves_disturbs_nobody(
    server: Server, cast_at: CastAt, connect: Connect, body: bytes | None
) -> None:
    """Invariants 1 and 9: of a connection that is lost uvicorn tells only the newest request."""
    cast = await cast_at(server.url)
    leaving = await connect(server)
    leaving.write(request_head(cast.bea, "GET", "/events/stream", body=body) + (body or b""))
    leaving.write(request_head(cast.bea, "GET", "/me"))
    while await leaving.line() != b"event: ready\n":
        pass
    async with cast.sol.stream() as stream:
        leaving.vanish()

        async def has_gone() -> bool:
            return await metric(server, "parley_streams") == 1

        await cast.bea.say(cast.conversation_id, "Still there?")
        await stream.next("message.sent")
        await eventually(has_gone)
        await cast.bea.say(cast.conversation_id, "And now?")
        await stream.next("message.sent", 2)
        beats = sum(event.type == "ping" for event in stream.events)
        await stream.next("ping", beats + 2)


async def test_one_person_cannot_hold_more_than_fifty_streams(
    server: Server, cast_at: CastAt, connect: Connect
) -> None:
    """Invariant 9: of 80 streams of one person, some of which have stopped reading, the 50 newest stay."""
    cast = await cast_at(server.url)
    readers = []
    for number in range(80):
        readers.append(await connect(server))
        readers[-1].write(request_head(cast.sol, "GET", "/events/stream"))
        while await readers[-1].line() != b"event: ready\n":
            pass
        if number % 10 == 0:
            readers[-1].stop_reading()

    async def fifty_are_left() -> bool:
        return await metric(server, "parley_streams") == 50

    await eventually(fifty_are_left)
    sent = await cast.bea.say(cast.conversation_id, "Which of you hears me?")
    for reader in readers[31:40]:
        async with asyncio.timeout(5):
            while await reader.line() != f"id: {sent['cursor']}\n".encode():
                pass


@pytest.mark.timeout(180)
async def test_ten_thousand_connects_and_disconnects_leak_nothing(
    server: Server, cast_at: CastAt, new_person: NewPerson
) -> None:
    """Invariant 9: 10,000 streams, 500 at a time by 100 people, opened and left in four ways: goodbye or reset, before
    or after the first frame. Memory, files and readers are as before."""
    cast = await cast_at(server.url)
    mark = uuid.uuid4().hex[:8]
    people = [new_person(server.url, f"passer-{number}-{mark}") for number in range(AT_ONCE // 5)]
    await asyncio.gather(*(person.get("/me") for person in people))
    process = process_of(server)

    async def come_and_go(number: int) -> None:
        connection = await Connection.open(server)
        connection.write(request_head(people[number % len(people)], "GET", "/events/stream"))
        if number % 2:
            async with asyncio.timeout(30):
                while not (await connection.line()).startswith(b"event: hello"):
                    pass
        if number % 4 < 2:
            connection.vanish()
        else:
            await connection.close()

    async def nobody_is_left() -> bool:
        return await metric(server, "parley_streams") == 0

    async def measure() -> tuple[int, int]:
        await eventually(nobody_is_left)
        return process.memory_info().rss, process.num_fds()

    for _ in range(3):  # until what is made once has been made
        await asyncio.gather(*(come_and_go(number) for number in range(AT_ONCE)))
    memory, files = await measure()
    for _ in range(ROUNDS):
        await asyncio.gather(*(come_and_go(number) for number in range(AT_ONCE)))
    memory_after, files_after = await measure()
    assert memory_after - memory < 12 * MEGABYTE, f"{(memory_after - memory) / MEGABYTE:.1f} MB"
    assert abs(files_after - files) <= 4
    async with cast.sol.stream() as stream:
        await cast.bea.say(cast.conversation_id, "As before")
        await stream.next("message.sent", within=1)
        assert 1 == await metric(server, "parley_streams")
