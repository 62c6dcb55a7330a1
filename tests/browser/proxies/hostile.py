"""A proxy that means harm, in this process: what routers, virus scanners and phone networks do, when a test wants it.

Each connection carries one request, so a connection cut is an answer cut. Files pass unharmed: a page whose modules do
not load has nothing to show for its transport. Not here: proxies that people install; those are run for real.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

API = "/api/"
EVENTS = "/api/v1/events"
STREAM = "/api/v1/events/stream"
CHUNK_BYTES = 64 * 1024
CONNECTION = re.compile(rb"\r\n(?:connection|keep-alive|proxy-connection):[^\r]*", re.IGNORECASE)
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)

# `seconds` of a mode when a test says nothing else.
HELD_AT_MOST = 8.0
DELAYED = 5.0
DROPPED_AFTER = 20.0
IDLE_AFTER = 10.0
# Streams are always cut, after so many bytes at most; of other answers one in three, early on: the server has done what
# was asked, and the page does not know. (Not every one: a large answer would never arrive.)
STREAM_BYTES_MAX = 6_000
ANSWER_BYTES_MAX = 500
ANSWERS_CUT = 1 / 3


class Request(NamedTuple):
    path: str
    head: bytes
    body: bytes

    @property
    def is_event(self) -> bool:
        """Of a stream or a poll."""
        return self.path.startswith(EVENTS)


class Cut(Exception):
    """The connection is to end here, without a word."""


class Hostile:
    """`mode` is one of `MODES`. `harm` counts the answers that were held, cut or delayed."""

    def __init__(self, upstream: int, mode: str, *, seconds: float | None = None, seed: int = 1) -> None:
        self.upstream = upstream
        self.pass_on, usual_seconds = MODES[mode]
        self.seconds = usual_seconds if seconds is None else seconds
        self.dice = random.Random(seed)
        self.harm = 0
        self.port = 0
        self.tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Hostile]:
        server = await asyncio.start_server(self._meet, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.hang_up()
            await asyncio.gather(*self.tasks, return_exceptions=True)

    def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._carry(reader, writer))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request to the server, and its answer back, as far as it gets."""
        onwards: asyncio.StreamWriter | None = None
        try:
            request = await read_request(reader)
            answer, onwards = await asyncio.open_connection("127.0.0.1", self.upstream)
            onwards.write(request.head + request.body)
            passing = asyncio.create_task(self.pass_on(self, request, answer, writer))
            leaving = asyncio.create_task(reader.read(1))  # the page closes a connection that it no longer wants
            try:
                await asyncio.wait((passing, leaving), return_when=asyncio.FIRST_COMPLETED)
                if passing.done():
                    passing.result()
            finally:
                passing.cancel()
                leaving.cancel()
                await asyncio.gather(passing, leaving, return_exceptions=True)
            await writer.drain()
        except Cut:
            writer.transport.abort()
        except (OSError, asyncio.IncompleteReadError):
            pass  # one of the two sides has gone: so do we
        finally:
            for side in filter(None, (onwards, writer)):
                side.close()
                with suppress(OSError):
                    await side.wait_closed()

    def hang_up(self) -> None:
        """Every connection ends now, as when a network goes away."""
        for task in self.tasks:
            task.cancel()

    async def _pass(self, request: Request, answer: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """No harm, until it hangs up."""
        async for chunk in chunks(answer):
            writer.write(chunk)
            await writer.drain()

    async def _buffer(self, request: Request, answer: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Like a virus scanner: nothing before all of it, and what does not end in time is given up."""
        held = bytearray()
        with suppress(TimeoutError):
            async with asyncio.timeout(self.seconds):
                async for chunk in chunks(answer):
                    held += chunk
                self.harm += request.is_event
                writer.write(held)
                return
        self.harm += 1
        writer.write(held)

    async def _cut(self, request: Request, answer: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Like a bad mobile network: connections break in the middle of anything."""
        left = None
        if request.path.startswith(STREAM):
            left = self.dice.randrange(STREAM_BYTES_MAX)
        elif request.path.startswith(API) and self.dice.random() < ANSWERS_CUT:
            left = self.dice.randrange(ANSWER_BYTES_MAX)
        async for chunk in chunks(answer):
            if left is not None and len(chunk) >= left:
                writer.write(chunk[:left])
                await writer.drain()
                self.harm += 1
                raise Cut
            left = None if left is None else left - len(chunk)
            writer.write(chunk)
            await writer.drain()

    async def _delay(self, request: Request, answer: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Like a proxy that looks at the beginning of an answer before it lets it go. The head comes at once."""
        writer.write(await answer.readuntil(b"\r\n\r\n"))
        if request.is_event:
            self.harm += 1
            await asyncio.sleep(self.seconds)
        await self._pass(request, answer, writer)

    async def _drop(self, request: Request, answer: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Like a platform that gives each request its time and no more."""
        try:
            async with asyncio.timeout(self.seconds):
                await self._pass(request, answer, writer)
        except TimeoutError:
            self.harm += 1

    async def _idle(self, request: Request, answer: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Like a router that forgets connections on which nothing happens."""
        try:
            while chunk := await asyncio.wait_for(answer.read(CHUNK_BYTES), self.seconds):
                writer.write(chunk)
                await writer.drain()
        except TimeoutError:
            self.harm += 1


MODES = {
    "pass": (Hostile._pass, 0.0),
    "buffer": (Hostile._buffer, HELD_AT_MOST),
    "cut": (Hostile._cut, 0.0),
    "delay": (Hostile._delay, DELAYED),
    "drop": (Hostile._drop, DROPPED_AFTER),
    "idle": (Hostile._idle, IDLE_AFTER),
}


async def read_request(reader: asyncio.StreamReader) -> Request:
    """The next request, changed so that the connection ends with its answer."""
    head = CONNECTION.sub(b"", await reader.readuntil(b"\r\n\r\n")).removesuffix(b"\r\n\r\n")
    length = LENGTH.search(head)
    body = await reader.readexactly(int(length[1])) if length else b""
    path = head.split(b" ", 2)[1].decode()
    return Request(path, head + b"\r\nConnection: close\r\n\r\n", body)


async def chunks(answer: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while chunk := await answer.read(CHUNK_BYTES):
        yield chunk
