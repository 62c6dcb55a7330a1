"""The migrations build exactly the tables that `app/tables.py` declares, and can be undone and done again."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from piccolo.table import create_db_tables

from app import database, migrations, tables
from app.settings import Settings
from app.tables import TABLES
from tests.harness import ROOT, SECRET, Server

OURS = tuple(table._meta.tablename for table in TABLES)

# A default of NULL is none.
COLUMNS = """
SELECT table_name, column_name, data_type, udt_name, character_maximum_length, is_nullable,
    COALESCE(column_default NOT LIKE 'NULL%', false) AS has_default
FROM information_schema.columns WHERE table_schema = 'public' AND table_name = ANY ($1)
"""

# Key, unique, check and foreign key constraints, in the words of the database itself. Names of constraints are not
# compared, nor are NOT NULL constraints (they are in the columns).
CONSTRAINTS = """
SELECT conrelid::regclass::text AS table_name, contype::text AS kind, pg_get_constraintdef(oid) AS definition
FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text = ANY ($1)
    AND contype IN ('p', 'u', 'c', 'f')
"""

OBJECTS = """
SELECT 'table ' || tablename AS name FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'migration'
UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'migration'
UNION ALL SELECT 'function ' || pg_get_functiondef(p.oid) FROM pg_proc p
    WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'parley%'
