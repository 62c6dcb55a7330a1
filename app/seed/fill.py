"""A database filled fast, for trying out loads: made-up people, listings, conversations and messages."""

from __future__ import annotations

import time
import uuid

from app import database
from app.database import DB, transaction
from app.settings import Settings

MESSAGES_PER_CHUNK = 50_000

PEOPLE = """
INSERT INTO users (id, name)
SELECT 'buyer-' || n, 'Buyer ' || n FROM generate_series(1, $1) n
UNION ALL SELECT 'seller-' || n, 'Seller ' || n FROM generate_series(1, $2) n
ON CONFLICT DO NOTHING
"""

LISTINGS = """
INSERT INTO context (kind, item_id, title, seller_id, price_amount_minor, price_currency, state)
SELECT 'listing', 'seed-' || n, 'Listing ' || n, 'seller-' || n, 1000 + n, 'EUR', 'available'
FROM generate_series(1, $1) n ON CONFLICT DO NOTHING
"""

# Conversation n of this run is between buyer n mod buyers and seller n mod sellers.
OPENED = """
WITH opened AS (
    INSERT INTO conversation (id, context_id, opening_key, last_seq, last_activity_at)
    SELECT gen_random_uuid(), x.id, decode(md5($1 || '-' || n), 'hex'), $5, now() - n * interval '1 second'
    FROM generate_series($2::int, $3::int) n
    JOIN context x ON x.kind = 'listing' AND x.item_id = 'seed-' || (n % $4 + 1)
    RETURNING id, context_id, last_seq, last_activity_at
),
numbered AS (SELECT *, row_number() OVER () AS n FROM opened),
people AS (
    INSERT INTO participant (conversation_id, user_id, role, delivered_seq, read_seq, listed_at)
    SELECT o.id, p.user_id, p.role, p.read_seq, p.read_seq, o.last_activity_at
    FROM numbered o JOIN context x ON x.id = o.context_id CROSS JOIN LATERAL (VALUES
        ('buyer-' || ((o.n + $2::int) % $6 + 1), 'buyer', o.last_seq),
        (x.seller_id, 'seller', GREATEST(0, o.last_seq - o.n % 3))
    ) p (user_id, role, read_seq)
)
SELECT n.id, x.seller_id, 'buyer-' || ((n.n + $2::int) % $6 + 1) AS buyer_id
FROM numbered n JOIN context x ON x.id = n.context_id
"""

SAID = """
INSERT INTO message (id, conversation_id, seq, position, sender_id, client_id, kind, body, created_at)
SELECT gen_random_uuid(), c.id, seq, $5 + row_number() OVER (ORDER BY seq, c.id),
    CASE WHEN seq % 2 = 1 THEN c.buyer_id ELSE c.seller_id END,
    gen_random_uuid(), 'text', 'Message ' || seq || ' of many', now() - ($4 - seq) * interval '1 minute'
FROM unnest($1::uuid[], $2::text[], $3::text[]) c (id, buyer_id, seller_id)
CROSS JOIN generate_series(1, $4::bigint) seq
"""


async def fill(settings: Settings, *, buyers: int, sellers: int, conversations: int, messages: int) -> None:
    """Made-up people, listings, conversations and messages, fast. They are history: the log begins after them, so
    clients that were connected load their state anew."""
    await database.connect(settings)
    try:
        run = uuid.uuid4().hex
        each = max(1, messages // max(1, conversations))
        size = max(1, MESSAGES_PER_CHUNK // each)
        async with DB.pool.acquire() as connection:  # type: ignore[union-attr]
            await connection.execute(PEOPLE, buyers, sellers, timeout=600)
            await connection.execute(LISTINGS, sellers, timeout=600)
        began = time.monotonic()
        for first in range(0, conversations, size):
            last = min(first + size, conversations)
            await _fill_chunk(run, (first, last - 1), (buyers, sellers), each)
            rate = last * each / (time.monotonic() - began)
            print(f"\r{last:,} conversations, {last * each:,} messages, {rate:,.0f} per second", end="", flush=True)
        print()
        async with DB.pool.acquire() as connection:  # type: ignore[union-attr]
            await connection.execute("ANALYZE", timeout=600)  # else lists are read badly until autovacuum comes by
    finally:
        await database.disconnect()


async def _fill_chunk(run: str, span: tuple[int, int], people: tuple[int, int], each: int) -> None:
    buyers, sellers = people
    async with transaction() as begun:
        connection = begun.connection
        rows = await connection.fetch(OPENED, run, *span, sellers, each, buyers, timeout=600)
        columns = ([row["id"] for row in rows], [row["buyer_id"] for row in rows], [row["seller_id"] for row in rows])
        count = len(rows) * each
        head = await connection.fetchval(
            "UPDATE log_head SET position = position + $1, floor = position + $1 WHERE id = 1 RETURNING position", count
        )
        await connection.execute(SAID, *columns, each, head - count, timeout=600)
