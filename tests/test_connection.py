"""A client's connection: whose it is. (When it ends: `delivery/test_disconnect.py`.)"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import uvicorn
import uvloop
from uvicorn.protocols.utils import get_local_addr, get_remote_addr
from uvicorn.server import ServerState

from app.connection import Connection, _address
from app.delivery.wire import cycle_of

App = Callable[[Any, Any, Any], Awaitable[None]]
HOST = "127.0.0.1"
REQUEST = b"GET / HTTP/1.1\r\nhost: parley\r\n\r\n"


@asynccontextmanager
async def asked(app: App, request: bytes = REQUEST) -> AsyncIterator[asyncio.StreamWriter]:
    """A connection on which this was sent to an application."""
    config = uvicorn.Config(app, http=Connection, lifespan="off", log_config=None, access_log=False)
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(config, state, {}), HOST, 0)  # type: ignore[arg-type]
    try:
        _, writer = await asyncio.open_connection(HOST, server.sockets[0].getsockname()[1])
        writer.write(request)
        yield writer
        writer.close()
        with suppress(OSError):  # it was reset
            await writer.wait_closed()
    finally:
        server.close()


async def addresses() -> tuple[Any, Any]:
    """The server's and the client's as an application is told them, and as uvicorn finds them."""
    known: asyncio.Future[tuple[Any, Any]] = asyncio.get_running_loop().create_future()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        found = [find(cycle_of(send).transport) for find in (get_local_addr, get_remote_addr)]
        known.set_result(([scope["server"], scope["client"]], found))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

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
