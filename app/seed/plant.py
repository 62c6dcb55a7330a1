"""Plants the demo: the cast, their items and orders, and their talk, with the times at which it was said.

Each step can be repeated: planting that was cut anywhere is done again from its beginning.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid5

import msgspec

from app import database
from app.chat import contexts, conversations, messages, receipts, users
from app.database import transaction
from app.errors import EditWindowOver
from app.schemas import (
    ConversationPatch,
    Draft,
    Opening,
    ParticipantDraft,
    ReceiptDraft,
    Sent,
)
from app.seed.cast import CAST, caller
from app.seed.items import ITEMS
from app.seed.orders import ORDERS
from app.seed.talk import TALKS, Line, Talk
from app.settings import Settings
from app.tables import Conversation

# Everything was said just now; this puts it when it is meant to have been said. All of it, by the primary keys.
BACKDATE = """
UPDATE message m SET created_at = now() - t.ago * interval '1 minute',
    edited_at = CASE WHEN edited_at IS NULL THEN NULL ELSE now() - (t.ago - 1) * interval '1 minute' END,
    deleted_at = CASE WHEN deleted_at IS NULL THEN NULL ELSE now() - (t.ago - 1) * interval '1 minute' END
FROM unnest($1::uuid[], $2::bigint[], $3::float[]) AS t (conversation_id, seq, ago)
WHERE m.conversation_id = t.conversation_id AND m.seq = t.seq
"""
BACKDATE_CONVERSATIONS = """
UPDATE conversation c SET created_at = t.first_at, last_activity_at = t.last_at
FROM (SELECT conversation_id, min(created_at) AS first_at, max(created_at) AS last_at FROM message
    WHERE conversation_id = ANY ($1::uuid[]) GROUP BY conversation_id) t
WHERE c.id = t.conversation_id
"""
BACKDATE_PEOPLE = """
UPDATE participant p SET listed_at = c.last_activity_at, joined_at = c.created_at
FROM conversation c WHERE c.id = p.conversation_id AND c.id = ANY ($1::uuid[])
"""
# When they last said something, they were last here.
BACKDATE_VISITS = """
UPDATE users u SET last_seen_at = t.last_at
FROM (SELECT sender_id, max(created_at) AS last_at FROM message WHERE kind <> 'system' GROUP BY sender_id) t
WHERE u.id = t.sender_id AND u.last_seen_at IS NULL
"""
# It is history: the log begins after it, so that no stream tells of it with the wrong time.
FORGET = "DELETE FROM event WHERE conversation_id = ANY ($1::uuid[])"
BEGIN_HERE = "UPDATE log_head SET floor = position WHERE id = 1"


class Said(NamedTuple):
    """A line that was sent, and its number."""

    conversation_id: UUID
    seq: int
    ago: float


async def plant_demo(settings: Settings) -> None:
    """The cast, their items, orders and conversations, until they are all there."""
    await database.connect(settings)
    try:
        if not await _is_planted():
            await _plant()
    finally:
        await database.disconnect()


async def _is_planted() -> bool:
    """Whether the last step was done: only that makes a conversation older than its id, in which there is a time."""
    about = Conversation.context_id
    rows = (
        await Conversation.select(Conversation.id, Conversation.created_at)
        .where(about.kind == "listing")
        .where(about.item_id == "oak-table")
    )
    return any(row["created_at"] < _born_at(row["id"]) - timedelta(hours=1) for row in rows)


def _born_at(id_: UUID) -> datetime:
    return datetime.fromtimestamp((id_.int >> 80) / 1000, UTC)


async def _plant() -> None:
    for user_id in CAST:
        await users.meet(caller(user_id))
    for item in ITEMS.values():
        await contexts.put(caller("shop"), item.ref, item.told)
    for order in ORDERS.values():
        await contexts.put(caller("shop"), order.ref, order.told())
    opened = [(await _open(talk), talk) for talk in TALKS]
    # In the order in which it was said, across conversations: the log's order is the boxes' order.
    lines = [(id_, seq, line) for id_, talk in opened for seq, line in enumerate(talk.lines, 1)]
    said = [await _say(*each) for each in sorted(lines, key=lambda each: -each[2].ago)]
    for id_, talk in opened:
        await _read(id_, talk)
    await _backdate(said)


async def _open(talk: Talk) -> UUID:
    people = [ParticipantDraft(user_id=user_id, role=role) for user_id, role in talk.people.items()]
    opening = Opening(context=talk.about, participants=people, subject=talk.subject)
    opened, _ = await conversations.open_or_get(caller("shop"), opening)
    return opened.conversation.id


async def _say(conversation_id: UUID, seq: int, line: Line) -> Said:
    if line.joins is not None:
        newcomer = ParticipantDraft(user_id=line.who, role=line.joins)
        await conversations.join(caller("shop"), conversation_id, newcomer)
        return Said(conversation_id, seq, line.ago)
    draft = _draft(line, uuid5(conversation_id, str(seq)))
    sent = await messages.send(caller(line.who), conversation_id, draft, is_counted=True)
    message = msgspec.json.decode(sent.json, type=Sent).message
    if message.edited_at is None and message.deleted_at is None:
        with suppress(EditWindowOver):  # cut just here, and begun again a day later
            await _change(line, message.id)
    return Said(conversation_id, message.seq, line.ago)


async def _change(line: Line, message_id: UUID) -> None:
    if line.then == "edited":
        await messages.edit(caller(line.who), message_id, line.body)
    elif line.then == "unsent":
        await messages.unsend(caller(line.who), message_id)


def _draft(line: Line, client_id: UUID) -> Draft:
    if line.card is not None:
        return Draft(client_id=client_id, kind="card", body=line.body, context=line.card)
    body = line.body.rstrip(".") if line.then == "edited" else line.body
    return Draft(client_id=client_id, kind="system" if line.who == "shop" else "text", body=body)


async def _read(conversation_id: UUID, talk: Talk) -> None:
    everyone = {*talk.people, *(line.who for line in talk.lines if line.joins)}
    for user_id in everyone:
        seq = len(talk.lines) - talk.unread.get(user_id, 0)
        await receipts.move(caller(user_id), conversation_id, ReceiptDraft(delivered_seq=len(talk.lines), read_seq=seq))
    for user_id in talk.is_archived_by:
        await conversations.change(caller(user_id), conversation_id, ConversationPatch(is_archived=True))


async def _backdate(said: list[Said]) -> None:
    ids = list({one.conversation_id for one in said})
    async with transaction() as begun:
        await begun.connection.execute(BACKDATE, *map(list, zip(*said, strict=True)))
        for statement in (BACKDATE_CONVERSATIONS, BACKDATE_PEOPLE, FORGET):
            await begun.connection.execute(statement, ids)
        for statement in (BACKDATE_VISITS, BEGIN_HERE):
            await begun.connection.execute(statement)
