"""One embedded Postgres for the whole run; every server gets a database of its own, copied from a migrated template."""

from __future__ import annotations

import asyncio
import atexit
import shutil
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from _pytest._code.code import TracebackEntry

from app import database, embedded
from app.settings import Settings
from tests.harness import ROOT, SECRET, Cast, Server, close_cast, gather_cast, hasten

NewDatabase = Callable[[], Awaitable[str]]
NewServer = Callable[..., Awaitable[Server]]

# Python 3.11 gives some frames of a traceback no line number; pytest then fails as a whole instead of showing the test.
TracebackEntry.lineno = property(  # type: ignore[method-assign, assignment]
    lambda entry: (entry._rawentry.tb_lineno or entry.frame.code.raw.co_firstlineno) - 1
)


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """The server's own database. The server ends with this process.

    Not under pytest's folder: each run closes that to others, and so to the user Postgres runs as.
    """
    home = Path(tempfile.mkdtemp(prefix="parley-tests-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)  # after the server has ended: last in, first out
    return embedded.start(home)


@pytest.fixture(scope="session")
async def template(postgres_url: str) -> str:
    """A migrated database, to copy from."""
    connection = await asyncpg.connect(postgres_url)
    await hasten(connection)
    await connection.execute("CREATE DATABASE template_parley")
    await connection.close()
    url = postgres_url.replace("/postgres?", "/template_parley?")
    environment = {"PARLEY_DATABASE_URL": url, "PARLEY_JWT_SECRET": SECRET, "PATH": "/usr/bin:/bin"}
    migrating = await asyncio.create_subprocess_exec(sys.executable, "-m", "app", "migrate", cwd=ROOT, env=environment)
    assert await migrating.wait() == 0
    return url


@pytest.fixture(scope="session")
async def new_database(postgres_url: str, template: str) -> NewDatabase:
    """Makes an empty, migrated database and gives its URL."""

    async def make() -> str:
        name = f"parley_{uuid.uuid4().hex[:12]}"
        connection = await asyncpg.connect(postgres_url)
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE template_parley")
        await connection.close()
        return postgres_url.replace("/postgres?", f"/{name}?")

    return make


@pytest.fixture
async def own_database(new_database: NewDatabase) -> AsyncIterator[asyncpg.Connection[Any]]:
    """A database of one's own that the app's code uses within this process, and a connection to it."""
    url = await new_database()
    before = database.DB.config
    database.configure(Settings(database_url=url))
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()
    database.DB.config = before


@pytest.fixture(scope="session")
async def server(new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server that tests share: nobody stops it or waits for it to be quiet."""
    server = await Server(await new_database(), tmp_path_factory.mktemp("server")).start()
    yield server
    await server.close()


@pytest.fixture
async def new_server(new_database: NewDatabase, tmp_path: Path) -> AsyncIterator[NewServer]:
    """Starts a server for one test: `await new_server(HEARTBEAT_SECONDS="1")`. Without `database_url`, on a new one."""
    servers: list[Server] = []

    async def start(
        *arguments: str, database_url: str | None = None, port: int | None = None, **options: str
    ) -> Server:
        server = Server(database_url or await new_database(), tmp_path, *arguments, port=port, **options)
        servers.append(server)
        return await server.start()

    yield start
    for server in servers:
        await server.close()


@pytest.fixture
async def cast(server: Server) -> AsyncIterator[Cast]:
    """The cast at the shared server."""
    cast = await gather_cast(server.url)
    yield cast
    await close_cast(cast)
