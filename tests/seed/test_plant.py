"""The demo's data: there as a whole, however often planting was cut, and planted once."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from tests.conftest import NewDatabase
from tests.harness import ROOT, SECRET
from tests.system.operating import database

PLANT = "import asyncio; from app import seed, settings; asyncio.run(seed.plant_demo(settings.read()))"
# Where it is cut, one after the other: what stands before has been committed.
CUTS = (
    "INSERT ON context FOR EACH ROW WHEN (NEW.item_id = 'record-player')",
    "INSERT ON conversation FOR EACH ROW WHEN (NEW.subject <> '')",
    "INSERT ON message FOR EACH ROW WHEN (NEW.body LIKE 'Within half a stop%')",
    "INSERT ON message FOR EACH ROW WHEN (NEW.body LIKE 'Hello Bea, of course%')",
    "UPDATE ON message FOR EACH ROW WHEN (NEW.edited_at IS NOT NULL)",
    "UPDATE ON message FOR EACH ROW WHEN (NEW.deleted_at IS NOT NULL)",
    "UPDATE ON participant FOR EACH ROW WHEN (NEW.is_archived)",
    "UPDATE ON users FOR EACH ROW WHEN (NEW.last_seen_at IS NOT NULL)",
)
REFUSE = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'cut here'; END $$"

# What people see, with times as they lie to each other and no ids.
SEEN = (
    "SELECT kind, item_id, title, state FROM context ORDER BY kind, item_id",
    """SELECT c.subject, x.item_id, p.user_id, p.role, p.delivered_seq, p.read_seq, p.is_archived
    FROM participant p JOIN conversation c ON c.id = p.conversation_id LEFT JOIN context x ON x.id = c.context_id
    ORDER BY 1, 2, c.created_at, 3""",
    """SELECT m.sender_id, m.kind, m.body, m.seq, m.edited_at - m.created_at, m.deleted_at - m.created_at,
        max(m.created_at) OVER () - m.created_at
    FROM message m ORDER BY m.created_at, m.body""",
    "SELECT id, name, last_seen_at IS NULL FROM users ORDER BY id",
    "SELECT count(*) FROM event",
    "SELECT floor = position FROM log_head",
)
TABLES = ("users", "context", "conversation", "participant", "message", "event", "log_head")


async def plant(url: str) -> str:
    """What went wrong, if it did."""
    environment = {"PARLEY_DATABASE_URL": url, "PARLEY_JWT_SECRET": SECRET, "PATH": "/usr/bin:/bin"}
    planting = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PLANT, cwd=ROOT, env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, said = await planting.communicate()
    assert (planting.returncode == 0) == (said == b""), said.decode()
    return said.decode()


async def rows_of(url: str, *queries: str) -> list[list[tuple[Any, ...]]]:
    async with database(url) as connection:
        return [[tuple(row) for row in await connection.fetch(query)] for query in queries]


@pytest.fixture(scope="module")
async def planted(new_database: NewDatabase) -> str:
    url = await new_database()
    assert "" == await plant(url)
    return url


async def test_planting_that_was_cut_anywhere_is_completed_by_the_next(planted: str, new_database: NewDatabase) -> None:
    url = await new_database()
    async with database(url) as connection:
        await connection.execute(REFUSE)
        for cut in CUTS:
            await connection.execute(f"CREATE TRIGGER cut BEFORE {cut} EXECUTE FUNCTION refuse()")
            assert "cut here" in await plant(url), cut
            await connection.execute(f"DROP TRIGGER cut ON {cut.split()[2]}")
    assert "" == await plant(url)
    for expected, found in zip(await rows_of(planted, *SEEN), await rows_of(url, *SEEN), strict=True):
        assert expected == found


async def test_what_is_planted_stays_as_it_is(planted: str) -> None:
    everything = [f"SELECT * FROM {table} ORDER BY 1" for table in TABLES]
    before = await rows_of(planted, *everything)
    assert "" == await plant(planted)
    assert before == await rows_of(planted, *everything)
