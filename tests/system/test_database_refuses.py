"""Invariants 7 and 10: Postgres is there and refuses: its disk is full, its COMMIT fails, or every connection of the
pool waits for a lock. No loss, no double, and all as before when it is over."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.harness import Server, eventually, running_seconds
from tests.system.conftest import CastAt, NewPair, NewServer, Pair
from tests.system.operating import database, database_url, errors_of, is_ready, pool_of
from tests.system.talking import after, assert_back, assert_unavailable, forgive, talking

POOL_SIZE = 3

# Whatever is written to `message` is answered as by a server in trouble: at once, or only when it is to be committed.
TROUBLE = """
CREATE FUNCTION trouble() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '{code}'; END $$;
CREATE {constraint} TRIGGER trouble AFTER INSERT OR UPDATE ON message {deferred}
    FOR EACH ROW EXECUTE FUNCTION trouble()
"""
LIFT = "DROP FUNCTION trouble CASCADE"
DISK_FULL, STOPPING = "53100", "57P01"


@asynccontextmanager
async def trouble(url: str, code: str, *, at_commit: bool) -> AsyncIterator[None]:
    kind = ("CONSTRAINT", "DEFERRABLE INITIALLY DEFERRED") if at_commit else ("", "")
    async with database(url) as connection:
        await connection.execute(TROUBLE.format(code=code, constraint=kind[0], deferred=kind[1]))
        try:
            yield
        finally:
            await connection.execute(LIFT)


@pytest.mark.parametrize(
    ("code", "at_commit"),
    [(DISK_FULL, False), (STOPPING, True)],
    ids=["disk full", "the commit fails"],
)
async def test_postgres_refuses_every_write_for_a_while(new_pair: NewPair, code: str, at_commit: bool) -> None:
    """Sends get `unavailable`, in time, and are repeated; what can be read is read; streams stand. Nothing is logged as
    a mistake of ours."""
    pair = await new_pair()
    async with talking(pair, seed=71) as (crowd, _):
        async with trouble(pair.database_url, code, at_commit=at_commit):
            await assert_unavailable(crowd)
            member = crowd.members[0]
            assert [200, 200] == [(await person.get("/conversations")).status_code for person in member.at]
        await assert_back(crowd, pair, since=running_seconds())
        forgive(crowd)
    assert [] == errors_of(pair.a) + errors_of(pair.b)
    for server in (pair.a, pair.b):
        await eventually(lambda server=server: _is_whole(server))  # type: ignore[misc]


async def test_the_pool_exhausted_while_everyone_talks(new_server: NewServer) -> None:
    """Twelve changes of one listing at a time wait at A for a lock, four times as many as the pool has connections.
    What needs the pool is refused in time; sends have a connection of their own and go on; B knows nothing of it. When
    the lock is gone A is as it was."""
    a = await new_server(POOL_SIZE=str(POOL_SIZE))
    url = database_url(a)
    b = await new_server(database_url=url)
    async with talking(Pair(a, b, url), seed=72) as (crowd, _), database(url) as connection:
        shop, reader = crowd.shop, crowd.members[0]
        listing = {"title": "A table", "seller_id": reader.id}
        assert 200 == (await shop.at[0].put("/contexts/listing/locked", **listing)).status_code
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("SELECT 1 FROM context WHERE item_id = 'locked' FOR UPDATE")
        is_locked = True

        async def change() -> None:
            while is_locked:
                answer = await shop.at[0].put("/contexts/listing/locked", **listing)
                assert answer.status_code in (200, 503), answer.text

        changing = [asyncio.create_task(change()) for _ in range(4 * POOL_SIZE)]
        await eventually(lambda: _is_exhausted(a))
        began = running_seconds()
        reads = await asyncio.gather(*(reader.at[0].get("/conversations") for _ in range(4 * POOL_SIZE)))
        assert {503, 200} >= {read.status_code for read in reads} >= {503}
        assert running_seconds() - began < 6
        assert 200 == (await reader.at[1].get("/conversations")).status_code
        await after(crowd, 20)
        is_locked = False
        await transaction.rollback()
        await asyncio.gather(*changing)
        await eventually(lambda: is_ready(a), within=10)
        answers = await asyncio.gather(*(reader.at[0].get("/conversations") for _ in range(4 * POOL_SIZE)))
        assert {200} == {answer.status_code for answer in answers}
        assert [] == crowd.refusals
    await eventually(lambda: _is_whole(a))


async def test_transactions_that_waited_in_vain_give_their_connections_back(
    new_server: NewServer, cast_at: CastAt
) -> None:
    """Invariant 10: six edits of a message wait for a lock until their time is over, twice as many as the pool has
    connections. All are refused; none keeps its connection, its transaction or its locks."""
    server = await new_server(POOL_SIZE=str(POOL_SIZE))
    cast = await cast_at(server.url)
    message_id = (await cast.bea.say(cast.conversation_id, "As it was"))["message"]["id"]
    async with database(database_url(server)) as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("SELECT 1 FROM message WHERE id = $1 FOR UPDATE", uuid.UUID(message_id))
        answers = await asyncio.gather(*(cast.bea.patch(f"/messages/{message_id}", body="Again") for _ in range(6)))
        assert {503} == {answer.status_code for answer in answers}
        await eventually(lambda: _is_whole(server), within=3)  # and not when Postgres ends what it left, after 5 s
        await transaction.rollback()
        again = await asyncio.gather(*(cast.bea.get("/conversations") for _ in range(4 * POOL_SIZE)))
        assert {200} == {answer.status_code for answer in again}
        assert 200 == (await cast.bea.patch(f"/messages/{message_id}", body="As it is now")).status_code


async def _is_exhausted(server: Server) -> bool:
    return (POOL_SIZE, 0) == await pool_of(server)


async def _is_whole(server: Server) -> bool:
    size, idle = await pool_of(server)
    return size == idle
