"""A lone draft and a batch are judged and written by two SQL functions: they must say and leave the very same."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from app.chat.messages.send import COMMIT, COMMIT_ONE
from tests.conftest import NewDatabase

HERE, THERE, CLOSED, NOWHERE = (uuid.UUID(int=number) for number in (1, 2, 3, 4))
FIRST, ELSEWHERE, NEW = (uuid.UUID(int=number) for number in (11, 12, 13))
USED, UNUSED = uuid.UUID(int=21), uuid.UUID(int=22)
DIGEST = b"digest"

# bea, sol and ada are here (ada archived it), and lea has left. Two messages were said long ago.
CAST = f"""
INSERT INTO users (id) VALUES ('bea'), ('sol'), ('ada'), ('lea'), ('eve'), ('shop');
INSERT INTO conversation (id, opening_key, state, last_seq) VALUES
    ('{HERE}', '1', 'open', 2), ('{THERE}', '2', 'open', 1), ('{CLOSED}', '3', 'closed', 0);
INSERT INTO participant (conversation_id, user_id, role, is_archived, listed_at, left_at) VALUES
    ('{HERE}', 'bea', 'buyer', false, now(), NULL),
    ('{HERE}', 'sol', 'seller', false, now() - interval '1 hour', NULL),
    ('{HERE}', 'ada', 'agent', true, now(), NULL),
    ('{HERE}', 'lea', 'agent', true, now() - interval '1 hour', now()),
    ('{THERE}', 'bea', 'buyer', false, now(), NULL),
    ('{CLOSED}', 'bea', 'buyer', false, now(), NULL);
INSERT INTO message (id, conversation_id, seq, position, sender_id, client_id, kind, body, draft_digest) VALUES
    ('{FIRST}', '{HERE}', 1, 1, 'bea', '{USED}', 'text', 'Hello', '{DIGEST.decode()}'),
    ('{ELSEWHERE}', '{THERE}', 1, 2, 'bea', gen_random_uuid(), 'text', 'Hello', '{DIGEST.decode()}');
UPDATE log_head SET position = 2;
"""

# Everything that a call leaves behind, but the time of day.
LEFT_BEHIND = (
    """SELECT to_jsonb(m) - 'created_at' AS row FROM message m ORDER BY id""",
    """SELECT to_jsonb(e) - 'created_at' #- '{data,message,created_at}' AS row FROM event e ORDER BY position""",
    """SELECT to_jsonb(c) - 'last_activity_at' AS row, last_activity_at > created_at AS is_active
    FROM conversation c ORDER BY id""",
    """SELECT to_jsonb(p) - 'listed_at' AS row, listed_at > now() AS is_listed_anew FROM participant p ORDER BY id""",
    "SELECT position FROM log_head",
)

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "somebody in it": ("sent", {}),
    "a stranger": ("not_found", {"sender": "eve"}),
    "somebody who left": ("not_found", {"sender": "lea"}),
    "no such conversation": ("not_found", {"conversation": NOWHERE}),
    "the shop's back end": ("sent", {"sender": "shop", "is_service": True}),
    "the back end, where nothing is": ("not_found", {"sender": "shop", "is_service": True, "conversation": NOWHERE}),
    "the same again": ("repeated", {"client_id": USED}),
    "another with the same client_id": ("message_conflict", {"client_id": USED, "digest": b"other"}),
    "the same again, from a stranger": ("sent", {"client_id": USED, "sender": "sol"}),
    "closed": ("conversation_closed", {"conversation": CLOSED}),
    "closed, for the back end": ("sent", {"conversation": CLOSED, "sender": "shop", "is_service": True}),
    "the last one was seen": ("sent", {"last_seen_seq": 2}),
    "the last one was not seen": ("conversation_moved", {"last_seen_seq": 1}),
    "an answer": ("sent", {"reply_to": FIRST}),
    "an answer to what was said elsewhere": ("reply_not_found", {"reply_to": ELSEWHERE}),
    "an answer to nothing": ("reply_not_found", {"reply_to": NOWHERE}),
    "a card": ("sent", {"kind": "card", "body": "", "context": '{"kind": "listing", "id": "42"}'}),
}


@pytest.fixture(scope="module")
async def stage(new_database: NewDatabase) -> AsyncIterator[asyncpg.Connection[Any]]:
    connection = await asyncpg.connect(await new_database())
    await connection.execute(CAST)
    yield connection
    await connection.close()


def outgoing(
    *,
    conversation: uuid.UUID = HERE,
    sender: str = "bea",
    client_id: uuid.UUID = UNUSED,
    kind: str = "text",
    body: str = "Hello",
    context: str | None = None,
    reply_to: uuid.UUID | None = None,
    digest: bytes = DIGEST,
    last_seen_seq: int | None = None,
    is_service: bool = False,
) -> tuple[Any, ...]:
    head, tail = f'{{"conversation_id":"{conversation}","message":{{"seq":', ',"created_at":"'
    said = (kind, body, context, reply_to, digest, last_seen_seq, is_service)
    return (NEW, conversation, sender, client_id, *said, head, tail)


async def outcome(stage: asyncpg.Connection[Any], statement: str, *arguments: Any) -> tuple[Any, ...]:
    """What a call answers and leaves behind. It is undone."""
    transaction = stage.transaction()
    await transaction.start()
    try:
        [row] = await stage.fetch(statement, *arguments)
        rows = [[tuple(left) for left in await stage.fetch(query)] for query in LEFT_BEHIND]
    finally:
        await transaction.rollback()
    if row["r_code"] != "sent":  # then the rest is not looked at
        return row["r_code"], row["r_code"] == "repeated" and row["r_message_id"], rows
    return row["r_code"], row["r_seq"], row["r_position"], row["r_message_id"], row["r_audience"], rows


@pytest.mark.parametrize("case", CASES)
async def test_a_lone_draft_fares_as_it_would_in_a_batch(stage: asyncpg.Connection[Any], case: str) -> None:
    code, changes = CASES[case]
    draft = outgoing(**changes)
    alone = await outcome(stage, COMMIT_ONE, *draft)
    together = await outcome(stage, COMMIT, *([value] for value in draft))
    assert code == alone[0]
    assert together == alone


async def test_the_time_that_is_answered_is_the_time_that_is_stored(stage: asyncpg.Connection[Any]) -> None:
    transaction = stage.transaction()
    await transaction.start()
    [row] = await stage.fetch(COMMIT_ONE, *outgoing())
    stored = await stage.fetchval("SELECT data #>> '{message,created_at}' FROM event ORDER BY position DESC LIMIT 1")
    at = await stage.fetchval("SELECT created_at = $1::text::timestamptz FROM message WHERE id = $2", stored, NEW)
    await transaction.rollback()
    assert (row["r_created_at"], True) == (stored, at)
