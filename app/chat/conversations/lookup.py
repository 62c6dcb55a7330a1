"""Find one conversation, or page through one's own. Whoever is not in it finds nothing."""

from __future__ import annotations

import base64
import re
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from app.chat import views
from app.database import snapshot
from app.delivery import log
from app.errors import Invalid, NotFound
from app.identity import Caller
from app.schemas import ContextRef, Conversation, Conversations, ParticipantView, Role
from app.tables import Conversation as ConversationTable
from app.tables import Participant, Row

COLUMNS = f"""
    c.id, c.subject, c.state, c.last_seq, c.created_at, c.last_activity_at,
    p.read_seq, p.is_muted, p.is_archived, {views.CONTEXT_COLUMNS}, {views.MESSAGE_COLUMNS}"""

JOINS = """
LEFT JOIN context x ON x.id = c.context_id
LEFT JOIN message m ON m.conversation_id = c.id AND m.seq = c.last_seq"""

# By primary key.
ONE = f"""
SELECT {COLUMNS}, p.id AS participant_id FROM conversation c
LEFT JOIN participant p ON p.conversation_id = c.id AND p.user_id = {{}} AND p.left_at IS NULL {JOINS}
WHERE c.id = {{}}
"""

# A keyset page of one's own, newest activity first. `listed_at` is up to a minute behind (see Participant),
# so a page by participant_by_listing gives the edge, and what lies within a minute below it is sorted exactly.
PAGE = f"""
WITH edge AS (
    SELECT min(listed_at) AS listed_at FROM (
        SELECT p.listed_at FROM participant p JOIN conversation c ON c.id = p.conversation_id
        LEFT JOIN context x ON x.id = c.context_id
        WHERE p.user_id = {{}} AND p.left_at IS NULL AND %(conditions)s ORDER BY p.listed_at DESC LIMIT {{}}
    ) newest
)
SELECT {COLUMNS} FROM edge, participant p JOIN conversation c ON c.id = p.conversation_id {JOINS}
WHERE p.user_id = {{}} AND p.left_at IS NULL AND %(conditions)s AND p.listed_at >= edge.listed_at - interval '1 minute'
ORDER BY c.last_activity_at DESC, c.id DESC LIMIT {{}}
"""

# Everyone of some conversations, those who left too: their messages are still there.
PEOPLE = """
SELECT p.conversation_id, p.role, p.delivered_seq, p.read_seq, p.left_at,
    u.id AS u_id, u.name AS u_name, u.avatar_url AS u_avatar_url
FROM participant p JOIN users u ON u.id = p.user_id WHERE p.conversation_id = ANY ({}::uuid[]) ORDER BY p.id
"""

# Typo-tolerant, over the caller's own conversations only: the others' names, the item's title, the subject. Each word
# asked for is part of the text, or one of its words with one or two letters wrong, missing or swapped; a word with a
# digit is a number of something, and its neighbours are others. All texts are made together and looked at once:
# measured for 10,000 conversations and a rare word, a quarter of the CPU that it took to ask each for its own.
SEARCH = f"""
WITH mine AS MATERIALIZED (
    SELECT c.id, c.last_activity_at, c.subject, x.title
    FROM participant p JOIN conversation c ON c.id = p.conversation_id LEFT JOIN context x ON x.id = c.context_id
    WHERE p.user_id = {{}} AND p.left_at IS NULL AND %(conditions)s
),
named AS (
    SELECT o.conversation_id AS id, string_agg(u.name, ' ') AS names
    FROM mine JOIN participant o ON o.conversation_id = mine.id JOIN users u ON u.id = o.user_id
    WHERE o.user_id <> {{}} GROUP BY 1
),
texts AS MATERIALIZED (
    SELECT mine.id, last_activity_at, unaccent(lower(concat_ws(' ', subject, title, names))) AS text
    FROM mine LEFT JOIN named USING (id)
),
asked AS MATERIALIZED (
    SELECT unaccent(lower(word)) AS word,
        CASE WHEN word ~ '[0-9]' THEN 0 WHEN length(word) >= 5 THEN 2 WHEN length(word) = 4 THEN 1 ELSE 0 END AS typos
    FROM unnest({{}}::text[]) AS word
),
found AS (
    SELECT id FROM texts WHERE (SELECT bool_and(strpos(text, word) > 0 OR typos > 0 AND EXISTS (
        SELECT 1 FROM regexp_split_to_table(text, '\\W+') said
        WHERE length(said) BETWEEN length(word) - typos AND length(word) + typos
            AND levenshtein_less_equal(left(said, 60), word, typos) <= typos)) FROM asked)
    ORDER BY last_activity_at DESC, id DESC LIMIT {{}}
)
SELECT {COLUMNS} FROM found JOIN conversation c ON c.id = found.id
JOIN participant p ON p.conversation_id = c.id AND p.user_id = {{}} AND p.left_at IS NULL {JOINS}
ORDER BY c.last_activity_at DESC, c.id DESC
"""

