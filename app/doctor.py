"""`parley doctor`: checks settings, database, LISTEN echo and migrations, and says how to mend what is wrong."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable

import asyncpg
import msgspec

from app import database, embedded, migrations, settings
from app.delivery.bus_nats import NatsBus, shown
from app.settings import Settings, SettingsError

ECHO_SECONDS = 2.0


async def examine() -> int:
    """Print one line a check; 0 when all are well."""
    try:
        chosen = settings.read()
    except SettingsError as error:
        for mistake in error.mistakes:
            print(f"settings    WRONG  {mistake}")
        return 1
    print("settings    ok")
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
    url = chosen.listen_url or chosen.database_url
    assert url is not None  # examine has seen to it
    connection = await asyncpg.connect(**database.connection_arguments(url), timeout=database.CONNECT_SECONDS)
    heard = asyncio.Event()
    channel = f"parley_doctor_{secrets.token_hex(6)}"
    try:
        await connection.add_listener(channel, lambda *_: heard.set())
        await connection.execute("SELECT pg_notify($1, '')", channel)
        async with asyncio.timeout(ECHO_SECONDS):
            await heard.wait()
    except TimeoutError:
        raise database.DatabaseError(
            "what is told is not heard: a transaction pooler is in between. Set PARLEY_LISTEN_URL to the server itself."
        ) from None
    finally:
        connection.terminate()
    return "what is told is heard"


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
