"""Scenario `insert`: what Postgres does for a message beyond storing its rows.

Our server takes messages from 16 senders; then the very rows that this made are inserted again by a bare program: into
tables with the same columns and indexes but without triggers, foreign keys and checks, by one statement and one
transaction a batch, in batches of the size that ours had on average. It locks, numbers, deduplicates and tells nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from loadtests.bench import servers
from loadtests.bench.client import Call, call
from loadtests.bench.load import Stage, closed_loop, delivered, stage_of_pairs
from loadtests.bench.meter import Cost, metered, settled
from loadtests.bench.report import Report, Row, told
from loadtests.bench.servers import Bench, Server

CONVERSATIONS = 200
WARM_UP_SECONDS = 1.5

TABLES = """
CREATE TABLE bare_message (LIKE message INCLUDING DEFAULTS INCLUDING INDEXES);
CREATE TABLE bare_event (LIKE event INCLUDING DEFAULTS INCLUDING INDEXES)
"""
HEAD = "SELECT position FROM log_head"
# What was sent since a position, as arrays want it.
ROWS = """
SELECT m.id, m.conversation_id, m.seq, m.position, m.sender_id, m.client_id, m.kind::text, m.body, m.draft_digest,
    m.created_at, e.kind AS event_kind, e.audience::text, e.data::text
FROM message m JOIN event e USING (position) WHERE position > $1 ORDER BY position
"""
INSERT = """
WITH given AS (
    SELECT * FROM unnest(
        $1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::text[], $6::uuid[], $7::text[], $8::text[],
        $9::bytea[], $10::timestamptz[], $11::text[], $12::text[], $13::text[]
    ) AS g (
        id, conversation_id, seq, position, sender_id, client_id, kind, body,
        draft_digest, created_at, event_kind, audience, data
    )
),
stored AS (
    INSERT INTO bare_message (
        id, conversation_id, seq, position, sender_id, client_id, kind, body, draft_digest, created_at
    )
    SELECT id, conversation_id, seq, position, sender_id, client_id, kind, body, draft_digest, created_at FROM given
)
INSERT INTO bare_event (position, conversation_id, message_id, kind, audience, data, created_at)
SELECT position, conversation_id, id, event_kind, audience::text[], data::json, created_at FROM given
"""


@dataclass
class Sum:
    """Messages stored, in how many batches, and the CPU that Postgres took for it."""

    messages: int = 0
    batches: float = 0.0
    cost: Cost = field(default_factory=Cost)

    @property
    def postgres_us(self) -> float:
        return self.cost.postgres_cpu / max(1, self.messages) * 1e6

    @property
    def batch(self) -> float:
        return self.messages / max(1.0, self.batches)

    def as_json(self) -> dict[str, Any]:
        derived = {"messages": self.messages, "batch": self.batch, "postgres_us": self.postgres_us}
        return {**derived, **self.cost.as_json()}


async def measure(bench: Bench, report: Report) -> list[Row]:
    """Ours and the bare program in turn."""
    seconds, rounds = (2.0, 1) if bench.is_quick else (4.0, 4)
    ours, bare = Sum(), Sum()
    async with servers.parley(bench) as server:
        stage = await stage_of_pairs(server, CONVERSATIONS)
        connection = await bench.postgres.connect(server.database)
        try:
            await connection.execute(TABLES)
            await delivered(stage, closed_loop(stage, WARM_UP_SECONDS))
            for _ in range(rounds):
                await settled(bench, server)
                rows = await _ours(bench, stage, connection, ours, seconds)
                await settled(bench, server)
                await _bare(bench, server, connection, bare, _batches(rows, max(1, round(ours.batch))))
        finally:
            await connection.close(timeout=10.0)
    report.raw["insert"] = {"parley": ours.as_json(), "bare": bare.as_json()}
    return [
        told(
            "CPU of Postgres per message, of a bare insert's of the same rows",
            ours.postgres_us / bare.postgres_us,
            " ×",
        ),
        told("  CPU of Postgres per message: parley", ours.postgres_us, " µs"),
        told("  CPU of Postgres per message: bare insert", bare.postgres_us, " µs"),
        told("  messages committed together: parley", ours.batch),
        told("  messages committed together: bare insert", bare.batch),
        told(
            "  messages stored a second by the bare insert, one batch after the other",
            bare.messages / bare.cost.seconds,
        ),
    ]


async def _ours(
    bench: Bench, stage: Stage, connection: asyncpg.Connection[asyncpg.Record], ours: Sum, seconds: float
) -> list[asyncpg.Record]:
    """The rows that a load made."""
    position, batches = await connection.fetchval(HEAD), await _batch_count(stage.server)
    stage.forget()
    with metered(bench, stage.server) as cost:
        await delivered(stage, closed_loop(stage, seconds))
    rows = await connection.fetch(ROWS, position)
    ours.messages += len(rows)
    ours.batches += await _batch_count(stage.server) - batches
    ours.cost.add(cost)
    return rows


async def _bare(
    bench: Bench,
    server: Server,
    connection: asyncpg.Connection[asyncpg.Record],
    bare: Sum,
    batches: list[list[list[Any]]],
) -> None:
    statement = await connection.prepare(INSERT)
    with metered(bench, server) as cost:
        for columns in batches:
            await statement.fetch(*columns)
    bare.messages += sum(len(columns[0]) for columns in batches)
    bare.batches += len(batches)
    bare.cost.add(cost)


def _batches(rows: list[asyncpg.Record], size: int) -> list[list[list[Any]]]:
    """Batches of so many rows, column by column."""
    slices: Iterator[list[asyncpg.Record]] = (rows[start : start + size] for start in range(0, len(rows), size))
    return [[list(column) for column in zip(*(tuple(row.values()) for row in some), strict=True)] for some in slices]


async def _batch_count(server: Server) -> float:
    """Batches that the server's writer has committed."""
    _, body = await call(server.port, Call("GET", "/metrics"))
    name = b'parley_batch_size_count{writer="send"} '
    return next(float(line.removeprefix(name)) for line in body.splitlines() if line.startswith(name))
