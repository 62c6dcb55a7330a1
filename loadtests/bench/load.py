"""Sending: a closed loop (each sender waits for its answer) and an open loop (messages at given moments regardless).

Both only note what happened. Whether it was right is for `check`, after the load.
"""

from __future__ import annotations

import asyncio
import gc
import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import cycle
from time import perf_counter
from typing import NamedTuple

from loadtests.bench.client import HEADERS_END, HOST, Connection, connect
from loadtests.bench.people import Chat, open_chats, pairs
from loadtests.bench.processes import until
from loadtests.bench.servers import Server
from loadtests.bench.streams import Stream, Tally, open_streams

SENDERS = 16
OPEN_CONNECTIONS = 64
BODY = "Is the oak table still available? I could fetch it on Saturday morning with my brother."
DRAFT_HEAD = b'{"client_id":"'
DRAFT_TAIL = b'","kind":"text","body":"' + BODY.encode() + b'"}'
DRAFT_BYTES = len(DRAFT_HEAD) + 36 + len(DRAFT_TAIL)
DRAIN_SECONDS = 20.0
SEED = 20


class Line(NamedTuple):
    """A person who may send in a chat, and the request up to the `client_id`."""

    chat: int
    sender: int
    head: bytes


class Sent(NamedTuple):
    """A send and its answer. `status` 0: the connection broke."""

    line: Line
    client_id: str
    started_at: float
    answered_at: float
    status: int
    body: bytes


@dataclass
class Stage:
    """Chats, and the open streams of their people."""

    server: Server
    chats: list[Chat]
    streams: list[Stream]
    tally: Tally

    def lines(self) -> list[Line]:
        """Everyone who may send, shuffled the same way in every run."""
        lines = [
            Line(number, place, _head(chat, place))
            for number, chat in enumerate(self.chats)
            for place in range(len(chat.members))
        ]
        random.Random(SEED).shuffle(lines)
        return lines

    def forget(self) -> None:
        """Drop the frames of a warm-up."""
        for stream in self.streams:
            stream.frames.clear()


def _head(chat: Chat, place: int) -> bytes:
    lines = (
        f"POST /api/v1/conversations/{chat.id}/messages HTTP/1.1",
        f"Host: {HOST}",
        f"Authorization: Bearer {chat.members[place].token}",
        "Content-Type: application/json",
        f"Content-Length: {DRAFT_BYTES}",
    )
    return "\r\n".join(lines).encode() + HEADERS_END + DRAFT_HEAD


async def stage_of_pairs(server: Server, conversations: int) -> Stage:
    """So many chats of two, everyone with one open stream."""
    chats = await open_chats(server, pairs(conversations))
    tally = Tally()
    streams = await open_streams(server.port, [member for chat in chats for member in chat.members], tally)
    return Stage(server, chats, streams, tally)


@dataclass
class Sender:
    """Connections and what was sent on them. `next_line` gives the next to send on a free connection, or `None`."""

    next_line: Callable[[], Line | None]
    sent: list[Sent] = field(default_factory=list)
    free: deque[Connection] = field(default_factory=deque)
    _waiting: dict[Connection, tuple[Line, str]] = field(default_factory=dict)
    _random: random.Random = field(default_factory=random.Random)

    async def open(self, port: int, connections: int) -> None:
        for _ in range(connections):
            connection = await connect(port)
            connection.on_answer = self._answered
            self.free.append(connection)

    def send(self, line: Line) -> None:
        """Send on a free connection. Raises `IndexError` when there is none."""
        connection = self.free.popleft()
        digits = f"{self._random.getrandbits(128):032x}"
        client_id = f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"
        self._waiting[connection] = (line, client_id)
        connection.request(line.head + client_id.encode() + DRAFT_TAIL)

    def _answered(self, connection: Connection) -> None:
        if (waiting := self._waiting.pop(connection, None)) is None:
            return
        line, client_id = waiting
        self.sent.append(
            Sent(line, client_id, connection.started_at, perf_counter(), connection.status, connection.body)
        )
        if connection.closed:
            return
        self.free.append(connection)
        if (following := self.next_line()) is not None:
            self.send(following)

    async def drain(self) -> None:
        """Wait until all that was sent is answered. Raises `TimeoutError`."""
        await until(lambda: not self._waiting, DRAIN_SECONDS, "the last answers")

    def close(self) -> None:
        for connection in (*self.free, *self._waiting):
            connection.close()


async def closed_loop(stage: Stage, seconds: float) -> list[Sent]:
    """16 senders, each sending its next message when the last one is answered, until time is up."""
    lines = cycle(stage.lines())
    ends_at = perf_counter() + 3600.0

    def following() -> Line | None:
        return next(lines) if perf_counter() < ends_at else None

    sender = Sender(following)
    try:
        await sender.open(stage.server.port, SENDERS)
        ends_at = perf_counter() + seconds
        for _ in range(SENDERS):
            sender.send(next(lines))
        await asyncio.sleep(seconds)
        await sender.drain()
    finally:
        sender.close()
    return sender.sent


async def open_loop(stage: Stage, seconds: float, per_second: float) -> list[Sent]:
    """Messages at random moments (a Poisson process), whether or not earlier ones are answered.

    Raises `RuntimeError` when all 64 connections wait: then the moments could not be kept and latencies would lie.
    """
    lines, gaps, loop = cycle(stage.lines()), random.Random(SEED), asyncio.get_running_loop()
    sender = Sender(lambda: None)
    try:
        await sender.open(stage.server.port, OPEN_CONNECTIONS)
        due = loop.time()
        ends_at = due + seconds
        while (due := due + gaps.expovariate(per_second)) < ends_at:
            if (left := due - loop.time()) > 0:
                await asyncio.sleep(left)
            if not sender.free:
                raise RuntimeError(f"{OPEN_CONNECTIONS} sends wait for an answer: the server does not keep up")
            sender.send(next(lines))
        await sender.drain()
    finally:
        sender.close()
    return sender.sent


async def delivered(stage: Stage, load: Awaitable[list[Sent]]) -> list[Sent]:
    """Run a load and wait until its messages have reached the streams. What never comes is left for `check`."""
    before = stage.tally.messages
    sent = await load
    if stage.streams:
        expected = sum(len(stage.chats[one.line.chat].members) for one in sent if one.status == 201)
        with suppress(TimeoutError):
            await until(lambda: stage.tally.messages >= before + expected, DRAIN_SECONDS, "the last deliveries")
    return sent


@contextmanager
def undisturbed() -> Iterator[None]:
    """No garbage collection of ours while others are measured."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()
