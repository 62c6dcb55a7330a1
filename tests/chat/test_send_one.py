"""A lone draft and a batch are judged and written by two SQL functions: they must say and leave the very same."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from app.chat.messages.send import COMMIT, COMMIT_ONE
from piccolo_migrations.m0010_heard import HEARD_MAX
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

OTHERS = """
WITH told AS (UPDATE log_head SET position = position + $1 RETURNING position)
INSERT INTO event (position, conversation_id, kind, audience, data)
SELECT position - $1 + n, gen_random_uuid(), 'told', '{bea}', '{"n": 1}' FROM told, generate_series(1, $1) n
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
    together = await outcome(stage, COMMIT, *([value] for value in draft), None)
    assert code == alone[0]
    assert together == alone


def columns(drafts: list[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*drafts, strict=True)]


async def together(
    stage: asyncpg.Connection[Any], cases: list[str], *, known: int | None = None, others: int = 0
) -> list[asyncpg.Record]:
    """What one call answers to drafts that are told apart by their ids, when others have told the log so many things.
    It is undone."""
    drafts = [
        outgoing(**{"client_id": uuid.UUID(int=100 + place), **CASES[case][1]}) for place, case in enumerate(cases)
    ]
    drafts = [(uuid.UUID(int=200 + place), *draft[1:]) for place, draft in enumerate(drafts)]
    transaction = stage.transaction()
    await transaction.start()
    try:
        await stage.execute(OTHERS, others)
        return list(await stage.fetch(COMMIT, *columns(drafts), known))
    finally:
        await transaction.rollback()


@pytest.mark.parametrize("cases", [list(CASES), list(reversed(CASES))], ids=["in order", "in reverse"])
async def test_a_bad_draft_never_fails_its_neighbours(stage: asyncpg.Connection[Any], cases: list[str]) -> None:
    """Each gets the code that it would get alone, in its own place; numbers and positions go by the order of those
    that are sent, without gaps."""
    rows = await together(stage, cases)
    assert list(range(1, len(cases) + 1)) == [row["r_ord"] for row in rows]
    assert [CASES[case][0] for case in cases] == [row["r_code"] for row in rows]
    sent = [(case, row) for case, row in zip(cases, rows, strict=True) if row["r_code"] == "sent"]
    assert [3 + place for place in range(len(sent))] == [row["r_position"] for _, row in sent]
    here = [row["r_seq"] for case, row in sent if CASES[case][1].get("conversation", HERE) == HERE]
    assert [3 + place for place in range(len(here))] == here
    assert [1] == [row["r_seq"] for case, row in sent if CASES[case][1].get("conversation") == CLOSED]
    [again] = [row["r_message_id"] for row in rows if row["r_code"] == "repeated"]
    assert FIRST == again


@pytest.mark.parametrize(
    ("known", "cases", "heard"),
    [
        (3, ["somebody in it", "a card"], [3, 4, 5]),
        (0, ["somebody in it"], [3, 4, 5]),  # of the first two nothing is kept
        (5, ["somebody in it"], []),
        (3, ["a stranger", "somebody in it"], [3, 4, 5]),
        (3, ["a stranger"], []),
        (None, ["somebody in it"], []),
        (5 - HEARD_MAX, ["somebody in it"], [3, 4, 5]),
        (4 - HEARD_MAX, ["somebody in it"], []),
    ],
)
async def test_behind_the_answers_stands_what_others_have_said(
    stage: asyncpg.Connection[Any], known: int | None, cases: list[str], heard: list[int]
) -> None:
    """From what the caller knows, that included, to the first that is sent; no more than a few."""
    rows = await together(stage, cases, known=known, others=3)
    own, others = rows[: len(cases)], rows[len(cases) :]
    assert [CASES[case][0] for case in cases] == [row["r_code"] for row in own]
    assert [("heard", position, "told", '{"n": 1}', ["bea"]) for position in heard] == [
        tuple(row[name] for name in ("r_code", "r_position", "r_kind", "r_data", "r_audience")) for row in others
    ]
    assert all(row["r_age"] >= 0 for row in others)


async def test_who_sends_several_has_read_up_to_the_last_of_their_own(stage: asyncpg.Connection[Any]) -> None:
    """Whatever others say in between, and wherever else the same people speak in the batch."""
    drafts = [
        (uuid.UUID(int=200 + place), *outgoing(sender=sender, conversation=where, client_id=uuid.uuid4())[1:])
        for place, (sender, where) in enumerate(
            [("bea", HERE), ("sol", HERE), ("bea", THERE), ("bea", HERE), ("sol", HERE)]
        )
    ]
    transaction = stage.transaction()
    await transaction.start()
    rows = await stage.fetch(COMMIT, *columns(drafts), None)
    positions = await stage.fetch(
        """SELECT user_id, read_seq, delivered_seq, is_archived, listed_at > now() - interval '1 minute' AS is_listed
        FROM participant WHERE conversation_id = $1 AND left_at IS NULL ORDER BY user_id""",
        HERE,
    )
    await transaction.rollback()
    assert [3, 4, 2, 5, 6] == [row["r_seq"] for row in rows]
    assert [("ada", 0, 0, False, True), ("bea", 5, 5, False, True), ("sol", 6, 6, False, True)] == [
        tuple(row) for row in positions
    ]


async def test_arrays_that_would_say_nothing_may_be_left_out(stage: asyncpg.Connection[Any]) -> None:
    said = [[value] for value in outgoing()]
    silent = [None if values == [None] else values for values in said]
    assert silent.count(None) == 3
    assert await outcome(stage, COMMIT, *silent, None) == await outcome(stage, COMMIT, *said, None)


@pytest.mark.parametrize("is_alone", [True, False], ids=["alone", "in a batch"])
async def test_the_time_that_is_answered_is_the_time_that_is_stored(
    stage: asyncpg.Connection[Any], is_alone: bool
) -> None:
    transaction = stage.transaction()
    await transaction.start()
    draft = outgoing()
    [row] = await (stage.fetch(COMMIT_ONE, *draft) if is_alone else stage.fetch(COMMIT, *columns([draft]), None))
    stored = await stage.fetchval("SELECT data #>> '{message,created_at}' FROM event ORDER BY position DESC LIMIT 1")
    at = await stage.fetchval("SELECT created_at = $1::text::timestamptz FROM message WHERE id = $2", stored, NEW)
    await transaction.rollback()
    assert (row["r_created_at"], True) == (stored, at)
