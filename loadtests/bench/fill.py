"""Large data by SQL: two conversations, one long and one short, and a seller with thousands. Knows Parley's tables.

The only module here that does. It must run before the server starts: the log is left as if all these events had been
trimmed (floor and head at the last position), which is what an old installation looks like.
"""

from __future__ import annotations

import asyncpg

from loadtests.bench.postgres import Postgres

LONG = "00000000-0000-7000-8000-000000000001"
SHORT = "00000000-0000-7000-8000-000000000002"
BUYER = "bea"
SELLER = "sol"
MESSAGES_EACH = 3  # of the seller's many conversations
STATEMENT_SECONDS = 600.0

# Keys are right by construction, so the checks of a million foreign keys are left out.
WITHOUT_CHECKS = "SET session_replication_role = replica"

PEOPLE = """
INSERT INTO users (id, name)
SELECT id, initcap(id) FROM unnest(ARRAY['bea', 'sol'] || ARRAY(SELECT 'buyer-' || n FROM generate_series(1, $1) n)) id
"""
CONTEXTS = """
INSERT INTO context (kind, item_id, title, price_amount_minor, price_currency, seller_id, state)
SELECT 'listing', n::text, 'Oak table number ' || n, 4500, 'EUR', 'sol', 'available' FROM generate_series(1, 100) n
"""
CONVERSATION = """
INSERT INTO conversation (id, opening_key, last_seq) VALUES ($1::uuid, sha256($1::text::bytea), $2)
"""
PAIR = """
INSERT INTO participant (conversation_id, user_id, role, delivered_seq, read_seq)
SELECT $1::uuid, user_id, role, $2, $2 FROM (VALUES ('bea', 'buyer'), ('sol', 'seller')) AS p (user_id, role)
"""
MESSAGES = """
INSERT INTO message (id, conversation_id, seq, position, sender_id, client_id, kind, body, draft_digest, created_at)
SELECT uuidv7(), $1::uuid, n, $3 + n, CASE WHEN n % 2 = 0 THEN 'sol' ELSE 'bea' END, gen_random_uuid(), 'text',
    'Message number ' || n || ': is the oak table still available? I could fetch it on Saturday morning.',
    sha256(n::text::bytea), now() - ($2 - n) * interval '1 second'
FROM generate_series(1, $2::bigint) n
"""
MANY_CONVERSATIONS = """
INSERT INTO conversation (id, context_id, opening_key, last_seq, created_at, last_activity_at)
SELECT ('00000000-0000-7000-9000-' || lpad(n::text, 12, '0'))::uuid, context_ids[1 + n % 100], sha256(n::text::bytea),
    $2, now() - interval '1 year', now() - n * interval '1 minute'
FROM generate_series(1, $1::int) n, (SELECT array_agg(id) AS context_ids FROM context) c
"""
MANY_PAIRS = """
INSERT INTO participant (conversation_id, user_id, role, delivered_seq, read_seq, listed_at)
SELECT ('00000000-0000-7000-9000-' || lpad(n::text, 12, '0'))::uuid, user_id, role, seq, seq,
    now() - n * interval '1 minute'
FROM generate_series(1, $1::int) n,
    LATERAL (
        VALUES ('buyer-' || n, 'buyer', $2::bigint), ('sol', 'seller', $2::bigint - n % 2)
    ) AS p (user_id, role, seq)
"""
MANY_MESSAGES = """
INSERT INTO message (id, conversation_id, seq, position, sender_id, client_id, kind, body, draft_digest, created_at)
SELECT uuidv7(), ('00000000-0000-7000-9000-' || lpad(n::text, 12, '0'))::uuid, seq, $3 + (n - 1) * $2 + seq,
    CASE WHEN seq % 2 = 0 THEN 'sol' ELSE 'buyer-' || n END, gen_random_uuid(), 'text',
    'Is the oak table still available? I could fetch it on Saturday morning.',
    sha256(n::text::bytea), now() - n * interval '1 minute'
FROM generate_series(1, $1::bigint) n, generate_series(1, $2::bigint) seq
"""
TRIMMED = "UPDATE log_head SET position = $1, floor = $1"


async def fill(postgres: Postgres, database: str, lengths: dict[str, int], conversations: int) -> None:
    """Fill a migrated, empty database. `lengths`: messages by conversation id. A million take about a minute."""
    connection = await postgres.connect(database)
    try:
        await connection.execute(WITHOUT_CHECKS)
        await connection.execute(PEOPLE, conversations, timeout=STATEMENT_SECONDS)
        await connection.execute(CONTEXTS, timeout=STATEMENT_SECONDS)
        position = await _pairs(connection, lengths)
        position = await _many(connection, conversations, position)
        await connection.execute(TRIMMED, position)
        await connection.execute("VACUUM ANALYZE", timeout=STATEMENT_SECONDS)
        await connection.execute("CHECKPOINT", timeout=STATEMENT_SECONDS)
    finally:
        await connection.close(timeout=10.0)


async def _pairs(connection: asyncpg.Connection[asyncpg.Record], lengths: dict[str, int]) -> int:
    position = 0
    for conversation_id, messages in lengths.items():
        await connection.execute(CONVERSATION, conversation_id, messages)
        await connection.execute(PAIR, conversation_id, messages)
        await connection.execute(MESSAGES, conversation_id, messages, position, timeout=STATEMENT_SECONDS)
        position += messages
    return position


async def _many(connection: asyncpg.Connection[asyncpg.Record], conversations: int, position: int) -> int:
    for statement in (MANY_CONVERSATIONS, MANY_PAIRS):
        await connection.execute(statement, conversations, MESSAGES_EACH, timeout=STATEMENT_SECONDS)
    await connection.execute(MANY_MESSAGES, conversations, MESSAGES_EACH, position, timeout=STATEMENT_SECONDS)
    return position + conversations * MESSAGES_EACH
