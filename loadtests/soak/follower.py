"""Followers: one cursor each, over streams or polls, coming again whenever they are cut, refused or left in silence."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from time import perf_counter

import msgspec

from loadtests.bench.client import HOST, Call, call
from loadtests.bench.streams import field_of
from loadtests.soak.books import Account

HEARTBEAT_SECONDS = 1.0
SILENCE_SECONDS = 2.5 * HEARTBEAT_SECONDS  # then a stream is given up, as browsers do
POLL_SECONDS = 4
POLL_PATIENCE_SECONDS = POLL_SECONDS + 4.0
BACKOFF_SECONDS = (0.02, 0.2)
CONTROL = ("hello", "ready", "ping", "bye", "reset")


class _Event(msgspec.Struct):
    type: str
    cursor: str | None


class _Polled(msgspec.Struct):
    events: list[_Event]
    cursor: str


class Follower:
    """`is_live` from `ready` on (a poll: from its first answer on) until the connection ends; `cuts` counts those."""

    def __init__(self, port: int, token: str, account: Account, cursor: str, *, is_polling: bool = False) -> None:
        self.port = port
        self.token = token
        self.account = account
        self.cursor = cursor
        self.is_polling = is_polling
        self.is_live = False
        self.live_at = 0.0
        self.cuts = 0
        self.retry_seconds = 0.0
        self.reading = asyncio.Event()
        self.reading.set()
        self.writer: asyncio.StreamWriter | None = None

    async def run(self) -> None:
        while True:
            with suppress(OSError, TimeoutError, ConnectionError, asyncio.IncompleteReadError):
                await (self._poll() if self.is_polling else self._stream())
            self.is_live = False
            self.cuts += 1
            await asyncio.sleep(max(self.retry_seconds, random.uniform(*BACKOFF_SECONDS)))
            self.retry_seconds = 0.0

    def cut(self) -> None:
        if self.writer is not None:
            self.writer.transport.abort()

    # --- streaming -------------------------------------------------------------------------------------------------

    async def _stream(self) -> None:
        path = f"/api/v1/events/stream?cursor={self.cursor}"
        reader, self.writer = await asyncio.open_connection(HOST, self.port, limit=64 * 1024)
        try:
            self.writer.write(Call("GET", path, self.token).encode())
            if not (await asyncio.wait_for(reader.readline(), SILENCE_SECONDS)).startswith(b"HTTP/1.1 200 "):
                raise ConnectionError("a stream was refused")
            async for frame in self._frames(reader):
                self._take(frame)
        finally:
            self.cut()

    async def _frames(self, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
        """Events without their blank line; chunk sizes and heads are lines that no field begins with."""
        frame = b""
        while True:
            await self.reading.wait()
            async with asyncio.timeout(SILENCE_SECONDS):
                line = await reader.readline()
            if not line:
                return
            line = line.rstrip(b"\r\n")
            if line:
                frame += line + b"\n"
            elif frame:
                yield frame
                frame = b""

    def _take(self, frame: bytes) -> None:
        kind, cursor = field_of(frame, b"event"), field_of(frame, b"id")
        if kind == "ready":
            self._is_ready()
        elif kind == "reset":
            self.account.resets += 1
        elif kind == "bye":
            self.retry_seconds = int(frame.partition(b'"retry_ms":')[2].partition(b"}")[0] or 0) / 1000
        self._hear(kind, cursor)

    # --- polling ---------------------------------------------------------------------------------------------------

    async def _poll(self) -> None:
        while True:
            path = f"/api/v1/events?wait={POLL_SECONDS}&cursor={self.cursor}"
            status, body = await asyncio.wait_for(call(self.port, Call("GET", path, self.token)), POLL_PATIENCE_SECONDS)
            if status != 200:
                raise ConnectionError(f"a poll answered {status}")
            self._is_ready()
            polled = msgspec.json.decode(body, type=_Polled)
            for event in polled.events:
                self.account.resets += event.type == "reset"
                self._hear(event.type, event.cursor or "")
            self._reach(polled.cursor)
            await self.reading.wait()

    # --- both ------------------------------------------------------------------------------------------------------

    def _is_ready(self) -> None:
        self.is_live = True
        self.live_at = perf_counter()

    def _hear(self, kind: str, cursor: str) -> None:
        if kind and cursor:
            if kind not in CONTROL:
                self.account.positions.append(int(cursor.rpartition("-")[2]))
            self._reach(cursor)

    def _reach(self, cursor: str) -> None:
        self.cursor = cursor
        self.account.upto = max(self.account.upto, int(cursor.rpartition("-")[2]))