UNION ALL SELECT 'trigger ' || tgname || ' ' || pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
"""


SETTINGS = "SELECT proname, pronargs, array_to_string(proconfig, ' ') FROM pg_proc WHERE proname LIKE 'parley%'"


@pytest.fixture
async def empty_url(postgres_url: str) -> AsyncIterator[str]:
    """A database with nothing in it, and the engine pointing to it."""
    name = f"empty_{uuid.uuid4().hex[:12]}"
    connection = await asyncpg.connect(postgres_url)
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    await connection.close()
    before = database.DB.config
    url = postgres_url.replace("/postgres?", f"/{name}?")
    database.configure(Settings(database_url=url))
    yield url
    database.DB.config = before


async def rows_of(url: str, query: str, *arguments: Any) -> set[tuple[Any, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return {tuple(row) for row in await connection.fetch(query, *arguments)}
    finally:
        await connection.close()


async def objects_of(url: str) -> set[str]:
    return {str(name) for (name,) in await rows_of(url, OBJECTS)}


@pytest.fixture
async def declared(empty_url: str) -> str:
    """A database built from the declared tables by Piccolo itself."""
    await create_db_tables(*TABLES)
    return empty_url


async def test_the_migrations_build_the_declared_tables_and_no_others(declared: str, template: str) -> None:
    built = {name for name in await objects_of(template) if name.startswith("table ")}
    assert {f"table {name}" for name in OURS} == built
    assert built == {name for name in await objects_of(declared) if name.startswith("table ")}


async def test_the_migrations_build_the_declared_columns(declared: str, template: str) -> None:
    """Names, types, lengths, whether they may be null and whether they have a default."""
    said, built = await rows_of(declared, COLUMNS, OURS), await rows_of(template, COLUMNS, OURS)
    assert (set(), set()) == (said - built, built - said)


async def test_the_migrations_build_the_declared_constraints(declared: str, template: str) -> None:
    """Keys, uniqueness, checks and references, with what happens to them when a row goes."""
    assert await rows_of(declared, CONSTRAINTS, OURS) == await rows_of(template, CONSTRAINTS, OURS)


DOMAINS_OF_COLUMNS = """
SELECT table_name || '.' || column_name, data_type, pg_get_constraintdef(c.oid) FROM information_schema.columns
JOIN pg_type t ON t.typname = domain_name JOIN pg_constraint c ON c.contypid = t.oid
WHERE table_schema = 'public' AND table_name = ANY ($1)
"""


async def test_the_migrations_build_the_declared_domains(declared: str, template: str) -> None:
    connection = await asyncpg.connect(declared)
    for column, rule in tables.DOMAINS.items():
        table, name = column.split(".")
        kind = await connection.fetchval(
            """SELECT format_type(atttypid, atttypmod) FROM pg_attribute
            WHERE attrelid = $1::text::regclass AND attname = $2""",
            table,
            name,
        )
        domain = column.replace(".", "_")
        await connection.execute(f"CREATE DOMAIN {domain} AS {kind} CHECK ({rule})")
        await connection.execute(
            f"ALTER TABLE {table} ALTER COLUMN {name} DROP DEFAULT, ALTER COLUMN {name} TYPE {domain}"
        )
    await connection.close()
    said = await rows_of(declared, DOMAINS_OF_COLUMNS, OURS)
    assert len(tables.DOMAINS) == len(said)
    assert said == await rows_of(template, DOMAINS_OF_COLUMNS, OURS)


async def test_every_reference_can_be_followed_backwards_by_an_index(template: str) -> None:
    """Else removing a row reads the whole of the other table. Users, contexts and messages are never removed."""
    without = await rows_of(
        template,
        """
        SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint c
        WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND NOT EXISTS (
            SELECT 1 FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.conkey[1])
        """,
    )
    assert {target for _, target in without} <= {"users", "context", "message"}


async def test_going_forwards_says_what_it_did_and_then_has_nothing_to_do(empty_url: str) -> None:
    names = sorted(path.stem for path in (ROOT / "piccolo_migrations").glob("m*.py"))
    assert names == await migrations.pending()
    assert names == await migrations.forwards()
    before = await objects_of(empty_url)
    assert [] == await migrations.pending()
    assert [] == await migrations.forwards()
    assert before == await objects_of(empty_url)


async def test_backwards_leaves_nothing_behind_and_forwards_builds_it_again(empty_url: str, template: str) -> None:
    await migrations.forwards()
    await migrations.backwards()
    assert set() == await objects_of(empty_url)
    await migrations.forwards()
    assert await objects_of(template) == await objects_of(empty_url)


async def test_each_migration_alone_can_be_undone_and_done_again(empty_url: str, template: str) -> None:
    names = await migrations.forwards()
    for name in reversed(names):
        await migrations.backwards(name)
        assert names[names.index(name) :] == await migrations.pending()
        await migrations.forwards()
        assert await objects_of(template) == await objects_of(empty_url)


async def test_the_log_begins_with_one_head_and_an_epoch(template: str) -> None:
    [(id_, epoch, position, floor)] = await rows_of(template, "SELECT id, epoch, position, floor FROM log_head")
    assert (1, 0, 0) == (id_, position, floor)
    assert 8 == len(epoch)


async def test_two_new_databases_have_two_epochs(empty_url: str, template: str) -> None:
    """A cursor of one must mean nothing to the other."""
    await migrations.forwards()
    query = "SELECT epoch FROM log_head"
    assert await rows_of(template, query) != await rows_of(empty_url, query)


async def test_two_who_migrate_at_once_do_it_once(empty_url: str) -> None:
    environment = {"PARLEY_DATABASE_URL": empty_url, "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-m", "app", "migrate"]
    out = asyncio.subprocess.PIPE
    running = [
        await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment, stdout=out, stderr=out)
        for _ in range(3)
    ]
    said = await asyncio.gather(*(process.communicate() for process in running))
    assert [0, 0, 0] == [process.returncode for process in running], said
    assert 2 == sum(b"nothing to do" in told for told, _ in said)


async def test_a_server_whose_tables_are_missing_builds_them(empty_url: str, tmp_path: Any) -> None:
    server = Server(empty_url, tmp_path, DRAIN_SECONDS="0")
    try:
        await server.start()
        assert [] == await migrations.pending()
    finally:
        server.kill()


async def test_migrate_needs_no_secret_and_says_what_is_wrong_with_the_database(postgres_url: str) -> None:
    nowhere = postgres_url.replace("/postgres?", "/no_such_database?")
    environment = {"PARLEY_DATABASE_URL": nowhere, "PATH": "/usr/bin:/bin", "PARLEY_JWT_SECRET": SECRET}
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "app", "migrate"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 != done.returncode
    assert "no_such_database" in done.stderr
    assert "Traceback" not in done.stderr


async def test_a_function_that_is_called_for_every_message_keeps_its_plan(template: str) -> None:
    """Left free, the planner flips to sequential scans once the tables have grown."""
    found = await rows_of(template, SETTINGS)
    bound = {(name, arguments): settings for name, arguments, settings in found}
    assert "enable_seqscan=off" in bound["parley_log_draft", 0]
    # With 13 arguments: of the version before, whose processes may still run.
    for function in (("parley_send", 13), ("parley_send", 14), ("parley_move_receipts", 4)):
        for setting in ("enable_seqscan=off", "enable_hashjoin=off", "enable_mergejoin=off", "jit=off"):
            assert setting in bound[function]
    for function in (("parley_send", 14), ("parley_send_one", 13)):
        assert "enable_sort=off" in bound[function]
