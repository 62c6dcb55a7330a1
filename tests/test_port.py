"""Closing the port: whoever got through is served, whoever comes later is refused, nobody is cut."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest
import uvicorn

from app import port

KNOCK_AGAIN_SECONDS = 10.0  # the kernel does it after one; on a machine that stands still later


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with port.bind("127.0.0.1", 0) as bound:
        yield bound


def knock(listening: socket.socket) -> socket.socket:
    return socket.create_connection(listening.getsockname(), timeout=KNOCK_AGAIN_SECONDS)


def test_who_waits_when_the_port_closes_is_handed_over(listening: socket.socket) -> None:
    clients = [knock(listening) for _ in range(5)]
    taken = port.rest_of(listening)
    assert len(clients) == len(taken)
    for client, connection in zip(clients, taken, strict=True):
        connection.sendall(b"welcome")
        assert b"welcome" == client.recv(7)
        client.close()
        connection.close()
    assert -1 == listening.fileno()


async def test_who_knocks_while_the_port_closes_is_refused_and_not_cut(listening: socket.socket) -> None:
    """Connected and then reset is what must not be: a client cannot know whether its request was taken."""
    early = knock(listening)
    port.turn_away(listening)
    loop = asyncio.get_running_loop()
    with socket.socket() as late:
        late.setblocking(False)
        knocking = asyncio.create_task(loop.sock_connect(late, listening.getsockname()))
        await asyncio.sleep(0)
        early.sendall(b"what is sent on a connection is heard")
        [connection] = port.rest_of(listening)
        assert b"what is sent" in connection.recv(100)
        with pytest.raises(ConnectionRefusedError):
            async with asyncio.timeout(KNOCK_AGAIN_SECONDS):
                await knocking
    connection.close()
    early.close()


def test_who_is_turned_away_reaches_another_on_the_same_port() -> None:
    """Two workers of which one ends."""
    with (
        port.bound(socket.AF_INET, ("127.0.0.1", 0), socket.SO_REUSEPORT) as ending,
        port.bound(socket.AF_INET, ending.getsockname(), socket.SO_REUSEPORT) as other,
    ):
        for worker in (ending, other):
            worker.listen()
        port.turn_away(ending)
        knocks = [socket.socket() for _ in range(16)]
        for client in knocks:
            client.setblocking(False)
            client.connect_ex(ending.getsockname())
        assert [] == port.rest_of(ending)
        other.settimeout(KNOCK_AGAIN_SECONDS)
        for _ in knocks:
            other.accept()[0].close()
        for client in knocks:
            client.close()


@pytest.mark.filterwarnings("ignore:Deprecated 'query' parameter")
async def test_a_port_that_cannot_be_closed_well_ends_the_process_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """No file descriptor is left, perhaps."""
    from app.server import Server  # noqa: PLC0415  the framework warns of the names of our parameters

    monkeypatch.setattr("app.server.asgi.drain", lambda: None)
    server = Server(uvicorn.Config("app:none"))
    server.started, server.drain_seconds, server.listening = True, 0, socket.socket()
    server.listening.close()
    await server._drain()
    assert server.should_exit
