"""HTTP/1.1 by hand: one keep-alive connection that costs a few microseconds per request.

The load generator shares two cores with what it measures, so a request here is one `write` and one `find`, without
futures or tasks: the answer calls back. `call` wraps that for setting up, where nobody counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any, cast

import msgspec

HOST = "127.0.0.1"
ANSWER_SECONDS = 30.0
HEADERS_END = b"\r\n\r\n"
LENGTH_MARK = b"content-length:"


class Connection(asyncio.Protocol):
    """One connection, one request at a time. `on_answer` is called when the whole answer is in."""

    __slots__ = ("_buffer", "_transport", "body", "closed", "on_answer", "started_at", "status")

    def __init__(self) -> None:
        self.on_answer: Callable[[Connection], None] = _ignore
        self.started_at = 0.0
        self.status = 0
        self.body = b""
        self.closed = False
        self._buffer = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop does not inherit from it

    def request(self, data: bytes) -> None:
        """Write a whole request; `started_at` is the moment just before."""
        assert self._transport is not None
        self.started_at = perf_counter()
        self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        if self._buffer:
            data = self._buffer + data
        headers_end = data.find(HEADERS_END)
        if headers_end < 0:
            self._buffer = data
            return
        start = headers_end + 4
        mark = data.find(LENGTH_MARK, 0, start)
        if mark < 0:
            mark = data.lower().find(LENGTH_MARK, 0, start)
        length = int(data[mark + 15 : data.find(b"\r", mark)]) if mark >= 0 else 0
        if len(data) < start + length:
            self._buffer = data
            return
        self._buffer = b""
        self.status = int(data[9:12])
        self.body = data[start : start + length]
        self.on_answer(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """A connection that breaks while a request waits answers with status 0."""
        was_closed, self.closed = self.closed, True
        if not was_closed:
            self.status, self.body = 0, b""
            self.on_answer(self)

    def close(self) -> None:
        self.closed = True
        if self._transport is not None:
            self._transport.close()


def _ignore(connection: Connection) -> None:
    """Nobody waits for this answer."""


async def connect(port: int) -> Connection:
    _, connection = await asyncio.get_running_loop().create_connection(Connection, HOST, port)
    return connection


async def exchange(connection: Connection, data: bytes) -> tuple[int, bytes]:
    """One request and its answer: status and body. Raises `TimeoutError`."""
    answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def tell(_: Connection) -> None:
        if not answered.done():
            answered.set_result(None)

    connection.on_answer = tell
    connection.request(data)
    try:
        await asyncio.wait_for(answered, ANSWER_SECONDS)
    finally:
        connection.on_answer = _ignore
    return connection.status, connection.body


@dataclass(frozen=True)
class Call:
    """A request before it is bytes."""

    method: str
    path: str
    token: str | None = None
    content: Any = None

    def encode(self) -> bytes:
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: {HOST}", "Accept: */*"]
        if self.token is not None:
            lines.append(f"Authorization: Bearer {self.token}")
        body = b""
        if self.content is not None:
            body = msgspec.json.encode(self.content)
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        return "\r\n".join(lines).encode() + HEADERS_END + body


async def call(port: int, request: Call) -> tuple[int, bytes]:
    """One request on a connection of its own. Raises `OSError` and `TimeoutError`."""
    connection = await connect(port)
    try:
        return await exchange(connection, request.encode())
    finally:
        connection.close()


async def many(port: int, requests: list[Call], *, at_once: int = 16) -> list[tuple[int, bytes]]:
    """Answers to many requests, in their order, over a few connections."""
    answers: list[tuple[int, bytes]] = [(0, b"")] * len(requests)
    waiting = iter(enumerate(requests))

    async def work() -> None:
        connection = await connect(port)
        try:
            for number, request in waiting:
                answers[number] = await exchange(connection, request.encode())
        finally:
            connection.close()

    await asyncio.gather(*(work() for _ in range(min(at_once, len(requests)))))
    return answers
