"""Invariant 3: resuming from any cursor ever issued gives exactly the suffix, or `reset`; the same on every transport,
in mixtures of them, and at any process."""

from __future__ import annotations

import asyncio
import random
import uuid

import pytest

from tests.conftest import NewDatabase, NewServer
from tests.harness import Cast, Event, Person
from tests.system.checker import FAULTLESS, LogRow, position_of, read_log
from tests.system.conftest import CastAt, Connect, NewPerson, Pair
from tests.system.crowd import TRANSPORTS, following, gathered
from tests.system.operating import all_have_heard, database, database_url, head_cursor, head_of
from tests.system.raw import Connection
from tests.system.raw import head_of as request_head

BEYOND = 10**12


async def resume(person: Person, cursor: str, transport: str) -> list[Event]:
    """What comes from a cursor on up to the present: the events of the log, and `reset`."""
    if transport == "poll":
        events, _ = await person.catch_up(cursor)
        return [Event(event["cursor"], event["type"], event["data"]) for event in events]
    async with person.stream(cursor, method=transport.upper()) as stream:
        await stream.next("ready")
        return [event for event in stream.events if event.type == "reset" or event in stream.durable]


def suffix(log: list[LogRow], user_id: str, cursor: str) -> list[Event]:
    """What must come, by the table."""
    epoch, after = cursor.rsplit("-", 1)
    return [
        Event(f"{epoch}-{row.position}", row.kind, row.data)
        for row in log
        if row.position > int(after) and user_id in row.audience
    ]


async def test_followers_who_change_their_transport_and_process_in_mid_stream_miss_nothing(pair: Pair) -> None:
    """Invariant 3, while everyone talks: after every few events a follower leaves without a word and goes on with its
    cursor over another transport at the other process. Afterwards all cursors that were ever issued are tried."""
    async with gathered(pair.urls, people=6, conversations=12, seed=3) as crowd:
        cursor = await head_cursor(pair.database_url)
        mixed = [crowd.follower(member, TRANSPORTS, cursor=cursor, change_after=4) for member in crowd.members]
        steady = [crowd.follower(member, ["get"], cursor=cursor) for member in crowd.members]
        async with following([*mixed, *steady], lambda: head_of(pair.database_url)):
            await crowd.chatter(240)
        async with database(pair.database_url) as connection:
            log = await read_log(connection)
        crowd.checker.compare_with(log)
        assert FAULTLESS == crowd.checker.report()
        for one, other in zip(mixed, steady, strict=True):
            assert one.told == other.told
        assert sum(follower.cuts for follower in mixed + steady) == 0
        await all_have_heard(pair.a, pair.b)
        dice = random.Random(3)
        issued = [(follower.member, cursor) for follower in mixed for cursor in set(follower.cursors)]
        assert len(issued) > 200
        for member, cursor in dice.sample(issued, 60):
            transport = dice.choice(TRANSPORTS)
            given = await resume(dice.choice(member.at), cursor, transport)
            assert suffix(log, member.id, cursor) == given, f"{transport} from {cursor}"


async def test_every_cursor_of_an_answer_continues_from_there(pair: Pair, cast_at_pair: Cast) -> None:
    """Invariant 3: cursors come from sends, lists, `/me`, openings, receipts and every control frame, and each of them
    gives exactly what comes after it, at either process."""
    cast = cast_at_pair
    path = f"/conversations/{cast.conversation_id}"
    async with cast.sol.stream() as stream:
        cursors = [(await cast.bea.say(cast.conversation_id, f"Message {number}"))["cursor"] for number in range(3)]
        cursors.append((await cast.sol.get("/me")).json()["cursor"])
        cursors.append((await cast.sol.get("/conversations")).json()["cursor"])
        await cast.bea.say(cast.conversation_id, "Message 4")
        cursors.append((await cast.sol.put("/receipts", context=f"listing:{cast.listing}")).json()["cursor"])
        again = await cast.bea.post("/conversations", context={"kind": "listing", "id": cast.listing})
        cursors.append(again.json()["cursor"])
        await cast.bea.put(f"{path}/receipt", read_seq=1)
        cursors.append((await cast.bea.say(cast.conversation_id, "Message 5"))["cursor"])
        await stream.next("message.sent", 5)
        await stream.next("ping", 1)
        cursors += [event.id for event in stream.events if event.id is not None]
    await all_have_heard(pair.a, pair.b)
    async with database(pair.database_url) as connection:
        log = await read_log(connection)
    for number, cursor in enumerate(sorted(set(cursors), key=position_of)):
        person = (cast.sol, cast.sol.at(pair.b.url))[number % 2]
        for transport in TRANSPORTS:
            assert suffix(log, cast.sol.id, cursor) == await resume(person, cursor, transport)