CONDITIONS = {
    "role": "p.role = {}",
    "unread": "p.read_seq < c.last_seq",
    "archived": "p.is_archived",
    "current": "NOT p.is_archived",
    "context": "x.kind = {} AND x.item_id = {}",
    "with": """EXISTS (
        SELECT 1 FROM participant o WHERE o.conversation_id = c.id AND o.user_id = {} AND o.user_id <> p.user_id)""",
    "before": "(c.last_activity_at, c.id) < ({}, {}) AND p.listed_at <= {}",
}


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Which of the caller's conversations: all conditions together."""

    role: Role | None = None
    is_unread: bool = False
    is_archived: bool = False
    context: ContextRef | None = None
    with_user_id: str | None = None
    words: str = ""
    before: str | None = None
    limit: int = 20


async def find(caller: Caller, conversation_id: UUID) -> Row:
    """The row of a conversation the caller is in (or oversees). Raises `NotFound`."""
    rows = await ConversationTable.raw(ONE, caller.id, conversation_id)
    if not rows or (rows[0]["participant_id"] is None and not caller.is_overseer):
        raise NotFound
    found: Row = rows[0]
    return found


async def get(caller: Caller, conversation_id: UUID) -> Conversation:
    [view] = await views_of([await find(caller, conversation_id)])
    return view


async def page(caller: Caller, query: Query) -> Conversations:
    """A page of the caller's conversations, newest activity first.

    The first page carries the cursor of the same moment: what happens after it comes by stream.
    """
    async with snapshot():
        head = await log.head()
        rows = await _rows(caller.id, query)
        found = await views_of(rows[: query.limit])
    has_more = len(rows) > query.limit
    return Conversations(
        conversations=found,
        next=_keyset(rows[query.limit - 1]) if has_more else None,
        cursor=head.cursor if query.before is None else None,
    )


async def _rows(user_id: str, query: Query) -> list[Row]:
    sql, values = _where(query)
    limit = query.limit + 1
    rows: list[Row]
    if words := re.findall(r"\w+", query.words):
        rows = await Participant.raw(SEARCH % {"conditions": sql}, user_id, *values, user_id, words, limit, user_id)
    else:
        wanted = (user_id, *values, limit)
        rows = await Participant.raw(PAGE % {"conditions": sql}, *wanted, *wanted)
    return rows


async def hold(caller: Caller, conversation_id: UUID) -> Row:
    """Lock a conversation for the rest of the transaction and find it. Everything that changes it begins here."""
    await ConversationTable.raw("SELECT 1 FROM conversation WHERE id = {} FOR UPDATE", conversation_id)
    return await find(caller, conversation_id)


async def audience(conversation_id: UUID) -> list[str]:
    """Who is in a conversation now."""
    rows = (
        await Participant.select(Participant.user_id)
        .where(Participant.conversation_id == conversation_id)
        .where(Participant.left_at.is_null())
    )
    return [row["user_id"] for row in rows]


async def people(conversation_ids: list[UUID]) -> dict[UUID, list[ParticipantView]]:
    """Everyone who is or was in these conversations, in order of joining."""
    found: dict[UUID, list[ParticipantView]] = defaultdict(list)
    for row in await Participant.raw(PEOPLE, conversation_ids):
        found[row["conversation_id"]].append(views.participant(row))
    return found


def _where(query: Query) -> tuple[str, list[Any]]:
    wanted: list[tuple[str, list[Any]]] = [("archived" if query.is_archived else "current", [])]
    if query.role:
        wanted.append(("role", [query.role]))
    if query.is_unread:
        wanted.append(("unread", []))
    if query.context:
        wanted.append(("context", [query.context.kind, query.context.id]))
    if query.with_user_id:
        wanted.append(("with", [query.with_user_id]))
    if query.before:
        at, id_ = _parse_keyset(query.before)
        wanted.append(("before", [at, id_, at]))
    return " AND ".join(CONDITIONS[name] for name, _ in wanted), [value for _, values in wanted for value in values]


async def views_of(rows: list[Row]) -> list[Conversation]:
    everyone = await people([row["id"] for row in rows]) if rows else {}
    return [
        Conversation(
            id=row["id"],
            context=views.context(row),
            subject=row["subject"],
            state=row["state"],
            participants=everyone[row["id"]],
            last_seq=row["last_seq"],
            last_message=views.message(row),
            unread_count=row["last_seq"] - row["read_seq"] if row["read_seq"] is not None else 0,
            is_muted=bool(row["is_muted"]),
            is_archived=bool(row["is_archived"]),
            created_at=row["created_at"],
            last_activity_at=row["last_activity_at"],
        )
        for row in rows
    ]


_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _keyset(row: Row) -> str:
    micros = (row["last_activity_at"] - _EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(micros.to_bytes(8, "big", signed=True) + row["id"].bytes).decode().rstrip("=")


def _parse_keyset(text: str) -> tuple[datetime, UUID]:
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        return _EPOCH + timedelta(microseconds=int.from_bytes(raw[:8], "big", signed=True)), UUID(bytes=raw[8:])
    except (ValueError, OverflowError):
        raise Invalid(("before", "is not a `next` of an earlier page")) from None
