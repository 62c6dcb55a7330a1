"""Ended sessions: what a process learns of them from the own_database, and when it forgets them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from app.chat import sessions
from app.identity import Identity
from app.settings import Settings

HOUR = timedelta(hours=1)


async def end(
    own_database: asyncpg.Connection[Any], *digests: bytes, ago: timedelta, expires: timedelta = HOUR
) -> None:
    now = datetime.now(UTC)
    rows = [(digest, now + expires, now - ago) for digest in digests]
    await own_database.executemany("INSERT INTO revoked_token (digest, expires_at, ended_at) VALUES ($1, $2, $3)", rows)


def process() -> Identity:
    return Identity(Settings(jwt_secret="s" * 32))


async def test_a_process_that_starts_learns_of_all(own_database: asyncpg.Connection[Any]) -> None:
    await end(own_database, b"long ago", ago=HOUR * 24)
    await end(own_database, b"now", ago=HOUR * 0)
    identity = process()
    await sessions.load_ended(identity)
    assert {b"long ago", b"now"} == identity.revoked.keys()
    assert abs(identity.revoked[b"now"] - time.time() - 3600) < 60


async def test_after_that_it_reads_only_what_was_ended_since_the_last_look(
    own_database: asyncpg.Connection[Any],
) -> None:
    """One that knows nothing shows what was read."""
    since = await sessions.load_ended(process())
    assert abs((datetime.now(UTC) - since).total_seconds()) < 60
    await end(own_database, *(b"%d" % number for number in range(5_000)), ago=HOUR)
    await end(own_database, b"new", ago=-timedelta(seconds=1))
    await end(own_database, b"seen late", ago=datetime.now(UTC) - since + timedelta(seconds=5))
    identity = process()
    assert since <= await sessions.load_ended(identity, since)
    assert {b"new", b"seen late"} == identity.revoked.keys()
    await own_database.execute("ANALYZE revoked_token")
    plan = await own_database.fetch(f"EXPLAIN {sessions.ENDED.format('$1')}", since)
    assert "revoked_token_by_end" in "\n".join(line[0] for line in plan)


async def test_what_would_be_over_by_now_is_forgotten(own_database: asyncpg.Connection[Any]) -> None:
    await end(own_database, b"lasting", ago=HOUR)
    await end(own_database, b"over", ago=HOUR, expires=-HOUR)
    identity = process()
    await sessions.load_ended(identity)
    await sessions.forget_ended(identity)
    assert {b"lasting"} == identity.revoked.keys()
    assert [b"lasting"] == [row["digest"] for row in await own_database.fetch("SELECT digest FROM revoked_token")]
