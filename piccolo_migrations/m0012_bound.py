"""What is called with every message looks up by one index, whatever Postgres knows of the tables.

A sender's earlier message with a `client_id` can also be found among all that the sender has said, and a participant
among all conversations that the person is in. A plan made for empty tables takes the one as soon as the other, and is
kept until somebody analyses them: measured on a new database, 228 rows were read for each message after 96,000, and
Postgres' CPU a message doubled. A look that must come in the order of `client_id`, where sorting is off, has one index
left, and so has a comparison of rows.

Answers and rows are the same as before, so processes of both versions may run at once.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine.finder import engine_finder

from piccolo_migrations.m0003_functions import MOVE_RECEIPTS as MOVE_RECEIPTS_BEFORE
from piccolo_migrations.m0003_functions import SEND_ONE as SEND_ONE_BEFORE
from piccolo_migrations.m0010_heard import SEND as SEND_BEFORE
from piccolo_migrations.m0010_heard import changed

ID = "m0012_bound"

REPLACE = ("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")

# A comparison of rows is served by the key alone, which begins with its first column.
IN_IT = """(SELECT left_at IS NULL FROM participant
            WHERE (conversation_id, user_id) >= (p_conversation_ids[o], p_sender_ids[o])
                AND (conversation_id, user_id) <= (p_conversation_ids[o], p_sender_ids[o])
            ORDER BY conversation_id, user_id LIMIT 1)"""

SEND = changed(
    SEND_BEFORE,
    (
        REPLACE,
        ("SET enable_material = off", "SET enable_material = off SET enable_sort = off"),
        (
            """        AND (SELECT id FROM participant
            WHERE conversation_id = p_conversation_ids[o] AND user_id = p_sender_ids[o] AND left_at IS NULL) IS NOT NULL
        AND (SELECT id FROM message WHERE sender_id = p_sender_ids[o] AND client_id = p_client_ids[o]) IS NULL
""",
            f"""        AND {IN_IT} IS TRUE
        AND (SELECT id FROM message WHERE sender_id = p_sender_ids[o]
            AND client_id BETWEEN p_client_ids[o] AND p_client_ids[o] ORDER BY client_id LIMIT 1) IS NULL
""",
        ),
        (
            "(p.id IS NULL AND p_are_service[o] IS NOT TRUE)",
            f"({IN_IT} IS NOT TRUE\n                    AND p_are_service[o] IS NOT TRUE)",
        ),
        (
            "WHEN p_reply_tos[o] IS NOT NULL AND r.id IS NULL THEN",
            """WHEN p_reply_tos[o] IS NOT NULL AND p_conversation_ids[o] IS DISTINCT FROM
                    (SELECT conversation_id FROM message WHERE id = p_reply_tos[o]) THEN""",
        ),
        (
            """            LEFT JOIN participant p
                ON p.conversation_id = p_conversation_ids[o] AND p.user_id = p_sender_ids[o] AND p.left_at IS NULL
            LEFT JOIN message m ON m.sender_id = p_sender_ids[o] AND m.client_id = p_client_ids[o]
            LEFT JOIN message r ON r.id = p_reply_tos[o] AND r.conversation_id = p_conversation_ids[o]
""",
            """            LEFT JOIN LATERAL (
                SELECT id, draft_digest FROM message WHERE sender_id = p_sender_ids[o]
                    AND client_id BETWEEN p_client_ids[o] AND p_client_ids[o] ORDER BY client_id LIMIT 1
            ) m ON true
""",
        ),
    ),
)

SEND_ONE = changed(
    SEND_ONE_BEFORE,
    (
        REPLACE,
        ("SET enable_bitmapscan = off", "SET enable_bitmapscan = off SET enable_sort = off"),
        (
            "    WHERE sender_id = p_sender_id AND client_id = p_client_id;\n",
            """    WHERE sender_id = p_sender_id AND client_id BETWEEN p_client_id AND p_client_id
    ORDER BY client_id LIMIT 1;
""",
        ),
        (
            """        PERFORM 1 FROM message WHERE id = p_reply_to AND conversation_id = p_conversation_id;
        r_code := CASE WHEN FOUND THEN 'sent' ELSE 'reply_not_found' END;
""",
            """        r_code := CASE
            WHEN p_conversation_id = (SELECT conversation_id FROM message WHERE id = p_reply_to) THEN 'sent'
            ELSE 'reply_not_found'
        END;
""",
        ),
    ),
)

# Among the people of a conversation: what is made of `user_id` is in no index. By key as above costs less in groups
# (of 100: 260 µs a receipt instead of 400, and 300 before), but more in pairs (50 instead of 45), which most are.
MOVE_RECEIPTS = changed(
    MOVE_RECEIPTS_BEFORE,
    (
        REPLACE,
        (
            "WHERE p.conversation_id = d.conversation_id AND p.user_id = d.user_id AND",
            "WHERE p.conversation_id = d.conversation_id AND p.user_id || '' = d.user_id AND",
        ),
        (
            "ON p.conversation_id = d.conversation_id AND p.user_id = d.user_id AND",
            "ON p.conversation_id = d.conversation_id AND p.user_id || '' = d.user_id AND",
        ),
    ),
)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="parley", description=__doc__)

    async def build() -> None:
        for function in (SEND, SEND_ONE, MOVE_RECEIPTS):
            await engine_finder().run_ddl(function)

    async def undo() -> None:
        for function in (SEND_BEFORE, SEND_ONE_BEFORE, MOVE_RECEIPTS_BEFORE):
            await engine_finder().run_ddl(changed(function, [REPLACE]))

    manager.add_raw(build)
    manager.add_raw_backwards(undo)
    return manager
