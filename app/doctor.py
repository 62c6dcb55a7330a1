"""`parley doctor`: checks settings, database, LISTEN echo and migrations, and says how to mend what is wrong."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress

import asyncpg
import msgspec

from app import database, embedded, migrations, settings
from app.delivery.bus_nats import NatsBus, shown
from app.settings import Settings, SettingsError

ECHO_SECONDS = 2.0
WHICH = "SELECT system_identifier, current_database() FROM pg_control_system()"
ELSEWHERE = "PARLEY_LISTEN_URL is another database than PARLEY_DATABASE_URL. It must be another way to the same one."
POOLED = "a transaction pooler is in between. Set PARLEY_LISTEN_URL to the server itself."


async def examine() -> int:
    """Print one line a check; 0 when all are well."""
    try:
        chosen = settings.read()
    except SettingsError as error:
        for mistake in error.mistakes:
            print(f"settings    WRONG  {mistake}")
        return 1
    print(f"settings    ok     the database is {database.shown(chosen)}")
    if chosen.database_url is None:
        try:
            chosen = msgspec.structs.replace(chosen, database_url=embedded.start(chosen.data_dir))
        except database.DatabaseError as error:
            print(f"database    WRONG  {error}")
            return 1
    database.configure(chosen)
    checks: dict[str, Callable[[Settings], Awaitable[str]]] = {
        "database": _database,
        "migrations": _migrations,
        "listen": _listen if chosen.bus == "postgres" else _nats,
    }
    for name, check in checks.items():
        try:
            print(f"{name:<11} ok     {await check(chosen)}")
        except database.DatabaseError as error:
            print(f"{name:<11} WRONG  {error}")
            return 1
        except database.FAILED as error:
            print(f"{name:<11} WRONG  {database.explain(error)}")
            return 1
    return 0


async def _database(_: Settings) -> str:
    await database.check_version()
    [row] = await database.DB._run_in_new_connection("SELECT current_setting('server_version') AS version")
    return f"PostgreSQL {row['version']}"


async def _migrations(_: Settings) -> str:
    if pending := await migrations.pending():
        raise database.DatabaseError(f"not run yet: {', '.join(pending)}. Run `parley migrate`.")
    return "all have run"


async def _listen(chosen: Settings) -> str:
    """As a server does it: what is told at PARLEY_DATABASE_URL must be heard at PARLEY_LISTEN_URL."""
    heard = asyncio.Event()
    channel = f"parley_doctor_{secrets.token_hex(6)}"
    connection = await _listener(chosen, channel, heard)
    try:
        await database.DB.fetch("SELECT pg_notify($1, '')", channel)
        with suppress(TimeoutError):
            await asyncio.wait_for(heard.wait(), ECHO_SECONDS)
        if heard.is_set():
            return "what is told is heard"
        is_elsewhere = await connection.fetch(WHICH) != await database.DB.fetch(WHICH)
    finally:
        connection.terminate()
    raise database.DatabaseError(f"what is told is not heard: {ELSEWHERE if is_elsewhere else POOLED}")


async def _listener(chosen: Settings, channel: str, heard: asyncio.Event) -> asyncpg.Connection[asyncpg.Record]:
    url = chosen.listen_url or chosen.database_url
    assert url is not None  # examine has seen to it
    try:
        way = {**database.connection_arguments(url), "statement_cache_size": 0}  # it may lead through a pooler
        connection = await database.dial(**way, timeout=database.CONNECT_SECONDS)
        await connection.add_listener(channel, lambda *_: heard.set())
    except database.FAILED as error:
        setting = "PARLEY_LISTEN_URL" if chosen.listen_url else "PARLEY_DATABASE_URL"
        raise database.DatabaseError(database.explain(error, setting)) from None
    return connection


async def _nats(chosen: Settings) -> str:
    """Connect as a server does, up to the echo."""

    async def hang_up() -> None:
        bus.lost.set()

    bus = NatsBus(chosen.bus, on_head=lambda _: None, on_signal=lambda *_: None, on_connect=hang_up)
    try:
        await bus._listen()
    except bus.failures as error:
        raise database.DatabaseError(
            f"NATS at {shown(chosen.bus)} is not to be had: {bus.explain(error)}. Is it running, do user and password "
            "in PARLEY_BUS belong to it, and may they say and hear parley.>?"
        ) from None
    return "what is told is heard, by NATS"
