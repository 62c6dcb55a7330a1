"""A new version without a failed request: behind each recommended proxy, two workers restart one after the other."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.conftest import NewServer
from tests.deploy.proxies import COMMANDS, DEPLOY, before
from tests.harness import Person, Server, Stream, close_cast, eventually, free_port, gather_cast
from tests.system.operating import database_url

pytestmark = pytest.mark.system

SENDERS = 6
BEFORE = 60  # messages before the first restart, and after the last


class Load:
    """Messages sent one after the other by several at once, and what went wrong with any of them."""

    def __init__(self, people: list[Person], conversation_id: str) -> None:
        self.people = people
        self.conversation_id = conversation_id
        self.failures: list[str] = []
        self.sent: list[str] = []
        self.is_over = False

    async def send(self, person: Person) -> None:
        while not self.is_over:
            draft = {"client_id": str(uuid.uuid4()), "body": f"From {person.id}"}
            try:
                answer = await person.post(f"/conversations/{self.conversation_id}/messages", **draft)
            except Exception as error:  # whatever it is, somebody's message was not sent
                self.failures.append(repr(error))
                continue
            if answer.status_code in (200, 201):
                self.sent.append(answer.json()["message"]["id"])
            else:
                self.failures.append(f"{answer.status_code} {answer.text[:200]}")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self.send(self.people[i % len(self.people)])) for i in range(SENDERS)]
        try:
            await self.until(BEFORE)
            yield
            await self.until(len(self.sent) + BEFORE)
        finally:
            self.is_over = True
            await asyncio.gather(*tasks)

    async def until(self, count: int) -> None:
        async def have_sent() -> bool:
            assert [] == self.failures
            return len(self.sent) >= count

        await eventually(have_sent)


class Follower:
    """Follows the log from stream to stream, as a browser does: each goes on where the one before ended."""

    def __init__(self, person: Person, cursor: str) -> None:
        self.person = person
        self.cursor = cursor
        self.streams: list[Stream] = []

    async def run(self) -> None:
        while True:
            async with self.person.stream(self.cursor) as stream:
                self.streams.append(stream)
                await stream.end(within=120)
            self.cursor = next((event.id for event in reversed(stream.events) if event.id), self.cursor)

    @property
    def seen(self) -> list[str]:
        events = (event for stream in self.streams for event in stream.events)
        return [event.data["message"]["id"] for event in events if event.type == "message.sent"]

    async def until(self, count: int) -> None:
        async def has_seen() -> bool:
            return len(self.seen) >= count

        await eventually(has_seen)


async def history_of(person: Person, conversation_id: str) -> list[str]:
    """The ids of all messages, in order."""
    ids: list[str] = []
    seq = 0
    while True:
        page = (await person.get(f"/conversations/{conversation_id}/messages", after=seq, limit=100)).json()
        ids += [message["id"] for message in page["messages"]]
        if not page["has_more"]:
            return ids
        seq = page["messages"][-1]["seq"]


@asynccontextmanager
async def restarting(workers: dict[int, Server]) -> AsyncIterator[str]:
    """A command that restarts the worker on port `{}` and returns when it runs again, as `systemctl restart` does."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        worker = workers[int(head.split(b" ")[1].strip(b"/"))]
        status = await worker.stop()
        await worker.start()
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n" if status == 0 else b"HTTP/1.0 500 No\r\n\r\n")
        await writer.drain()
        writer.close()

    port = free_port()
    async with await asyncio.start_server(answer, "127.0.0.1", port):
        yield f"curl -fsS http://127.0.0.1:{port}/{{}}"


async def roll(ports: list[int], restart: str) -> str:
    """What `docs/deploy/roll` says."""
    process = await asyncio.create_subprocess_exec(
        DEPLOY / "roll",
        *map(str, ports),
        env={**os.environ, "RESTART": restart},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = (await process.communicate())[0].decode()
    assert 0 == process.returncode, said
    return said


@pytest.mark.parametrize("name", COMMANDS)
async def test_workers_are_restarted_under_load_and_no_request_fails(new_server: NewServer, name: str) -> None:
    """Every message is answered, and both people's streams have each one once, in order, across both restarts."""
    first = await new_server()
    second = await new_server(database_url=database_url(first))
    workers = {server.port: server for server in (first, second)}
    cast = await gather_cast(first.url)
    try:
        async with before((first.port, second.port), name) as url, restarting(workers) as restart:
            people = [person.at(url) for person in (cast.bea, cast.sol)]
            cursor = (await cast.bea.get("/me")).json()["cursor"]
            followers = [Follower(person, cursor) for person in people]
            following = [asyncio.create_task(follower.run()) for follower in followers]
            load = Load(people, cast.conversation_id)
            async with load.running():
                said = await roll(list(workers), restart)
            for follower in followers:
                await follower.until(len(load.sent))
            for task in following:
                task.cancel()
            await asyncio.gather(*following, return_exceptions=True)
            history = await history_of(cast.sol, cast.conversation_id)
    finally:
        await close_cast(cast)
    assert 2 == said.count("is ready")
    assert [] == load.failures
    assert sorted(load.sent) == sorted(history)
    for follower in followers:
        assert history == follower.seen
        assert len(follower.streams) > 1, "its worker was restarted"
