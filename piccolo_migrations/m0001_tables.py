"""All tables of the first release, as `app/tables.py` declares them."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine.finder import engine_finder

ID = "m0001_tables"

FORWARDS = (
    # Typo-tolerant search of conversations.
    "CREATE EXTENSION IF NOT EXISTS fuzzystrmatch",
    "CREATE EXTENSION IF NOT EXISTS unaccent",
    # Domains and not CHECK constraints: a table's CHECKs are read from their text by every statement that writes to it,
    # which was a quarter of what a message costs in Postgres; a domain's are kept.
    "CREATE DOMAIN conversation_state AS varchar(6) CHECK (VALUE IN ('open', 'closed'))",
    "CREATE DOMAIN participant_role AS varchar(6) CHECK (VALUE IN ('buyer', 'seller', 'agent'))",
    "CREATE DOMAIN message_kind AS varchar(6) CHECK (VALUE IN ('text', 'card', 'system'))",
    "CREATE DOMAIN message_seq AS bigint CHECK (VALUE > 0)",
    "CREATE DOMAIN only_one AS smallint CHECK (VALUE = 1)",
    """
    CREATE TABLE users (
        id varchar(128) PRIMARY KEY,
        name varchar(200) NOT NULL DEFAULT '',
        avatar_url text,
        status varchar(10) NOT NULL DEFAULT 'online',
        status_text varchar(140) NOT NULL DEFAULT '',
        last_seen_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT status_is_known CHECK (status IN ('online', 'away', 'invisible'))
    )
    """,
    """
    CREATE TABLE context (
        id bigserial PRIMARY KEY,
        kind varchar(10) NOT NULL,
        item_id varchar(128) NOT NULL,
        title varchar(300) NOT NULL,
        url text,
        image_url text,
        price_amount_minor bigint,
        price_currency varchar(3),
        seller_id varchar(128) REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
        state varchar(40) NOT NULL DEFAULT '',
        attributes jsonb NOT NULL DEFAULT '{}',
        updated_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT kind_and_item_id UNIQUE (kind, item_id),
        CONSTRAINT kind_is_known CHECK (kind IN ('listing', 'product', 'order', 'service', 'request')),
        CONSTRAINT price_is_whole CHECK ((price_amount_minor IS NULL) = (price_currency IS NULL))
    )
    """,
    # fillfactor: each message updates its conversation's row and its participants' rows in place.
    """
    CREATE TABLE conversation (
        id uuid PRIMARY KEY,
        context_id bigint REFERENCES context (id) ON DELETE CASCADE ON UPDATE CASCADE,
        subject varchar(200) NOT NULL DEFAULT '',
        state conversation_state NOT NULL DEFAULT 'open',
        opening_key bytea NOT NULL UNIQUE,
        last_seq bigint NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL DEFAULT now(),
        last_activity_at timestamptz NOT NULL DEFAULT now()
    ) WITH (fillfactor = 80)
    """,
    """
    CREATE TABLE participant (
        id bigserial PRIMARY KEY,
        conversation_id uuid NOT NULL REFERENCES conversation (id) ON DELETE CASCADE ON UPDATE CASCADE,
        user_id varchar(128) NOT NULL REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
        role participant_role NOT NULL,
        delivered_seq bigint NOT NULL DEFAULT 0,
        read_seq bigint NOT NULL DEFAULT 0,
        listed_at timestamptz NOT NULL DEFAULT now(),
        is_muted boolean NOT NULL DEFAULT false,
        is_archived boolean NOT NULL DEFAULT false,
        joined_at timestamptz NOT NULL DEFAULT now(),
        left_at timestamptz,
        CONSTRAINT once_per_conversation UNIQUE (conversation_id, user_id),
        CONSTRAINT positions_in_order CHECK (0 <= read_seq AND read_seq <= delivered_seq)
    ) WITH (fillfactor = 80)
    """,
    """
    CREATE TABLE message (
        id uuid PRIMARY KEY,
        conversation_id uuid NOT NULL REFERENCES conversation (id) ON DELETE CASCADE ON UPDATE CASCADE,
        seq message_seq NOT NULL,
        position bigint NOT NULL,
        sender_id varchar(128) NOT NULL REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
        client_id uuid NOT NULL,
        kind message_kind NOT NULL,
        body text NOT NULL DEFAULT '',
        context json,
        reply_to uuid REFERENCES message (id) ON DELETE CASCADE ON UPDATE CASCADE,
        draft_digest bytea,
        created_at timestamptz NOT NULL DEFAULT now(),
        edited_at timestamptz,
        deleted_at timestamptz,
        CONSTRAINT number_in_conversation UNIQUE (conversation_id, seq),
        CONSTRAINT once_per_client_id UNIQUE (sender_id, client_id),
        CONSTRAINT deleted_is_blank
            CHECK (deleted_at IS NULL OR (body = '' AND context IS NULL AND draft_digest IS NULL))
    )
    """,
    # fillfactor: one row, updated by every write, must find room on its page.
    """
    CREATE TABLE log_head (
        id only_one PRIMARY KEY DEFAULT 1,
        epoch varchar(16) NOT NULL,
        position bigint NOT NULL DEFAULT 0,
        floor bigint NOT NULL DEFAULT 0,
        system_identifier varchar(20) NOT NULL DEFAULT '',
        timeline bigint NOT NULL DEFAULT 0
    ) WITH (fillfactor = 10)
    """,
    "INSERT INTO log_head (id, epoch) VALUES (1, substr(md5(gen_random_uuid()::text), 1, 8))",
    """
    CREATE TABLE event (
        position bigint PRIMARY KEY,
        conversation_id uuid NOT NULL,
        message_id uuid,
        kind varchar(24) NOT NULL,
        audience text[] NOT NULL,
        data json NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE TABLE event_draft (
        id bigserial PRIMARY KEY,
        conversation_id uuid NOT NULL,
        message_id uuid,
        kind varchar(24) NOT NULL,
        audience text[] NOT NULL,
        data json NOT NULL
    )
    """,
    "CREATE TABLE process (id uuid PRIMARY KEY, expires_at timestamptz NOT NULL)",
    """
    CREATE TABLE presence_lease (
        id bigserial PRIMARY KEY,
        user_id varchar(128) NOT NULL REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
        process_id uuid NOT NULL REFERENCES process (id) ON DELETE CASCADE ON UPDATE CASCADE,
        CONSTRAINT once_per_process UNIQUE (user_id, process_id)
    )
    """,
    """
    CREATE TABLE stream_ticket (
        digest bytea PRIMARY KEY,
        user_id varchar(128) NOT NULL REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
        token_digest bytea NOT NULL,
        token_expires_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL
    )
    """,
    "CREATE TABLE revoked_token (digest bytea PRIMARY KEY, expires_at timestamptz NOT NULL)",
)

TABLES = (
    "revoked_token, stream_ticket, presence_lease, process, event_draft, event, log_head, message, participant, "
    "conversation, context, users"
)
DOMAINS = "conversation_state, participant_role, message_kind, message_seq, only_one"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="parley", description=__doc__)

    async def build() -> None:
        for statement in FORWARDS:
            await engine_finder().run_ddl(statement)

    async def drop() -> None:
        await engine_finder().run_ddl(f"DROP TABLE {TABLES}")
        await engine_finder().run_ddl(f"DROP DOMAIN {DOMAINS}")

    manager.add_raw(build)
    manager.add_raw_backwards(drop)
    return manager
