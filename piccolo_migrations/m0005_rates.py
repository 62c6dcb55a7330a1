"""The account of rate limits that processes keep together.

UNLOGGED: it is written often and worth little; after a crash of the database all buckets are full again. fillfactor:
a row is updated in place, again and again.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine.finder import engine_finder

ID = "m0005_rates"

RATE_BUCKET = """
CREATE UNLOGGED TABLE rate_bucket (id varchar(140) PRIMARY KEY, full_at timestamptz NOT NULL) WITH (fillfactor = 50)
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="parley", description=__doc__)

    async def build() -> None:
        await engine_finder().run_ddl(RATE_BUCKET)

    async def drop() -> None:
        await engine_finder().run_ddl("DROP TABLE rate_bucket")

    manager.add_raw(build)
    manager.add_raw_backwards(drop)
    return manager
