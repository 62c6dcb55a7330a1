"""A line in the thread that nobody typed: somebody joined or left."""

from __future__ import annotations

from uuid import UUID

import msgspec

from app.chat import ids
from app.delivery import log
from app.schemas import Message, MessageEvent
from app.tables import Message as MessageTable
from app.tables import User

# Numbers it and moves everyone's row along, like a sent message does; the person it is about has read it.
WRITE = """
WITH moved AS (
    UPDATE conversation SET last_seq = last_seq + 1, last_activity_at = clock_timestamp() WHERE id = {}
    RETURNING id, last_seq, last_activity_at
),
told AS (
    UPDATE participant p SET listed_at = m.last_activity_at, is_archived = false,
        read_seq = CASE WHEN p.user_id = {} THEN m.last_seq ELSE p.read_seq END,
        delivered_seq = CASE WHEN p.user_id = {} THEN m.last_seq ELSE p.delivered_seq END
    FROM moved m WHERE p.conversation_id = m.id AND p.left_at IS NULL
    RETURNING p.user_id
),
written AS (
    INSERT INTO message (id, conversation_id, seq, position, sender_id, client_id, kind, body, created_at)
    SELECT {}, id, last_seq, 0, {}, {}, 'system', {}, last_activity_at FROM moved
)
SELECT last_seq, last_activity_at, ARRAY(SELECT user_id::text FROM told) AS audience FROM moved
"""


async def write(conversation_id: UUID, user_id: str, verb: str) -> log.Fact:
    """Write "Sol joined" into a held conversation, and return what to tell. Its position comes at the commit."""
    person = await User.select(User.name).where(User.id == user_id).first()
    body = f"{(person and person['name']) or user_id} {verb}"
    id_, client_id = ids.new(), ids.new()
    [row] = await MessageTable.raw(WRITE, conversation_id, user_id, user_id, id_, user_id, client_id, body)
    message = Message(
        id=id_,
        conversation_id=conversation_id,
        seq=row["last_seq"],
        sender_id=user_id,
        client_id=client_id,
        kind="system",
        body=body,
        context=None,
        reply_to=None,
        created_at=row["last_activity_at"],
        edited_at=None,
        deleted_at=None,
    )
    data = msgspec.json.encode(MessageEvent(conversation_id=conversation_id, message=message))
    return log.Fact("message.sent", conversation_id, row["audience"], data, id_)
