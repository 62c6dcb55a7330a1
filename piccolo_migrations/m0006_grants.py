"""The common account of rate limits says how much of what was asked for last it gave.

So of a scarce bucket two processes together give away what is in it, no more and no less.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine.finder import engine_finder

ID = "m0006_grants"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="parley", description=__doc__)

    async def build() -> None:
        await engine_finder().run_ddl("ALTER TABLE rate_bucket ADD COLUMN granted integer NOT NULL DEFAULT 0")

    async def drop() -> None:
        await engine_finder().run_ddl("ALTER TABLE rate_bucket DROP COLUMN granted")

    manager.add_raw(build)
    manager.add_raw_backwards(drop)
    return manager
