"""Invariant 10: a failed COMMIT or a cancelled request leaves the pool as it was."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.conftest import NewDatabase
from tests.harness import Cast, Server, eventually
from tests.system.checker import faults_of_log
from tests.system.conftest import CastAt
from tests.system.operating import database, database_url, kill_server, metric, pool_of
from tests.system.raw import Connection
from tests.system.raw import head_of as request_head

POOL_SIZE = 4

# Fails the COMMIT of whatever writes the marked text, with the error that is given.
CURSE = """
CREATE FUNCTION curse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF row_to_json(NEW)::text LIKE '%cursed%' THEN
        RAISE EXCEPTION 'cursed' USING ERRCODE = '{code}';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER curse AFTER INSERT OR UPDATE ON message
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION curse();
CREATE CONSTRAINT TRIGGER curse AFTER INSERT OR UPDATE ON conversation
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION curse();
CREATE CONSTRAINT TRIGGER curse AFTER INSERT OR UPDATE ON participant
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION curse();
"""
LIFT = "DROP FUNCTION curse CASCADE"


@pytest.fixture(scope="module")
async def server(new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """One for these tests alone, with a small pool: a lost connection is missed soon."""
    own = Server(await new_database(), tmp_path_factory.mktemp("pool"), POOL_SIZE=str(POOL_SIZE))
    yield await own.start()
    kill_server(own)


@asynccontextmanager
async def cursing(server: Server, code: str) -> AsyncIterator[None]:
    """For a while, whatever says "cursed" cannot be committed."""
    async with database(database_url(server)) as connection:
        await connection.execute(CURSE.format(code=code))
        try:
            yield
        finally:
            await connection.execute(LIFT)


async def pool_is_whole(server: Server) -> None:
    """Nobody holds a connection, and as many requests as you like are answered at the same time."""

    async def is_idle() -> bool:
        size, idle = await pool_of(server)
        return 0 < size == idle <= POOL_SIZE

    await eventually(is_idle, within=5)


async def people_are_served(cast: Cast) -> None:
    """More than the pool has connections, all at once: lost ones would be missed."""
    asked = [cast.bea.get("/me") for _ in range(12)] + [cast.sol.get("/conversations") for _ in range(12)]
    asked += [cast.bea.get(f"/conversations/{cast.conversation_id}/messages") for _ in range(12)]
    assert {200} == {answer.status_code for answer in await asyncio.gather(*asked)}
    await cast.bea.say(cast.conversation_id, "And we are talking")


@pytest.mark.parametrize("code", ["P0001", "40001", "57P01"])
async def test_a_failing_commit_gives_its_connection_back(server: Server, cast_at: CastAt, code: str) -> None:
    """Invariant 10: sends, edits, openings, changes and joins whose COMMIT fails, many more than the pool has
    connections; each is refused, nothing is stored, and the pool is whole. `P0001` is a mistake, `40001` a conflict,
    `57P01` what a server says that is being stopped."""
    cast = await cast_at(server.url)
    path = f"/conversations/{cast.conversation_id}"
    cursed = f"cursed-{uuid.uuid4().hex[:6]}"
    message = (await cast.bea.say(cast.conversation_id, "Fine"))["message"]
    await cast.shop.put(f"/contexts/listing/{cursed}", title="A table", seller_id=cast.sol.id)
    async with cast.sol.stream() as stream, database(database_url(server)) as connection:
        async with cursing(server, code):
            for _ in range(1 if code == "57P01" else 3):  # it is tried again for 2 s, as with a server that is away
                answers = await asyncio.gather(
                    *(cast.bea.post(f"{path}/messages", client_id=str(uuid.uuid4()), body="cursed") for _ in range(3)),
                    *(cast.bea.patch(f"/messages/{message['id']}", body="cursed") for _ in range(3)),
                    *(
                        cast.bea.post("/conversations", participants=[{"user_id": cast.ada.id}], subject="cursed")
                        for _ in "12"
                    ),
                    *(cast.shop.post(f"{path}/participants", user_id=cursed, role="agent") for _ in "12"),
                )
                assert {answer.status_code // 100 for answer in answers} == {5}, [a.text for a in answers]
                await people_are_served(cast)
            await pool_is_whole(server)
        sent = await cast.bea.say(cast.conversation_id, "cursed no more")
        assert "Fine" == (await cast.bea.get(f"/messages/{message['id']}")).json()["body"]
        await stream.until(lambda events: any(event.id == sent["cursor"] for event in events))
        assert [] == [event for event in stream.durable[:-1] if "cursed" in str(event.data)]
        assert {} == await faults_of_log(connection)


async def test_a_draft_that_cannot_be_stored_does_not_fail_its_neighbours(server: Server, cast_at: CastAt) -> None:
    """Invariant 1: drafts are committed together, but one that the database refuses is refused alone."""
    cast = await cast_at(server.url)
    async with database(database_url(server)) as connection, cursing(server, "P0001"):
        bodies = ["cursed" if number % 10 == 5 else f"Message {number}" for number in range(40)]
        answers = await asyncio.gather(
            *(
                cast.bea.post(f"/conversations/{cast.conversation_id}/messages", client_id=str(uuid.uuid4()), body=body)
                for body in bodies
            )
        )
        assert {"cursed": 500}.items() >= {
            (body if body == "cursed" else "other", answer.status_code)
            for body, answer in zip(bodies, answers, strict=True)
            if answer.status_code != 201
        }
        assert {} == await faults_of_log(connection)


async def test_clients_that_vanish_in_mid_request_cost_nothing(server: Server, cast_at: CastAt) -> None:
    """Invariant 10: 400 clients go at every moment of a request: before its body, in its body, before the answer, in a
    stream or a poll. Nothing is held afterwards."""
    cast = await cast_at(server.url)
    path = f"/conversations/{cast.conversation_id}"
    await people_are_served(cast)
    before = await metric(server, "process_open_fds")

    async def vanish(number: int) -> None:
        body = f'{{"client_id": "{uuid.uuid4()}", "body": "Message {number}"}}'.encode()
        post = request_head(cast.bea, "POST", f"{path}/messages", body=body)
        requests = [
            post,
            post + body[:20],
            post + body,
            request_head(cast.bea, "GET", "/conversations"),
            request_head(cast.bea, "GET", "/me"),
            request_head(cast.bea, "GET", f"{path}/messages"),
            request_head(cast.bea, "GET", "/events/stream"),
            request_head(cast.bea, "GET", "/events?wait=20"),
        ]
        connection = await Connection.open(server)
        connection.write(requests[number % len(requests)])
        for _ in range(number // len(requests) % 5):  # go at another moment each time
            await asyncio.sleep(0.002)
        connection.vanish()

    for start in range(0, 400, 40):
        await asyncio.gather(*(vanish(number) for number in range(start, start + 40)))
        await people_are_served(cast)

    async def nothing_is_left() -> bool:
        gauges = [await metric(server, name) for name in ("parley_streams", "parley_polls")]
        fds = await metric(server, "process_open_fds")
        return gauges == [0, 0] and fds <= before + 20

    await eventually(nothing_is_left)
    await pool_is_whole(server)
    async with database(database_url(server)) as connection:
        assert {} == await faults_of_log(connection)
        held = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
        assert 0 == await connection.fetchval(held)
