"""Two servers on one database, for all tests that break neither."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.conftest import NewDatabase, NewServer
from tests.harness import Cast, Person, Server, close_cast, gather_cast, hasten
from tests.system.operating import OwnPostgres, database, kill_server
from tests.system.raw import Connection
from tests.system.relay import Relay

CastAt = Callable[[str], Awaitable[Cast]]
Connect = Callable[..., Awaitable[Connection]]
NewPerson = Callable[..., Person]


class Pair(NamedTuple):
    """Two processes that share nothing but the database."""

    a: Server
    b: Server
    database_url: str

    @property
    def urls(self) -> tuple[str, str]:
        return (self.a.url, self.b.url)


NewPair = Callable[[], Awaitable[Pair]]
NewRelay = Callable[[str], Awaitable[Relay]]


class Place(NamedTuple):
    """Two servers on a Postgres of their own, for stopping it."""

    postgres: OwnPostgres
    pair: Pair


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/system/" in item.path.as_posix():
            item.add_marker(pytest.mark.system)


@pytest.fixture(scope="session")
async def pair(new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    """Nobody stops these two. Their heartbeat is quick, so that quiet readers soon know how far they are complete."""
    url = await new_database()
    servers = [Server(url, tmp_path_factory.mktemp(f"pair-{name}"), HEARTBEAT_SECONDS="0.5") for name in "ab"]
    yield Pair(*await asyncio.gather(*(server.start() for server in servers)), url)
    for server in servers:
        kill_server(server)


@pytest.fixture
async def new_server(new_database: NewDatabase, tmp_path: Path) -> AsyncIterator[NewServer]:
    """As everywhere, but with a quick heartbeat and no waiting at its end, and killed when the test is over."""
    servers: list[Server] = []

    async def start(
        *arguments: str,
        database_url: str | None = None,
        port: int | None = None,
        until: str = "ready",
        **options: str,
    ) -> Server:
        options = {"HEARTBEAT_SECONDS": "0.5", "DRAIN_SECONDS": "0", **options}
        server = Server(database_url or await new_database(), tmp_path, *arguments, port=port, **options)
        servers.append(server)
        return await server.start(until)

    yield start
    for server in servers:
        kill_server(server)


@pytest.fixture
async def new_pair(new_database: NewDatabase, new_server: NewServer) -> NewPair:
    """Starts two servers for one test that breaks one of them."""

    async def start() -> Pair:
        url = await new_database()
        return Pair(*await asyncio.gather(new_server(database_url=url), new_server(database_url=url)), url)

    return start


@pytest.fixture(scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    home = Path(tempfile.mkdtemp(prefix="parley-tests-"))  # pytest closes its own folder to the user Postgres runs as
    postgres = await asyncio.to_thread(OwnPostgres, home / "postgres")
    async with database(postgres.url) as connection:
        await hasten(connection)
    servers = [Server(postgres.url, tmp_path_factory.mktemp(f"away-{name}"), HEARTBEAT_SECONDS="0.5") for name in "ab"]
    yield Place(postgres, Pair(*await asyncio.gather(*(server.start() for server in servers)), postgres.url))
    for server in servers:
        kill_server(server)
    await asyncio.to_thread(postgres.close)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
async def new_relay() -> AsyncIterator[NewRelay]:
    """A relay in front of a database: `(await new_relay(url)).url` is the way through it."""
    relays: list[Relay] = []

    async def start(url: str) -> Relay:
        relays.append(await Relay(url).start())
        return relays[-1]

    yield start
    for relay in relays:
        await relay.close()


@pytest.fixture
async def cast_at_pair(pair: Pair) -> AsyncIterator[Cast]:
    """The cast at the first server of the pair; `bea.at(pair.b.url)` is bea at the other."""
    cast = await gather_cast(pair.a.url)
    yield cast
    await close_cast(cast)


@pytest.fixture
async def new_person() -> AsyncIterator[NewPerson]:
    """Somebody with another token: `new_person(url, cast.sol.id, ttl_seconds=2)`."""
    people: list[Person] = []

    def make(url: str, user_id: str, **claims: Any) -> Person:
        people.append(Person(url, user_id, **claims))
        return people[-1]

    yield make
    for person in people:
        await person.close()


@pytest.fixture
async def cast_at() -> AsyncIterator[CastAt]:
    """The cast at a server that the test has started itself."""
    casts: list[Cast] = []

    async def gather(url: str) -> Cast:
        casts.append(await gather_cast(url))
        return casts[-1]

    yield gather
    for cast in casts:
        await close_cast(cast)


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """A connection by hand that ends with the test: `await connect(server, receive_buffer=4_096)`."""
    connections: list[Connection] = []

    async def open_one(server: Server, **options: Any) -> Connection:
        connections.append(await Connection.open(server, **options))
        return connections[-1]

    yield open_one
    for connection in connections:
        connection.vanish()
    await asyncio.sleep(0)  # the loop closes what was aborted
