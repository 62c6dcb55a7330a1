"""Reading server-sent events by hand: chunked transfer coding and event framing, and nothing kept but the frames.

A frame's time is taken when its last byte is parsed. Decoding of its JSON waits until the load is over (`check`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from time import perf_counter
from typing import NamedTuple, cast

from loadtests.bench.client import HEADERS_END, HOST, Call

CONNECT_SECONDS = 30.0
CONNECTING_AT_ONCE = 64
MESSAGE_MARK = b"message.sent"


class Frame(NamedTuple):
    """One event as it came, without the blank line, and when."""

    at: float
    text: bytes


@dataclass
class Tally:
    """Messages seen by a set of streams together; `reached` fires when they are `goal`."""

    messages: int = 0
    goal: int = -1
    reached: asyncio.Future[None] | None = None

    def add(self) -> None:
        self.messages += 1
        if self.messages == self.goal and self.reached is not None and not self.reached.done():
            self.reached.set_result(None)

    def expect(self, more: int) -> asyncio.Future[None]:
        """A future for `more` messages from now."""
        self.goal = self.messages + more
        self.reached = asyncio.get_running_loop().create_future()
        return self.reached


@dataclass(frozen=True)
class Reader:
    """Whose stream, from which cursor (`None`: from now)."""

    user_id: str
    token: str
    cursor: str | None = None

    def request(self) -> bytes:
        path = "/api/v1/events/stream" + (f"?cursor={self.cursor}" if self.cursor else "")
        return Call("GET", path, self.token).encode()


@dataclass(eq=False)
class Stream(asyncio.Protocol):
    """One open stream and every frame it got. `ready` is the time of the `ready` event, or the failure."""

    reader: Reader
    tally: Tally
    ready: asyncio.Future[float]
    frames: list[Frame] = field(default_factory=list)
    pings: int = 0
    closed: bool = False
    _transport: asyncio.WriteTransport | None = None
    _rest: bytes = b""
    _text: bytes = b""
    _has_headers: bool = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop does not inherit from it
        self._transport.write(self.reader.request())

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        at = 0
        if not self._has_headers:
            at = data.find(HEADERS_END) + 4
            if at < 4:
                self._rest = data
                return
            self._has_headers = True
            if data[9:12] != b"200":
                self._fail(f"stream refused: {data[:400]!r}")
                return
        while (line_end := data.find(b"\r\n", at)) >= 0:
            end = line_end + 2 + int(data[at:line_end], 16)
            if len(data) < end + 2:
                break
            self._read(data[line_end + 2 : end])
            at = end + 2
        self._rest = data[at:]

    def _read(self, text: bytes) -> None:
        if b"\r" in text:
            text = text.replace(b"\r\n", b"\n")
        *events, self._text = (self._text + text).split(b"\n\n")
        now = perf_counter()
        for event in events:
            self.frames.append(Frame(now, event))
            if MESSAGE_MARK in event:
                self.tally.add()
            elif b"event: ready" in event:
                if not self.ready.done():
                    self.ready.set_result(now)
            elif b"event: ping" in event or event.startswith(b":"):
                self.pings += 1

    def _fail(self, why: str) -> None:
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(why))
        self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(f"stream lost before it was ready: {exc}"))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def cursor(self) -> str:
        """The newest id that the stream was given."""
        for frame in reversed(self.frames):
            if found := field_of(frame.text, b"id"):
                return found
        raise LookupError("the stream has no id yet")


def field_of(text: bytes, name: bytes) -> str:
    """The value of a field of an event, empty when it has none."""
    for line in text.split(b"\n"):
        key, _, value = line.partition(b":")
        if key == name:
            return value.removeprefix(b" ").decode()
    return ""


async def open_stream(port: int, reader: Reader, tally: Tally) -> Stream:
    """A stream that has told `ready`. Raises `ConnectionError`, `TimeoutError`."""
    loop = asyncio.get_running_loop()
    _, stream = await loop.create_connection(lambda: Stream(reader, tally, loop.create_future()), HOST, port)
    try:
        await asyncio.wait_for(asyncio.shield(stream.ready), CONNECT_SECONDS)
    except BaseException:
        stream.close()
        raise
    return stream


async def open_streams(port: int, readers: list[Reader], tally: Tally, *, at_once: int = 0) -> list[Stream]:
    """All of them ready, so many connecting at a time (0: 64)."""
    gate = asyncio.Semaphore(at_once or CONNECTING_AT_ONCE)

    async def one(reader: Reader) -> Stream:
        async with gate:
            return await open_stream(port, reader, tally)

    return await asyncio.gather(*map(one, readers))


async def close_streams(streams: list[Stream]) -> None:
    """Hang up and give the server a moment to notice all of them."""
    for stream in streams:
        stream.close()
    await asyncio.sleep(0.5)
