"""A stream over Server-Sent Events (WHATWG HTML, 9.2), as an ASGI response of its own.

One loop, one task: what was missed is joined from ready-made frames and given to one `send`; the position moves only
after `send` returned; nothing left: wait. Control frames: `hello`, `ready`, `ping`, `reset`, `bye`.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from app import metrics, schemas
from app.database import AWAY
from app.delivery.disconnect import Disconnect
from app.delivery.frames import frame, ping
from app.delivery.hub import HUB, Entry
from app.delivery.reader import Lost, Reader
from app.delivery.wheel import WHEEL
from app.delivery.wire import begin, noted
from app.errors import Unavailable

CHUNK_BYTES = 64 * 1024
RETRY_MS = 1_000  # a native EventSource waits so long before it connects again
DRAIN_SPREAD_MS = 2_000  # reconnects after a drain are spread over this
PAUSE_SECONDS = 1.0  # between attempts to read the table while the database is away

HEADERS = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
)

DELIVERED = metrics.DELIVERED.labels("stream")

Send = Callable[[Any], Awaitable[None]]


def chunks(entries: Iterable[Entry]) -> Iterator[tuple[bytes, int, int]]:
    """The entries' frames joined to pieces of about 64 KB: (bytes, position of the last, how many)."""
    frames: list[bytes] = []
    size = position = 0
    for entry in entries:
        frames.append(entry.frame)
        size += len(entry.frame)
        position = entry.position
        if size >= CHUNK_BYTES:
            yield b"".join(frames), position, len(frames)
            frames, size = [], 0
    if frames:
        yield b"".join(frames), position, len(frames)


def retry_ms(is_draining: bool) -> int:
    """When to come back: spread out while the process drains, so that its successor is not stormed."""
    return random.randrange(DRAIN_SPREAD_MS // 2, DRAIN_SPREAD_MS) if is_draining else 0


class EventStream:
    """The ASGI application of one stream."""

    __slots__ = ("cursor", "max_age_ms", "reach", "reader", "send")

    def __init__(
        self,
        reader: Reader,
        cursor: str | None,
        reach: Callable[[int], Awaitable[None]],
        *,
        max_age_ms: int,
    ) -> None:
        self.reader = reader
        self.cursor = cursor
        self.reach = reach
        self.max_age_ms = max_age_ms

    async def __call__(self, scope: Any, receive: Any, send: Send) -> None:
        self.send = send
        reader = self.reader
        reader.cycle = noted(scope)
        disconnect = Disconnect(receive, reader.leave, reader.cycle)
        HUB.watch(reader)
        WHEEL.add(reader)
        HUB.streams += 1
        try:
            await self._greet()
            await self._run()
        finally:
            HUB.streams -= 1
            reader.cycle = None
            reader.is_gone = True
            HUB.unwatch(reader)
            disconnect.close()

    async def _greet(self) -> None:
        """`hello` at once, then `ready` when caught up: in the same write if nothing was missed. When catching up needs
        the table, a small `ping` comes before, so that the client can tell a buffering proxy from a busy server."""
        reader = self.reader
        lost: Lost | None = None
        try:
            await reader.begin(self.cursor, self.reach)
        except Lost as error:
            lost = error
        except Unavailable:
            pass  # it is ahead of the tail, and waits below
        hello = schemas.Hello(
            cursor=self._cursor(),
            head=str(HUB.cursor),
            server_time=datetime.now(UTC),
            heartbeat_ms=round(reader.heartbeat_seconds * 1000),
            max_age_ms=self.max_age_ms,
        )
        greeting = b"retry: %d\n" % RETRY_MS + frame("hello", hello, cursor=hello.cursor)
        if lost is None and not reader.is_ahead and reader.has_missed_nothing():
            reader.position = HUB.head
            await self._begin(greeting + self._ready())
            return
        await self._begin(greeting)
        if lost is not None:
            await self._reset(lost)
        elif reader.position < HUB.floor:
            await self._write(ping(self._cursor()))
        await self._wait_for_tail()
        if not reader.is_ahead:
            await self._catch_up()
        if not reader.is_ahead and not reader.is_ending():
            await self._write(self._ready())

    async def _wait_for_tail(self) -> None:
        """The client has seen more elsewhere than this process knows: nothing is told until it knows that much too."""
        reader = self.reader
        while reader.is_ahead and not reader.is_gone and not reader.is_ending():
            try:
                await reader.catch_up_with(self.reach)
            except Lost as lost:
                await self._reset(lost)
            except Unavailable:
                await self._write(ping(self._cursor()))
                await asyncio.sleep(PAUSE_SECONDS)

    async def _run(self) -> None:
        reader = self.reader
        while not reader.is_gone:
            if reader.is_ending():
                await self._say_goodbye()
                return
            await reader.wait()
            await self._catch_up()
            if reader.is_ending():
                continue
            if reader.signals:
                await self._write(b"".join(signal[2] for signal in reader.take_signals()))
            if reader.is_ping_due and not reader.is_gone:
                reader.is_ping_due = False
                await self._write(ping(self._cursor()))

    async def _catch_up(self) -> None:
        """Write everything up to the head, unless the stream is to end before: to a slow reader that may take long."""
        reader = self.reader
        while not reader.is_gone and not reader.is_ending():
            try:
                entries, upto = await reader.missed()
            except Lost as lost:
                await self._reset(lost)
                continue
            except AWAY:
                await self._write(ping(self._cursor()))  # the stream stays open; the database will be back
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            for body, position, count in chunks(entries):
                if reader.is_ending():
                    return
                await self._write(body)
                reader.position = position
                DELIVERED.inc(count)
            reader.position = upto
            if upto >= HUB.head:
                return

    async def _begin(self, body: bytes) -> None:
        if not begin(self.send, 200, HEADERS, body):
            await self.send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            await self._write(body)

    async def _write(self, body: bytes, *, is_last: bool = False) -> None:
        self.reader.sending_since = time.monotonic()
        await self.send({"type": "http.response.body", "body": body, "more_body": not is_last})
        self.reader.sending_since = None

    async def _reset(self, lost: Lost) -> None:
        self.reader.restart()
        reset = schemas.Reset(reason=lost.reason, cursor=self._cursor())  # type: ignore[arg-type]
        await self._write(frame("reset", reset, cursor=self._cursor()))

    def _ready(self) -> bytes:
        cursor = self._cursor()
        return frame("ready", schemas.Ready(cursor=cursor), cursor=cursor)

    async def _say_goodbye(self) -> None:
        reason = self.reader.ends
        bye = frame("bye", schemas.Bye(reason=reason, retry_ms=retry_ms(reason == "draining")))  # type: ignore[arg-type]
        await self._write(bye, is_last=True)

    def _cursor(self) -> str:
        return f"{self.reader.epoch}-{self.reader.position}"
