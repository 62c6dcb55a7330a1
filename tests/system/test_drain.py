"""Invariant 12: SIGTERM under load costs no message, cuts no request, ends every stream with `bye`, and is done in
time."""

from __future__ import annotations

import asyncio
import json
import uuid
from contextlib import AsyncExitStack

import httpx
import pytest

from tests.conftest import NewServer
from tests.harness import Person, Server, eventually, running_seconds
from tests.system.checker import FAULTLESS, faults_of_log, read_log
from tests.system.conftest import CastAt
from tests.system.crowd import Crowd, following, gathered
from tests.system.operating import database, database_url, errors_of, head_cursor, head_of, is_ready, kill, workers_of
from tests.system.raw import Connection, Cut
from tests.system.raw import head_of as request_head

EXIT_SECONDS = 20.0


class Sender:
    """Sends one message after another over a kept connection, until nobody listens any more.

    A connection that the server has closed before anything was sent on it is replaced; all else is a failure.
    """

    def __init__(self, server: Server, person: Person, conversation_id: str, crowd: Crowd) -> None:
        self.server = server
        self.person = person
        self.conversation_id = conversation_id
        self.crowd = crowd
        self.failures: list[str] = []
        self.count = 0

    async def run(self) -> None:
        connection: Connection | None = None
        while True:
            try:
                connection = connection or await Connection.open(self.server)
            except ConnectionRefusedError:
                return
            try:
                is_kept = await self._send(connection)
            except Cut as cut:
                self.failures.append(f"message {self.count} of {self.person.id}: {cut}")
                is_kept = False
            if not is_kept or connection.is_closed_by_server:
                await connection.close()
                connection = None

    async def _send(self, connection: Connection) -> bool:
        """Whether the connection may be used again."""
        draft = {"client_id": str(uuid.uuid4()), "body": f"Message {self.count}"}
        body = json.dumps(draft).encode()
        self.crowd.checker.attempt(draft["client_id"], self.conversation_id, draft["body"])
        path = f"/conversations/{self.conversation_id}/messages"
        connection.write(request_head(self.person, "POST", path, body=body) + body)
        answer = await connection.answer()
        self.count += 1
        if answer.status == 201:
            self.crowd.checker.acknowledge(answer.json)
        else:
            self.failures.append(f"message {self.count} of {self.person.id}: {answer.status} {answer.body!r}")
        return answer.headers.get("connection") != "close"


@pytest.mark.parametrize("workers", [1, 2])
async def test_sigterm_under_load_fails_no_request_and_says_goodbye_to_everyone(
    new_server: NewServer, workers: int
) -> None:
    """Invariant 12: every POST on a kept connection is answered 201 or finds nobody listening; every stream hears
    `bye` with a spread time to come again; the process ends with 0; all that was promised is found afterwards."""
    server = await new_server("--workers", str(workers), DRAIN_SECONDS="2")
    url = database_url(server)
    async with gathered([server.url], people=16, conversations=24) as crowd, AsyncExitStack() as stack:
        cursor = await head_cursor(url)
        people = [member.at[0] for member in crowd.members]
        streams = [await stack.enter_async_context(person.stream(cursor)) for person in people for _ in range(2)]
        senders = [Sender(server, member.at[0], member.conversations[0], crowd) for member in crowd.members]
        sending = [asyncio.create_task(sender.run()) for sender in senders]
        await eventually(lambda: _have_sent(senders, 300))
        began = running_seconds()
        status = await server.stop()
        seconds = running_seconds() - began
        await asyncio.gather(*sending)
        for stream in streams:
            await stream.end()
        byes = [event.data for stream in streams for event in stream.events if event.type == "bye"]
        assert [] == [failure for sender in senders for failure in sender.failures]
        assert 0 == status
        assert seconds < EXIT_SECONDS
        assert ["draining"] * len(streams) == [bye["reason"] for bye in byes]
        assert len({bye["retry_ms"] // 100 for bye in byes}) > 5, "they do not all come back at once"
        assert [] == errors_of(server)
        again = await new_server(database_url=url, port=server.port)
        followers = [crowd.follower(member, ["get"], cursor=cursor) for member in crowd.members]
        for follower, stream in zip(followers, streams[::2], strict=True):  # they go on where the old stream ended
            for event in stream.durable:
                follower._take(event)
        async with following(followers, lambda: head_of(url)):
            assert await is_ready(again)
        async with database(url) as connection:
            crowd.checker.compare_with(await read_log(connection))
            assert {} == await faults_of_log(connection)
    assert FAULTLESS == crowd.checker.report()


async def _have_sent(senders: list[Sender], count: int) -> bool:
    return sum(sender.count for sender in senders) >= count


async def test_who_comes_while_it_drains_is_sent_away_at_once(new_server: NewServer, cast_at: CastAt) -> None:
    """Invariant 12: a stream or a poll that comes while the process drains is refused or said goodbye to with a time
    to wait, never held until it is cut; the end does not wait for it."""
    server = await new_server(DRAIN_SECONDS="2")
    cast = await cast_at(server.url)
    async with cast.bea.stream() as stream:
        began = running_seconds()
        ending = asyncio.create_task(server.stop())
        await stream.next("bye")
        polled = await cast.sol.get("/events", wait=20)
        refused_or_told = await _try_stream(cast.sol)
        assert polled.status_code == 503 or polled.json()["retry_ms"] > 0, polled.text
        assert await ending == 0
    seconds = running_seconds() - began
    assert refused_or_told in ("refused", "bye"), refused_or_told
    assert seconds < 6, "nothing was under way, so it ends when the draining does"


async def _try_stream(person: Person) -> str:
    """How a stream opened now ends."""
    async with person.http.stream("GET", "/events/stream", timeout=30) as response:
        if response.status_code == 503:
            assert "retry-after" in response.headers
            return "refused"
        try:
            text = (await response.aread()).decode()
        except httpx.TransportError:
            return "cut"
    return "bye" if "event: bye" in text else f"ended after {text!r}"


async def test_sigterm_while_a_dead_worker_is_replaced_ends_in_time(new_server: NewServer) -> None:
    """Invariant 12: the worker that was just being started ends with the others."""
    server = await new_server("--workers", "2")
    kill(workers_of(server)[0])
    await eventually(lambda: _has_noticed(server))
    assert 0 == await server.stop()  # within 20 s, or it raises
    assert "did not end in time" not in server.log


async def _has_noticed(server: Server) -> bool:
    return "a worker ended" in server.log
