"""A stream that is to end: it says goodbye next, whatever is still to be told, and is not held by who does not read."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from app.delivery import reader as reader_module
from app.delivery import stream as stream_module
from app.delivery.hub import Entry, Hub
from app.delivery.log import Head
from app.delivery.reader import STALL_SECONDS, Reader, Ticket
from app.delivery.stream import CHUNK_BYTES, EventStream
from tests.delivery.test_wire import Request

EPOCH = "abc"


async def reach(position: int) -> None:
    """The tail is where it is."""


class Client:
    """What was written to it, until it reads: nothing is done with a piece before."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.reads = asyncio.Event()

    async def send(self, message: dict[str, Any]) -> None:
        self.written.append(message["body"])
        await self.reads.wait()

    async def has_been_written_to(self) -> None:
        async with asyncio.timeout(5):
            while not self.written:
                await asyncio.sleep(0)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    hub = Hub()
    hub.restart(Head(EPOCH, 0, 0), 0)
    for module in (reader_module, stream_module):
        monkeypatch.setattr(module, "HUB", hub)
    return hub


def stream_to(client: Client) -> EventStream:
    reader = Reader(Ticket("bea", b"", time.time() + 3600), heartbeat_seconds=15, max_age_seconds=3600)
    request = Request()
    request.transport.abort = client.reads.set
    reader.cycle = request.cycle
    stream = EventStream(reader, None, reach, max_age_ms=0)
    stream.send = client.send
    return stream


async def test_a_goodbye_that_nobody_takes_is_cut_off(hub: Hub) -> None:
    client = Client()
    stream = stream_to(client)
    stream.reader.end("token_revoked")
    running = asyncio.create_task(stream._run())
    await client.has_been_written_to()
    stream.reader.tick(time.monotonic() + STALL_SECONDS + 1)
    await asyncio.wait_for(running, 5)
    assert ["bye"] == [kind_of(piece) for piece in client.written]


async def test_who_reads_slowly_is_told_no_more_once_it_is_to_end(hub: Hub) -> None:
    """Invariant 11: a thousand old events for a slow reader are minutes."""
    hub.offer([Entry(EPOCH, place, "message.sent", ["bea"], b"x" * CHUNK_BYTES, None) for place in (1, 2, 3)])
    client = Client()
    stream = stream_to(client)
    stream.reader.position = 0
    stream.reader.wake()
    stream.reader.hear(("typing", b"{}", b"event: typing\n"))
    running = asyncio.create_task(stream._run())
    await client.has_been_written_to()
    stream.reader.end("token_expired")
    client.reads.set()
    await asyncio.wait_for(running, 5)
    assert ["message.sent", "bye"] == [kind_of(piece) for piece in client.written]


def kind_of(piece: bytes) -> str:
    return piece.partition(b"event: ")[2].partition(b"\n")[0].decode()
