"""Ended sessions: what a process learns of them from the table, and when it forgets them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from app import database
from app.chat import sessions
from app.identity import Identity
from app.settings import Settings
from tests.conftest import NewDatabase

HOUR = timedelta(hours=1)


@pytest.fixture
async def table(new_database: NewDatabase) -> AsyncIterator[asyncpg.Connection[Any]]:
    """A database of one's own that `sessions` reads, and a connection to write to it."""
    url = await new_database()
    before = database.DB.config
    database.configure(Settings(database_url=url))
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()
    database.DB.config = before


async def end(table: asyncpg.Connection[Any], *digests: bytes, ago: timedelta, expires: timedelta = HOUR) -> None:
    now = datetime.now(UTC)
    rows = [(digest, now + expires, now - ago) for digest in digests]
    await table.executemany("INSERT INTO revoked_token (digest, expires_at, ended_at) VALUES ($1, $2, $3)", rows)


def process() -> Identity:
    return Identity(Settings(jwt_secret="s" * 32))


async def test_a_process_that_starts_learns_of_all(table: asyncpg.Connection[Any]) -> None:
    await end(table, b"long ago", ago=HOUR * 24)
    await end(table, b"now", ago=HOUR * 0)
    identity = process()
    await sessions.load_ended(identity)
    assert {b"long ago", b"now"} == identity.revoked.keys()
    assert abs(identity.revoked[b"now"] - time.time() - 3600) < 60


async def test_after_that_it_reads_only_what_was_ended_since_the_last_look(table: asyncpg.Connection[Any]) -> None:
    """One that knows nothing shows what was read."""
    since = await sessions.load_ended(process())
    assert abs((datetime.now(UTC) - since).total_seconds()) < 60
    await end(table, *(b"%d" % number for number in range(5_000)), ago=HOUR)
    await end(table, b"new", ago=-timedelta(seconds=1))
    await end(table, b"seen late", ago=datetime.now(UTC) - since + timedelta(seconds=5))
    identity = process()
    assert since <= await sessions.load_ended(identity, since)
    assert {b"new", b"seen late"} == identity.revoked.keys()
    await table.execute("ANALYZE revoked_token")
    plan = await table.fetch(f"EXPLAIN {sessions.ENDED.format('$1')}", since)
    assert "revoked_token_by_end" in "\n".join(line[0] for line in plan)


async def test_what_would_be_over_by_now_is_forgotten(table: asyncpg.Connection[Any]) -> None:
    await end(table, b"lasting", ago=HOUR)
    await end(table, b"over", ago=HOUR, expires=-HOUR)
    identity = process()
    await sessions.load_ended(identity)
    await sessions.forget_ended(identity)
    assert {b"lasting"} == identity.revoked.keys()
    assert [b"lasting"] == [row["digest"] for row in await table.fetch("SELECT digest FROM revoked_token")]