async def test_the_header_wins_over_the_query(pair: Pair, cast_at_pair: Cast) -> None:
    """A native EventSource comes again with its first `?cursor=` and the newest `Last-Event-ID`."""
    cast = cast_at_pair
    first, second, third = [await cast.bea.say(cast.conversation_id, f"Message {number}") for number in range(3)]
    for method in ("GET", "POST"):
        async with cast.sol.stream(
            first["cursor"], method=method, headers={"Last-Event-ID": second["cursor"]}
        ) as stream:
            await stream.next("ready")
            assert [third["cursor"]] == [event.id for event in stream.durable]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_cursor_that_was_never_issued_is_reset(pair: Pair, cast_at_pair: Cast, transport: str) -> None:
    """Invariant 3: beyond the head, of another epoch, or not a cursor at all: `reset` with a cursor that is good, then
    live; never a part of the past."""
    cast = cast_at_pair
    epoch, head = (await head_cursor(pair.database_url)).rsplit("-", 1)
    wrong = {
        f"{epoch}-{BEYOND}": "beyond_head",
        f"{epoch}-{'9' * 18}": "beyond_head",
        f"0{epoch[1:]}x-{head}": "unknown_epoch",
        f"deadbeef-{head}": "unknown_epoch",
        f"{epoch}-": "unknown_epoch",
        f"{epoch}-1e3": "unknown_epoch",
        f"{epoch}--1": "unknown_epoch",
        f"{epoch}-{'9' * 30}": "unknown_epoch",
        f"{epoch.upper()}-{head}" if epoch.upper() != epoch else "A-1": "unknown_epoch",
        head: "unknown_epoch",
        "nonsense": "unknown_epoch",
    }
    for number, (cursor, reason) in enumerate(wrong.items()):
        person = (cast.sol, cast.sol.at(pair.b.url))[number % 2]
        [reset] = await resume(person, cursor, transport)
        assert ("reset", reason) == (reset.type, reset.data["reason"]), cursor
        assert reset.id == reset.data["cursor"]
        sent = await cast.bea.say(cast.conversation_id, f"After {cursor}")
        await all_have_heard(pair.a, pair.b)
        assert [sent["cursor"]] == [event.id for event in await resume(person, reset.data["cursor"], transport)]


async def test_a_reset_stream_goes_on_live(pair: Pair, cast_at_pair: Cast) -> None:
    """Invariant 3: after `reset` the same stream carries on from the cursor it named."""
    async with cast_at_pair.sol.at(pair.b.url).stream("deadbeef-1") as stream:
        reset = await stream.next("reset")
        await stream.next("ready")
        sent = await cast_at_pair.bea.say(cast_at_pair.conversation_id, "Live")
        heard = await stream.next("message.sent")
    assert sent["cursor"] == heard.id
    assert position_of(reset.data["cursor"]) < position_of(sent["cursor"])


