"""The indexes beyond keys and uniqueness, each with the query that needs it."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine.finder import engine_finder

ID = "m0002_indexes"

INDEXES = {
    # A person's conversations, newest first.
    "participant_by_listing": "participant (user_id, listed_at DESC)",
    # Conversations about one item (unread of an order, mark an order read, list by context).
    "conversation_by_context": "conversation (context_id) WHERE context_id IS NOT NULL",
    # Sent box.
    "message_by_sender": "message (sender_id, position DESC)",
    # Inbox by keyset; the last seq at a cursor when everything up to it is marked read.
    "message_by_position": "message (conversation_id, position)",
    # A stream that is behind the tail: the caller's conversations' events after a position.
    "event_by_conversation": "event (conversation_id, position)",
    # Unsend blanks the edits of the message as well.
    "event_of_edit": "event (message_id) WHERE kind = 'message.edited'",
    # A stopped process's people.
    "presence_lease_by_process": "presence_lease (process_id)",
}


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="parley", description=__doc__)

    async def build() -> None:
        for name, definition in INDEXES.items():
            table, columns = definition.split(" ", 1)
            await engine_finder().run_ddl(f"CREATE INDEX {name} ON {table} {columns}")

    async def drop() -> None:
        await engine_finder().run_ddl(f"DROP INDEX {', '.join(INDEXES)}")

    manager.add_raw(build)
    manager.add_raw_backwards(drop)
    return manager
