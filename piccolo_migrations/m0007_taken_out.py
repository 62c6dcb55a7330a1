"""A participation says whether it was ended by somebody else: who was taken out does not come back by themselves.

With a default that is a constant the rows are not rewritten. Of participations that were ended before nobody knows it
any more: they count as left.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine.finder import engine_finder

ID = "m0007_taken_out"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="parley", description=__doc__)

    async def build() -> None:
        await engine_finder().run_ddl("ALTER TABLE participant ADD COLUMN was_taken_out boolean NOT NULL DEFAULT false")

    async def drop() -> None:
        await engine_finder().run_ddl("ALTER TABLE participant DROP COLUMN was_taken_out")

    manager.add_raw(build)
    manager.add_raw_backwards(drop)
    return manager
