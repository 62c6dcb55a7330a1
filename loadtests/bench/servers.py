"""The programs that are measured, each started fresh: Parley, the obvious design, and the two floors."""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from loadtests.bench.client import HOST, Call, call
from loadtests.bench.postgres import Postgres
from loadtests.bench.processes import ProcessError, free_port, is_alive, running

START_SECONDS = 30.0
MIGRATE_SECONDS = 60.0
ROOT = Path(__file__).resolve().parents[2]
ANSWER_BYTES = 520  # what a POST answers while Parley's own answer is not known


@dataclass(frozen=True)
class Server:
    """A running program under measurement."""

    name: str
    pid: int
    port: int
    secret: str
    log: Path
    database: str


@dataclass(frozen=True)
class Bench:
    """What every scenario is given."""

    postgres: Postgres
    folder: Path
    is_quick: bool


@asynccontextmanager
async def parley(bench: Bench, database: str = "parley_bench", *, is_filled: bool = False) -> AsyncIterator[Server]:
    """Our server with one worker, limits off. A filled database is taken as it is, any other is made anew."""
    if not is_filled:
        await migrated(bench, database)
    async with started(bench, database) as server:
        yield server


@asynccontextmanager
async def started(bench: Bench, database: str, **environment: str) -> AsyncIterator[Server]:
    """Our server with one worker on a migrated database, limits off; one of several, if they are given one secret."""
    port = free_port()
    env = _parley_environment(bench, database) | {
        "PARLEY_JWT_SECRET": secrets.token_urlsafe(48),
        "PARLEY_SEND_LIMIT": "off",
        "PARLEY_OPEN_LIMIT": "off",
        **environment,
    }
    arguments = ["-m", "app", "serve", "--host", HOST, "--port", str(port), "--workers", "1", "--no-demo"]
    async with _serving(bench, "parley", arguments, port, env) as (pid, log):
        yield Server("parley", pid, port, env["PARLEY_JWT_SECRET"], log, database)


@asynccontextmanager
async def obvious(bench: Bench) -> AsyncIterator[Server]:
    """The obvious design on an empty database."""
    port, secret = free_port(), secrets.token_urlsafe(48)
    url = await bench.postgres.create_database("obvious_bench")
    env = {"BENCH_DATABASE_URL": url, "BENCH_JWT_SECRET": secret}
    arguments = ["-m", "loadtests.bench.obvious", "--port", str(port)]
    async with _serving(bench, "obvious", arguments, port, env) as (pid, log):
        yield Server("obvious", pid, port, secret, log, "obvious_bench")


@asynccontextmanager
async def noop(bench: Bench, answer_bytes: int = ANSWER_BYTES) -> AsyncIterator[Server]:
    """The floor of a POST: a Litestar handler that does nothing and answers so many bytes."""
    port = free_port()
    arguments = ["-m", "loadtests.bench.floor_noop", "--port", str(port), "--answer-bytes", str(answer_bytes)]
    async with _serving(bench, "noop", arguments, port, {}) as (pid, log):
        yield Server("noop", pid, port, secrets.token_urlsafe(48), log, "")


@asynccontextmanager
async def writer(bench: Bench) -> AsyncIterator[Server]:
    """The floor of a delivery: a bare protocol that writes given bytes to every open stream."""
    port = free_port()
    arguments = ["-m", "loadtests.bench.floor_writer", "--port", str(port)]
    async with _serving(bench, "writer", arguments, port, {}) as (pid, log):
        yield Server("writer", pid, port, secrets.token_urlsafe(48), log, "")


async def migrated(bench: Bench, database: str) -> None:
    """An empty database with Parley's tables."""
    await bench.postgres.create_database(database)
    environment = _parley_environment(bench, database) | {"PARLEY_JWT_SECRET": secrets.token_urlsafe(48)}
    log = bench.folder / "migrate.log"
    async with running([sys.executable, "-m", "app", "migrate"], log=log, env=environment) as pid:
        deadline = asyncio.get_running_loop().time() + MIGRATE_SECONDS
        while is_alive(pid):
            if asyncio.get_running_loop().time() > deadline:
                raise ProcessError(f"migrations took more than {MIGRATE_SECONDS:g} s:\n{_end_of(log)}")
            await asyncio.sleep(0.05)


def _parley_environment(bench: Bench, database: str) -> dict[str, str]:
    return {
        "PARLEY_DATABASE_URL": bench.postgres.database_url(database),
        "PARLEY_DATA_DIR": str(bench.folder / "parley"),
    }


@asynccontextmanager
async def _serving(
    bench: Bench, name: str, arguments: list[str], port: int, env: Mapping[str, str]
) -> AsyncIterator[tuple[int, Path]]:
    log = bench.folder / f"{name}.log"
    environment = {**env, "PYTHONPATH": str(ROOT)}
    async with running([sys.executable, *arguments], log=log, env=environment) as pid:
        await _ready(name, pid, port, log)
        yield pid, log


async def _ready(name: str, pid: int, port: int, log: Path) -> None:
    deadline = asyncio.get_running_loop().time() + START_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        if not is_alive(pid):
            raise ProcessError(f"{name} ended while starting:\n{_end_of(log)}")
        try:
            status, _ = await call(port, Call("GET", "/health/ready"))
        except OSError:
            status = 0
        if status == 200:
            return
        await asyncio.sleep(0.05)
    raise ProcessError(f"{name} was not ready within {START_SECONDS:g} s:\n{_end_of(log)}")


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]
