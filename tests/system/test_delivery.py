"""Invariants 1 and 2: what was acknowledged reaches everyone, once and in order; the log has no gaps; nothing
uncommitted is ever seen."""

from __future__ import annotations

import asyncio
import json
import uuid

from tests.conftest import NewDatabase
from tests.harness import Cast, Server, eventually, positions
from tests.system.checker import FAULTLESS, faults_of_log, position_of, read_log
from tests.system.conftest import NewServer, Pair
from tests.system.crowd import TRANSPORTS, following, gathered
from tests.system.operating import TERMINATE_LISTENERS, database, errors_of, head_cursor, head_of

# What `log.tell` does, and then the trigger of the commit, at once: the head is locked and the event has a number.
DRAFT = """
INSERT INTO event_draft (conversation_id, kind, audience, data) VALUES ($1, 'conversation.changed', $2, $3)
"""
LOG_NOW = "SET CONSTRAINTS ALL IMMEDIATE"


async def test_concurrent_senders_lose_nothing_double_nothing_and_keep_the_order(pair: Pair) -> None:
    """Invariants 1 and 2: 16 senders, 50 conversations, 600 messages, every transport on both sides, two processes."""
    async with gathered(pair.urls, people=16, conversations=50) as crowd:
        cursor = await head_cursor(pair.database_url)
        followers = [
            crowd.follower(member, [transport], cursor=cursor) for member in crowd.members for transport in TRANSPORTS
        ]
        async with following(followers, lambda: head_of(pair.database_url)):
            await crowd.chatter(600)
        async with database(pair.database_url) as connection:
            crowd.checker.compare_with(await read_log(connection))
            faults = await faults_of_log(connection)
    assert [] == crowd.refusals
    assert 600 == len(crowd.checker.promises)
    assert FAULTLESS == crowd.checker.report()
    assert {} == faults
    by_member = [followers[start : start + 3] for start in range(0, len(followers), 3)]
    for get, post, poll in by_member:
        assert get.told == post.told == poll.told, "all transports say the same"
    assert [] == errors_of(pair.a) + errors_of(pair.b)


async def test_a_rollback_takes_no_number(pair: Pair) -> None:
    """Invariant 2: transactions that take a number and roll back leave no gap between concurrent sends."""
    async with gathered(pair.urls, people=6, conversations=10) as crowd, database(pair.database_url) as connection:
        member = crowd.members[0]
        cursor = await head_cursor(pair.database_url)
        followers = [crowd.follower(one, ["get"], cursor=cursor) for one in crowd.members]

        async def roll_back() -> int:
            count = 0
            while not sending.done():
                transaction = connection.transaction()
                await transaction.start()
                await connection.execute(DRAFT, uuid.UUID(member.conversations[0]), [member.id], "{}")
                if count % 2:
                    await connection.execute(LOG_NOW)
                await transaction.rollback()
                count += 1
            return count

        async with following(followers, lambda: head_of(pair.database_url)):
            sending = asyncio.create_task(crowd.chatter(200))
            rolled_back = await roll_back()
            await sending
        crowd.checker.compare_with(await read_log(connection))
        faults = await faults_of_log(connection)
    assert rolled_back > 10
    assert FAULTLESS == crowd.checker.report()
    assert {} == faults


async def test_nothing_uncommitted_is_ever_seen(pair: Pair, cast_at_pair: Cast) -> None:
    """Invariant 1: an event that has a number but is not committed reaches nobody; rolled back, the number is given to
    the next message, which waited for it."""
    cast = cast_at_pair
    said = json.dumps({"conversation_id": cast.conversation_id, "state": "closed"})
    async with (
        database(pair.database_url) as connection,
        cast.sol.stream() as at_a,
        cast.sol.at(pair.b.url).stream() as at_b,
    ):
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(DRAFT, uuid.UUID(cast.conversation_id), [cast.sol.id, cast.bea.id], said)
        await connection.execute(LOG_NOW)
        taken = await connection.fetchval("SELECT position FROM log_head")
        sending = asyncio.create_task(cast.bea.say(cast.conversation_id, "Is it still there?"))
        for stream in (at_a, at_b):
            pings = sum(event.type == "ping" for event in stream.events)
            await stream.next("ping", pings + 1)
        polled, _ = await cast.sol.catch_up(at_a.events[0].id or "")
        assert ([], [], []) == (polled, at_a.durable, at_b.durable)
        assert not sending.done()
        await transaction.rollback()
        sent = await sending
        assert taken == position_of(sent["cursor"])
        for stream in (at_a, at_b):
            await stream.next("message.sent")
            assert [taken] == list(positions(stream.durable))


# Whoever asks for the head with its floor, as `log.head` does, gets one of a moment ago; the functions are not slowed.
OLD_HEAD = """
ALTER TABLE log_head RENAME TO the_head;
CREATE VIEW log_head AS
SELECT id, epoch, position, floor + 0 * length(pg_sleep(0.2)::text) AS floor, system_identifier, timeline FROM the_head
"""


async def test_a_head_that_was_asked_for_a_moment_ago_is_not_another_history(
    new_database: NewDatabase, new_server: NewServer
) -> None:
    """Invariant 3: while a process looks at the head, its own commits go on. What it then hears is older than what it
    has, and that is no reason to reset anybody."""
    url = await new_database()
    async with database(url) as connection:
        await connection.execute(OLD_HEAD)
        functions = "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname LIKE 'parley%'"
        for row in await connection.fetch(functions):
            await connection.execute(row[0].replace("log_head", "the_head"))
        server = await new_server(database_url=url)
        async with gathered([server.url], people=4, conversations=6, seed=2) as crowd:
            cursor = await connection.fetchval("SELECT epoch || '-' || position FROM the_head")
            followers = [crowd.follower(member, ["get"], cursor=cursor) for member in crowd.members]
            async with following(followers, lambda: head_of(url)):
                chatting = asyncio.create_task(crowd.chatter())
                for times in (1, 2):  # each time it listens anew, it looks at the head
                    assert await connection.fetch(TERMINATE_LISTENERS)
                    await eventually(lambda times=times: _has_listened(server, 1 + times))  # type: ignore[misc]
                    await eventually(lambda times=times: crowd.have_sent(40 * times))  # type: ignore[misc]
                crowd.is_hushed = True
                await chatting
            epoch = await connection.fetchval("SELECT epoch FROM the_head")
        assert epoch == cursor.split("-")[0]
        crowd.checker.compare_with(await read_log(connection))
    assert FAULTLESS == crowd.checker.report()


async def _has_listened(server: Server, times: int) -> bool:
    return server.log.count('"event": "listening"') >= times
