"""Invariants 3, 4 and 7 at named points of failure: kill -9 before a commit, between a commit and its answer, in the
middle of a transaction and in the middle of a frame, while everyone talks.

The points are reached from outside, by holding up Postgres or what it answers: the program is the one that people run.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx
import pytest

from tests.conftest import NewServer
from tests.harness import CONTROL, Event, eventually, frames
from tests.system.conftest import Connect, NewPair, NewRelay, Pair
from tests.system.crowd import Crowd, Member, following
from tests.system.operating import database, database_url, head_cursor, head_of
from tests.system.raw import Connection
from tests.system.raw import head_of as request_head
from tests.system.talking import talking

KEY = 4_711
LARGE = "🪑" * 3_900  # 16 KB on the wire
LARGE_COUNT = 320  # more than the kernel holds for a reader who does not read

# COMMIT of whatever says "held" waits for the one who holds the lock.
HOLD = f"""
CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.body LIKE 'held%' THEN PERFORM pg_advisory_xact_lock({KEY}); END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER hold AFTER INSERT ON message
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION hold()
"""
LIFT = "DROP FUNCTION hold CASCADE"
HELD = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = $1"
STORED = "SELECT position FROM message WHERE client_id = $1"
ALIVE = "SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND state = 'active'"


class Attempt:
    """One message at A that will not be answered, and is said again at B."""

    def __init__(self, crowd: Crowd, body: str) -> None:
        self.crowd = crowd
        self.talk = crowd.talks[0]
        self.draft = {"client_id": str(uuid.uuid4()), "body": body}
        crowd.checker.attempt(self.draft["client_id"], self.talk.id, body)
        self.sending = asyncio.create_task(self._post(0))

    async def _post(self, place: int) -> httpx.Response:
        sender = self.talk.members[0].at[place]
        return await sender.http.post(f"/conversations/{self.talk.id}/messages", json=self.draft)

    async def stored(self, connection: asyncpg.Connection[Any]) -> int | None:
        """Its position, by the table."""
        position: int | None = await connection.fetchval(STORED, uuid.UUID(self.draft["client_id"]))
        return position

    async def is_cut(self) -> None:
        with pytest.raises(httpx.TransportError):
            await self.sending

    async def again(self) -> int:
        """The status of the same draft at B; what is answered goes into the books."""
        answer = await self._post(1)
        assert answer.status_code in (200, 201), answer.text
        self.crowd.checker.acknowledge(answer.json())
        return answer.status_code


@asynccontextmanager
async def holding_commits(connection: asyncpg.Connection[Any]) -> AsyncIterator[None]:
    await connection.execute(HOLD)
    await connection.execute(f"SELECT pg_advisory_lock({KEY})")
    try:
        yield
    finally:
        await connection.execute("SELECT pg_advisory_unlock_all()")
        await connection.execute(LIFT)


@pytest.mark.parametrize("ending", ["rolled back", "committed"])
async def test_kill_9_before_the_commit(new_pair: NewPair, new_server: NewServer, ending: str) -> None:
    """A dies while its COMMIT is under way, which then fails, or comes through with nobody to hear of it. Said again,
    the message is sent now, or found."""
    pair = await new_pair()
    async with (
        talking(pair, seed=51, is_cut=True) as (crowd, _),
        database(pair.database_url) as connection,
    ):
        async with holding_commits(connection):
            attempt = Attempt(crowd, "held")
            backend = await eventually(lambda: connection.fetchval(HELD, KEY))
            pair.a.kill()
            if ending == "rolled back":
                await connection.execute("SELECT pg_terminate_backend($1)", backend)
            else:
                await connection.execute("SELECT pg_advisory_unlock_all()")
            await attempt.is_cut()

            async def is_over() -> bool:
                return await connection.fetchval(ALIVE, backend) is None

            await eventually(is_over)
        position = await attempt.stored(connection)
        assert (ending == "committed") == (position is not None)
        assert (200 if position else 201) == await attempt.again()
        await new_server(database_url=pair.database_url, port=pair.a.port)


async def test_kill_9_after_the_commit_and_before_the_answer(new_server: NewServer, new_relay: NewRelay) -> None:
    """What A has committed is in the log though A never knew it: everyone is given it, and said again it is found at
    the position it has."""
    b = await new_server()
    url = database_url(b)
    relay = await new_relay(url)
    a = await new_server(database_url=relay.url)
    async with talking(Pair(a, b, url), seed=52, is_cut=True) as (crowd, _), database(url) as connection:
        relay.trap = b"committed and never answered"
        attempt = Attempt(crowd, "committed and never answered")
        position = await eventually(lambda: attempt.stored(connection))
        assert relay.is_holding
        a.kill()
        relay.release()
        await attempt.is_cut()
        assert 200 == await attempt.again()
        assert position == crowd.checker.promises[attempt.draft["client_id"]].position
        await new_server(database_url=url, port=a.port)


async def test_kill_9_in_the_middle_of_a_transaction(new_server: NewServer, new_relay: NewRelay) -> None:
    """An edit takes several statements. A dies between them: the message is as it was, no position is taken, and B can
    edit it at once."""
    b = await new_server()
    url = database_url(b)
    relay = await new_relay(url)
    a = await new_server(database_url=relay.url)
    async with talking(Pair(a, b, url), seed=53, is_cut=True) as (crowd, _), database(url) as connection:
        sender = crowd.talks[0].members[0]
        message_id = (await crowd.send(sender, crowd.talks[0].id, "As it was"))["message"]["id"]
        relay.trap = b"half an edit"
        editing = asyncio.create_task(sender.at[0].patch(f"/messages/{message_id}", body="half an edit"))

        async def is_held() -> bool:
            return relay.is_holding

        await eventually(is_held)
        a.kill()
        relay.release()
        with pytest.raises(httpx.TransportError):
            await editing
        body = "SELECT body FROM message WHERE id = $1"
        assert "As it was" == await connection.fetchval(body, uuid.UUID(message_id))
        edited = await asyncio.wait_for(sender.at[1].patch(f"/messages/{message_id}", body="A whole edit"), 2)
        assert 200 == edited.status_code, edited.text
        await new_server(database_url=url, port=a.port)


async def test_kill_9_in_the_middle_of_a_frame(new_pair: NewPair, new_server: NewServer, connect: Connect) -> None:
    """A slow reader has a part of a frame when A dies. The part counts for nothing: with the last whole frame's id it
    goes on at B and has everything once."""
    pair = await new_pair()
    async with talking(pair, seed=54, is_cut=True) as (crowd, _):
        talk = await crowd.newcomers()
        reader, sender = talk.members
        cursor = await head_cursor(pair.database_url)
        slow = await connect(pair.a, receive_buffer=4_096)
        slow.write(request_head(reader.at[0], "GET", f"/events/stream?cursor={cursor}"))
        given = b""
        while b"\nevent: ready\n" not in given:
            given += await slow.line()
        slow.stop_reading()
        await send_much(crowd, sender, talk.id)
        pair.a.kill()
        slow.read_again()
        had, rest = await everything(slow, given)
        assert b"\nevent: message.sent\ndata: {" in rest, "cut in the middle of a frame"
        assert 0 < len(had) < LARGE_COUNT
        await new_server(database_url=pair.database_url, port=pair.a.port)
        follower = crowd.follower(reader, ["get"], cursor=cursor)
        for event in had:
            follower._take(event)
        await crowd.late.enter_async_context(following([follower], lambda: head_of(pair.database_url)))


async def send_much(crowd: Crowd, sender: Member, conversation_id: str) -> None:
    limit = asyncio.Semaphore(8)

    async def send(number: int) -> None:
        async with limit:
            await crowd.send(sender, conversation_id, f"{number} {LARGE}")

    await asyncio.gather(*(send(number) for number in range(LARGE_COUNT)))


async def everything(connection: Connection, given: bytes) -> tuple[list[Event], bytes]:
    """The whole events of the log up to the end of the connection, `given` before all, and what came after the last."""
    async with asyncio.timeout(20):
        while data := await connection.reader.read(65_536):
            given += data
    whole, _, rest = given.rpartition(b"\n\n")

    async def lines() -> AsyncIterator[str]:
        for line in (whole + b"\n\n").split(b"\n"):
            yield line.rstrip(b"\r").decode()

    events = [event async for event in frames(lines())]
    return [event for event in events if event.type not in CONTROL and event.id], rest
