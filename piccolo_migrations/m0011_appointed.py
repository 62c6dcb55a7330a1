"""A participation says whether the shop appointed the person, or somebody whom it appointed did. Only such an agent
brings people in and takes them out: anybody may write to an agent, and so name one.

Of agents that are there already those in a conversation about an item were appointed, since nobody else could name one
there.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine.finder import engine_finder

ID = "m0011_appointed"

FORWARDS = (
    "ALTER TABLE participant ADD COLUMN is_appointed boolean NOT NULL DEFAULT false",
    """
    UPDATE participant SET is_appointed = true FROM conversation c
    WHERE c.id = conversation_id AND role = 'agent' AND c.context_id IS NOT NULL
    """,
)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="parley", description=__doc__)

    async def build() -> None:
        for statement in FORWARDS:
            await engine_finder().run_ddl(statement)

    async def drop() -> None:
        await engine_finder().run_ddl("ALTER TABLE participant DROP COLUMN is_appointed")

    manager.add_raw(build)
    manager.add_raw_backwards(drop)
    return manager
