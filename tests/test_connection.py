"""A client's connection, over real sockets: whose it is, and hearing that the client has gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
import uvloop
from uvicorn.protocols.utils import get_local_addr, get_remote_addr
from uvicorn.server import ServerState

from app.connection import Connection, _address
from app.delivery.disconnect import Disconnect
from app.delivery.wire import connection_of, cycle_of

App = Callable[[Any, Any, Any], Awaitable[None]]
HOST = "127.0.0.1"
REQUEST = b"GET / HTTP/1.1\r\nhost: parley\r\n\r\n"


@asynccontextmanager
async def asked(app: App) -> AsyncIterator[asyncio.StreamWriter]:
    """A connection on which a request was sent to this application."""
    config = uvicorn.Config(app, http=Connection, lifespan="off", log_config=None)
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(config, state, {}), HOST, 0)  # type: ignore[arg-type]
    try:
        _, writer = await asyncio.open_connection(HOST, server.sockets[0].getsockname()[1])
        writer.write(REQUEST)
        yield writer
        writer.close()
    finally:
        server.close()


async def addresses() -> tuple[Any, Any]:
    """The server's and the client's as an application is told them, and as uvicorn finds them."""
    known: asyncio.Future[tuple[Any, Any]] = asyncio.get_running_loop().create_future()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        found = [find(cycle_of(send).transport) for find in (get_local_addr, get_remote_addr)]
        known.set_result(([scope["server"], scope["client"]], found))
        await receive()

    async with asked(app):
        return await asyncio.wait_for(known, 5)


@pytest.mark.parametrize("run", [uvloop.run, asyncio.run])
def test_it_knows_both_addresses_as_uvicorn_would(run: Callable[[Any], Any]) -> None:
    told, found = run(addresses())
    assert found == told
    assert found[1]


@pytest.mark.parametrize(
    ("known", "address"),
    [(("::1", 8000, 0, 0), ("::1", 8000)), (("10.0.0.7", 8000), ("10.0.0.7", 8000)), (None, None)],
)
def test_an_address_is_a_host_and_a_port_or_nothing(known: Any, address: Any) -> None:
    assert address == _address(known)


class Leaving:
    """An application that notes what its `Disconnect` tells it. Before that it waits, and `hears_late` until the client
    has gone."""

    def __init__(self, *, hears_late: bool = False) -> None:
        self.hears_late = hears_late
        self.begun = asyncio.Event()
        self.told = asyncio.Event()
        self.disconnect: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        cycle = cycle_of(send)
        assert connection_of(cycle) is not None
        if self.hears_late:
            self.begun.set()
            while not cycle.disconnected:
                await asyncio.sleep(0)
        self.disconnect = Disconnect(receive, self.told.set, cycle)
        self.begun.set()
        await self.told.wait()


@pytest.mark.parametrize("hears_late", [False, True])
async def test_a_client_that_goes_is_noticed_once_it_has(hears_late: bool) -> None:
    app = Leaving(hears_late=hears_late)
    async with asked(app) as writer:
        await asyncio.wait_for(app.begun.wait(), 5)
        assert not app.told.is_set()
        writer.close()
        await asyncio.wait_for(app.told.wait(), 5)


async def test_who_has_closed_it_is_told_nothing() -> None:
    app = Leaving()
    async with asked(app) as writer:
        await asyncio.wait_for(app.begun.wait(), 5)
        connection = app.disconnect.connection
        app.disconnect.close()
        writer.close()
        async with asyncio.timeout(5):
            while not connection.transport.is_closing():
                await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not app.told.is_set()
        app.told.set()
