"""When a token was ended: a process asks for those that were since it last asked, not for all.

Those that are known already count as ended now.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine.finder import engine_finder

ID = "m0008_ended"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="parley", description=__doc__)

    async def build() -> None:
        engine = engine_finder()
        await engine.run_ddl("ALTER TABLE revoked_token ADD COLUMN ended_at timestamptz NOT NULL DEFAULT now()")
        await engine.run_ddl("CREATE INDEX revoked_token_by_end ON revoked_token (ended_at)")

    async def drop() -> None:
        await engine_finder().run_ddl("ALTER TABLE revoked_token DROP COLUMN ended_at")

    manager.add_raw(build)
    manager.add_raw_backwards(drop)
    return manager
