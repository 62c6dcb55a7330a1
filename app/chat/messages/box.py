"""The boxes: what came in and what went out, across all of one's conversations, newest first."""

from __future__ import annotations

from typing import Literal

from app.chat import views
from app.errors import Invalid
from app.identity import Caller
from app.schemas import Box
from app.tables import Message

POSITION_END = 2**63 - 1
POSITION_DIGITS_MAX = 18

# By message_by_sender.
SENT = f"""
SELECT {views.MESSAGE_COLUMNS} FROM message m
JOIN participant p ON p.conversation_id = m.conversation_id AND p.user_id = m.sender_id AND p.left_at IS NULL
WHERE m.sender_id = {{}} AND m.position < {{}} AND m.kind <> 'system' ORDER BY m.position DESC LIMIT {{}}
"""

# First the conversations with the newest messages before the position, then the newest messages of those few: the page
# lies within them. Both by message_by_position, so neither grows with the length of a conversation.
INBOX = f"""
SELECT {views.MESSAGE_COLUMNS} FROM (
    SELECT p.conversation_id FROM participant p
    CROSS JOIN LATERAL (
        SELECT position FROM message n WHERE n.conversation_id = p.conversation_id AND n.position < {{}}
        AND n.sender_id <> p.user_id AND n.kind <> 'system' ORDER BY n.position DESC LIMIT 1
    ) newest
    WHERE p.user_id = {{}} AND p.left_at IS NULL ORDER BY newest.position DESC LIMIT {{}}
) c
CROSS JOIN LATERAL (
    SELECT * FROM message n WHERE n.conversation_id = c.conversation_id AND n.position < {{}}
    AND n.sender_id <> {{}} AND n.kind <> 'system' ORDER BY n.position DESC LIMIT {{}}
) m
ORDER BY m.position DESC LIMIT {{}}
"""


async def box(caller: Caller, which: Literal["inbox", "sent"], before: str | None, limit: int) -> Box:
    """A page of messages from others, or of one's own; lines like "Sol joined" are in neither."""
    position, count = _position(before), limit + 1
    if which == "sent":
        rows = await Message.raw(SENT, caller.id, position, count)
    else:
        rows = await Message.raw(INBOX, position, caller.id, count, position, caller.id, count, count)
    page = [view for row in rows[:limit] if (view := views.message(row)) is not None]
    return Box(messages=page, next=str(rows[limit - 1]["m_position"]) if len(rows) > limit else None)


def _position(before: str | None) -> int:
    if before is None:
        return POSITION_END
    if not (before.isascii() and before.isdigit() and len(before) <= POSITION_DIGITS_MAX):
        raise Invalid(("before", "is not a `next` of an earlier page"))
    return int(before)
