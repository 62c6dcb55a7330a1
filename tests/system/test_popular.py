"""Invariant 6 for an item that thousands talk about: when the shop tells it anew all of them hear of it, once, whatever
happens on the way."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest

from app.chat.contexts import TELL_MAX
from tests.harness import Cast, eventually
from tests.system.conftest import CastAt, NewPair, NewServer
from tests.system.operating import database, database_url

# Conversations of bea and sol about the one item that there is.
MANY = """
WITH opened AS (
    INSERT INTO conversation (id, context_id, opening_key)
    SELECT gen_random_uuid(), context.id, decode(md5(number::text), 'hex')
    FROM context, generate_series(1, $1::integer) AS number RETURNING id
)
INSERT INTO participant (conversation_id, user_id, role)
SELECT opened.id, person.id, person.role
FROM opened, (VALUES ($2::text, 'buyer'), ($3::text, 'seller')) AS person (id, role)
"""

# How many were told of a title, in how many conversations, to how many people in all.
TOLD = """
SELECT count(*), count(DISTINCT conversation_id), sum(cardinality(audience))
FROM event WHERE kind = 'conversation.changed' AND data #>> '{context,title}' = $1
"""

LOCK = "SELECT 1 FROM conversation WHERE id = (SELECT id FROM conversation ORDER BY id OFFSET $1 LIMIT 1) FOR UPDATE"

# Messages after the first who heard of it and before the last.
BETWEEN = """
WITH changed AS (SELECT position FROM event WHERE kind = 'conversation.changed')
SELECT count(*) FROM event WHERE kind = 'message.sent'
    AND position > (SELECT min(position) FROM changed) AND position < (SELECT max(position) FROM changed)
"""


async def many(connection: asyncpg.Connection[Any], cast: Cast, count: int) -> None:
    """So many conversations in all."""
    await connection.execute(MANY, count - 1, cast.bea.id, cast.sol.id)


async def tell(cast: Cast, url: str) -> httpx.Response:
    return await cast.shop.at(url).put(f"/contexts/listing/{cast.listing}", title="Anew", seller_id=cast.sol.id)


async def test_thousands_hear_of_it_while_others_talk(new_server: NewServer, cast_at: CastAt) -> None:
    """More than one statement could have told. Others' messages come in between, and the log has no gap."""
    server = await new_server()
    cast = await cast_at(server.url)
    opened = await cast.eve.post("/conversations", participants=[{"user_id": cast.ada.id}])
    async with database(database_url(server)) as connection, cast.ada.stream() as stream:
        await many(connection, cast, 7_000)
        telling = asyncio.create_task(tell(cast, server.url))
        said = 0
        while not telling.done():
            await cast.eve.say(opened.json()["conversation"]["id"], "Meanwhile")
            said += 1
        assert 200 == (await telling).status_code, (await telling).text
        assert (7_000, 7_000, 14_000) == tuple(await connection.fetchrow(TOLD, "Anew"))
        assert 0 == await connection.fetchval("SELECT position - (SELECT count(*) FROM event) FROM log_head")
        await stream.next("message.sent", said)
        assert await connection.fetchval(BETWEEN) > 0


@pytest.mark.parametrize("goes_on", ["by itself", "when it is said again"])
async def test_what_is_half_told_when_a_process_dies_is_told_to_the_end(
    new_pair: NewPair, cast_at: CastAt, goes_on: str
) -> None:
    """A waits for a conversation of the second stretch when it is killed. The context is stored and some have heard of
    it; the others hear of it from B, and nobody twice."""
    pair = await new_pair()
    cast = await cast_at(pair.a.url)
    count = TELL_MAX * 5 // 2
    async with database(pair.database_url) as connection, database(pair.database_url) as holder:
        await many(connection, cast, count)
        holding = holder.transaction()
        await holding.start()
        await holder.execute(LOCK, TELL_MAX + 20)
        telling = asyncio.create_task(tell(cast, pair.a.url))

        async def told() -> tuple[int, ...]:
            return tuple(await connection.fetchrow(TOLD, "Anew"))

        async def is_at_the_second() -> bool:
            return (await told())[0] == TELL_MAX

        await eventually(is_at_the_second)
        pair.a.kill()
        await holding.rollback()
        with pytest.raises(httpx.TransportError):
            await telling
        if goes_on == "by itself":
            await connection.execute("UPDATE context SET updated_at = now() - interval '1 minute'")
        else:
            assert 200 == (await tell(cast, pair.b.url)).status_code
            assert (count, count, 2 * count) == await told()

        async def is_at_the_end() -> bool:
            return await connection.fetchval("SELECT untold_after IS NULL FROM context")  # type: ignore[no-any-return]

        await eventually(is_at_the_end)
        assert (count, count, 2 * count) == await told()