async def test_a_post_stream_may_bring_a_body_in_its_own_time(pair: Pair, cast_at_pair: Cast, connect: Connect) -> None:
    """Invariant 3: the body of a POST often comes in a packet of its own; the stream begins after it."""
    cast = cast_at_pair
    connection = await connect(pair.a)
    connection.write(request_head(cast.sol, "POST", "/events/stream", body=b"{}"))
    connection.write(b"{")
    await cast.bea.say(cast.conversation_id, "Meanwhile")
    connection.write(b"}")
    await until_line(connection, b"event: ready")
    await until_line(connection, b"event: ping")
    sent = await cast.bea.say(cast.conversation_id, "Still there?")
    await until_line(connection, f"id: {sent['cursor']}".encode())


async def until_line(connection: Connection, wanted: bytes) -> None:
    async with asyncio.timeout(10):
        while (line := await connection.line()).strip() != wanted:
            assert line, f"the stream ended before {wanted!r}"


# --- a long log ----------------------------------------------------------------------------------------------------

LONG = 24_000
TAIL = 20_000  # what a process keeps in memory

# A log as others filled it: every 20th event is for $2, the last 2,500 are for $3 too.
FILL = """
WITH head AS (UPDATE log_head SET position = position + $4 WHERE id = 1 RETURNING position - $4 AS start)
INSERT INTO event (position, conversation_id, kind, audience, data)
SELECT start + n, $1, 'receipt.moved',
    array_remove(ARRAY[CASE WHEN n % 20 = 0 THEN $2 END, CASE WHEN n > $4 - 2500 THEN $3 END], NULL),
    json_build_object('n', n)
FROM head, generate_series(1, $4::int) n
"""


async def test_cursors_behind_the_tail_and_behind_the_log(
    new_database: NewDatabase, new_server: NewServer, cast_at: CastAt, new_person: NewPerson
) -> None:
    """Invariant 3: a cursor older than the memory of a process is paged from the table, exactly; one further behind
    than 2,000 of one's own events is reset; and from the moment the log is trimmed no cursor below its floor gets a
    part of what is left."""
    server = await new_server()
    cast = await cast_at(server.url)
    url = database_url(server)
    async with database(url) as connection:
        await connection.execute(FILL, uuid.UUID(cast.conversation_id), cast.sol.id, cast.bea.id, LONG)
        log = await read_log(connection)
        late = await new_server(database_url=url)  # its tail begins in the middle of the log
        epoch, head = (await head_cursor(url)).rsplit("-", 1)
        sol, bea = new_person(late.url, cast.sol.id), new_person(late.url, cast.bea.id)
        floor = int(head) - TAIL
        for position in (100, floor - 1, floor, floor + 1, int(head)):
            cursor = f"{epoch}-{position}"
            for transport in TRANSPORTS if position == 100 else ("get", "poll"):
                assert suffix(log, sol.id, cursor) == await resume(sol, cursor, transport), f"{transport} {cursor}"
        for transport in TRANSPORTS:
            [reset] = await resume(bea, f"{epoch}-100", transport)
            assert ("reset", "too_far_behind") == (reset.type, reset.data["reason"])
            assert 2_000 == len(await resume(bea, f"{epoch}-{int(head) - 2_000}", transport))
            [reset] = await resume(bea, f"{epoch}-{int(head) - 2_001}", transport)
            assert "too_far_behind" == reset.data["reason"]
        for trimmed, transport in zip((1_000, 2_000, 3_000), TRANSPORTS, strict=True):
            async with connection.transaction():
                await connection.execute("DELETE FROM event WHERE position <= $1", trimmed)
                await connection.execute("UPDATE log_head SET floor = $1", trimmed)
            [reset] = await resume(sol, f"{epoch}-{trimmed - 500}", transport)
            assert ("reset", "too_old") == (reset.type, reset.data["reason"])
            cursor = f"{epoch}-{trimmed}"
            assert suffix(log, sol.id, cursor) == await resume(sol, cursor, transport)
        fresh = await new_server(database_url=url)
        cursor = f"{epoch}-3000"
        assert suffix(log, sol.id, cursor) == await resume(sol.at(fresh.url), cursor, "get")
        [reset] = await resume(sol.at(fresh.url), f"{epoch}-2999", "get")
        assert "too_old" == reset.data["reason"]
