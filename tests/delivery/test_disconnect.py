"""Hearing that a client has gone: from uvicorn's connection, over real sockets, and else from what a server tells."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Any

import pytest
import uvloop

from app.delivery.disconnect import Disconnect
from app.delivery.wire import begin, connection_of, cycle_of, framed, push
from tests.test_connection import REQUEST, asked


class Leaving:
    """An application that notes what its `Disconnect` tells it; `hears_late` when the connection is lost already."""

    def __init__(self, *, hears_late: bool = False) -> None:
        self.hears_late = hears_late
        self.begun = asyncio.Event()
        self.told = asyncio.Event()
        self.disconnect: Any = None
        self.cycle: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.cycle = cycle = cycle_of(send)
        connection = connection_of(cycle)
        if self.hears_late:
            self.begun.set()
            while connection.parser is not None:  # uvicorn has forgotten it
                await asyncio.sleep(0)
        elif not begin(send, 200, (), b"x"):
            raise AssertionError
        self.disconnect = Disconnect(receive, self.told.set, cycle)
        self.begun.set()
        await self.told.wait()


def with_body(size: int, *, sent: int) -> bytes:
    return REQUEST[:-2] + b"content-length: %d\r\n\r\n" % size + bytes(sent)


REQUESTS = {
    "plain": REQUEST,
    "and half of the next one": REQUEST + REQUEST[:20],
    "with a body": with_body(60_000, sent=60_000),
    "with a body and the next one": with_body(5, sent=5) + REQUEST,
    "with a body that waits to be read": with_body(200_000, sent=200_000),
    "with a body of which half has come": with_body(60_000, sent=30_000),
}


def say_goodbye(writer: asyncio.StreamWriter) -> None:
    writer.close()


def reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@pytest.mark.parametrize("leave", [say_goodbye, reset])
@pytest.mark.parametrize("request_", REQUESTS)
@pytest.mark.parametrize("run", [uvloop.run, asyncio.run])
def test_a_client_that_goes_is_noticed(
    run: Callable[[Any], None], request_: str, leave: Callable[[asyncio.StreamWriter], None]
) -> None:
    """And nothing is written to it any more: uvloop would say that it is closed, in the middle of telling everybody."""

    async def going() -> None:
        app = Leaving()
        async with asked(app, REQUESTS[request_]) as writer:
            await asyncio.wait_for(app.begun.wait(), 5)
            await writer.drain()
            assert not app.told.is_set()
            assert push(app.cycle, framed(b"x"))
            leave(writer)
            await asyncio.wait_for(app.told.wait(), 5)
            assert not push(app.cycle, framed(b"x"))

    run(going())


@pytest.mark.parametrize("request_", [REQUEST, REQUEST + REQUEST], ids=["plain", "and a second one"])
async def test_one_that_went_before_anybody_listened_is_noticed_too(request_: bytes) -> None:
    """uvicorn tells this the newest of its requests alone."""
    app = Leaving(hears_late=True)
    async with asked(app, request_):
        await asyncio.wait_for(app.begun.wait(), 5)
        app.cycle.transport.abort()
        await asyncio.wait_for(app.told.wait(), 5)


async def test_who_has_closed_it_is_told_nothing() -> None:
    app = Leaving()
    async with asked(app) as writer:
        await asyncio.wait_for(app.begun.wait(), 5)
        app.disconnect.close()
        writer.close()
        async with asyncio.timeout(5):
            while not app.cycle.transport.is_closing():
                await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not app.told.is_set()
        app.told.set()


# --- under another server ------------------------------------------------------------------------------------------


class Client:
    """The other end of a connection, as a server tells an application of it."""

    def __init__(self) -> None:
        self.said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def receive(self) -> dict[str, Any]:
        return await self.said.get()


async def test_a_disconnect_is_told_once() -> None:
    client, told = Client(), []
    disconnect = Disconnect(client.receive, lambda: told.append(True))
    await asyncio.sleep(0)
    assert [] == told
    client.said.put_nowait({"type": "http.disconnect"})
    while not told:
        await asyncio.sleep(0)
    disconnect.close()
    assert [True] == told


async def test_a_body_that_comes_in_pieces_is_no_disconnect() -> None:
    client, told = Client(), []
    disconnect = Disconnect(client.receive, lambda: told.append(True))
    for more in (True, True, False):
        client.said.put_nowait({"type": "http.request", "body": b"x", "more_body": more})
        for _ in range(5):
            await asyncio.sleep(0)
    assert [] == told
    client.said.put_nowait({"type": "http.disconnect"})
    while not told:
        await asyncio.sleep(0)
    disconnect.close()


async def test_a_client_that_is_gone_already_is_noticed_at_once() -> None:
    client, told = Client(), []
    client.said.put_nowait({"type": "http.disconnect"})
    Disconnect(client.receive, lambda: told.append(True)).close()
    assert [True] == told


async def test_closing_leaves_nothing_waiting() -> None:
    client, told = Client(), []
    disconnect = Disconnect(client.receive, lambda: told.append(True))
    disconnect.close()
    client.said.put_nowait({"type": "http.disconnect"})
    for _ in range(5):
        await asyncio.sleep(0)
    assert [] == told
