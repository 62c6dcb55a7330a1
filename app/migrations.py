"""Running the migrations: forwards, one process at a time."""

from __future__ import annotations

import contextlib
import io

from piccolo.apps.migrations.commands.backwards import BackwardsMigrationManager
from piccolo.apps.migrations.commands.base import BaseMigrationManager
from piccolo.apps.migrations.commands.forwards import ForwardsMigrationManager
from piccolo.apps.migrations.tables import Migration

from app.database import DB

APP = "parley"
LOCK = 7_172_359  # of pg_advisory_xact_lock; two servers starting at once migrate one after the other

# A lock of the transaction: one of the session would stay with a pooler's connection for as long as that lives.
ALONE = "SET LOCAL idle_in_transaction_session_timeout = 0"


async def forwards() -> list[str]:
    """Run what has not run yet; returns the names. Uses connections of its own, not the pool."""
    connection = await DB.get_new_connection()
    try:
        async with connection.transaction():
            await connection.execute(ALONE)
            await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
            return await _run_pending()
    finally:
        await connection.close()


async def _run_pending() -> list[str]:
    wanted = await pending()
    if wanted:
        with contextlib.redirect_stdout(io.StringIO()):
            result = await ForwardsMigrationManager(app_name=APP).run()
        if not result.success:
            raise RuntimeError(result.message or "the migrations failed")
    return wanted


async def backwards(to: str = "all") -> None:
    """Undo migrations down to and including one. For tests and for going back after a bad release."""
    with contextlib.redirect_stdout(io.StringIO()):
        await BackwardsMigrationManager(app_name=APP, migration_id=to, auto_agree=True).run()


async def pending() -> list[str]:
    """The migrations that have not run here."""
    manager = BaseMigrationManager()
    await manager.create_migration_table()
    folder = manager.get_app_config(APP).resolved_migrations_folder_path
    known = manager.get_migration_ids(manager.get_migration_modules(folder))
    ran = await Migration.get_migrations_which_ran(app_name=APP)
    return [name for name in known if name not in ran]
