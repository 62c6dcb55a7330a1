"""HTTP/1.1 by hand: one connection that hides nothing, for readers that stop and clients that vanish."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from contextlib import suppress
from typing import Any, NamedTuple

from tests.harness import Person, Server


class Cut(Exception):
    """The connection ended before the answer did."""


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def head_of(person: Person, method: str, path: str, *, body: bytes | None = None, **headers: str) -> bytes:
    """The bytes of a request's head; with `body`, its length is announced."""
    lines = [
        f"{method} /api/v1{path} HTTP/1.1",
        "Host: parley",
        f"Authorization: Bearer {person.token}",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode()


class Connection:
    """A kept connection. Nothing is retried, so every failure is seen as what it is."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, server: Server, *, receive_buffer: int | None = None) -> Connection:
        """Raises ConnectionRefusedError when nobody listens any more."""
        raw = socket.socket()
        if receive_buffer is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        raw.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", server.port))
        except OSError:
            raw.close()
            raise
        return cls(*await asyncio.open_connection(sock=raw))

    @property
    def is_closed_by_server(self) -> bool:
        """Known before anything is sent: then it is no failure to open another one."""
        return self.reader.at_eof() or self.reader.exception() is not None

    def write(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self) -> Answer:
        """The next answer, with a length. Raises `Cut`."""
        try:
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            status, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        except (OSError, asyncio.IncompleteReadError) as error:
            raise Cut(repr(error)) from error
        return Answer(int(status.split()[1]), headers, body)

    async def line(self) -> bytes:
        """The next line of a stream; empty at its end."""
        try:
            return await self.reader.readline()
        except OSError:
            return b""

    def stop_reading(self) -> None:
        """Like a suspended laptop: the connection stands, nothing is taken from it any more."""
        self.writer.transport.pause_reading()  # type: ignore[attr-defined]

    def read_again(self) -> None:
        self.writer.transport.resume_reading()  # type: ignore[attr-defined]

    async def close(self) -> None:
        self.writer.close()
        with suppress(OSError):
            await self.writer.wait_closed()

    def vanish(self) -> None:
        """End it with a reset instead of a goodbye, if it has not ended yet."""
        if self.writer.is_closing():
            return
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()
