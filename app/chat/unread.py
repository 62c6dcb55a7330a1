"""Unread: how many messages lie beyond one's own `read_seq`. Read from participant_unread, which holds only that."""

from __future__ import annotations

from app.identity import Caller
from app.schemas import ContextRef, Unread, UnreadConversation, UnreadView
from app.tables import Participant

CONVERSATIONS_MAX = 500  # listed; the totals count all

TOTALS = """
SELECT role, sum(last_seq - read_seq)::bigint AS unread FROM participant
WHERE user_id = {} AND left_at IS NULL AND read_seq < last_seq GROUP BY role
"""

EACH = """
SELECT p.conversation_id, p.role, p.last_seq - p.read_seq AS unread_count FROM participant p
WHERE p.user_id = {} AND p.left_at IS NULL AND p.read_seq < p.last_seq ORDER BY p.last_activity_at DESC
"""

# Through conversation_by_context.
EACH_ABOUT = """
SELECT p.conversation_id, p.role, p.last_seq - p.read_seq AS unread_count
FROM context x JOIN conversation c ON c.context_id = x.id JOIN participant p ON p.conversation_id = c.id
WHERE p.user_id = {} AND p.left_at IS NULL AND p.read_seq < p.last_seq AND x.kind = {} AND x.item_id = {}
ORDER BY p.last_activity_at DESC
"""


async def totals(caller: Caller) -> Unread:
    """The caller's unread totals, over everything and per role."""
    by_role = {row["role"]: row["unread"] for row in await Participant.raw(TOTALS, caller.id)}
    return Unread(total=sum(by_role.values()), **{role: by_role.get(role, 0) for role in ("buyer", "seller", "agent")})


async def count(caller: Caller, about: ContextRef | None) -> UnreadView:
    """Unread in all, per role and per conversation; of one item's conversations, if asked."""
    rows = await (
        Participant.raw(EACH, caller.id)
        if about is None
        else Participant.raw(EACH_ABOUT, caller.id, about.kind, about.id)
    )
    by_role = {
        role: sum(row["unread_count"] for row in rows if row["role"] == role) for role in ("buyer", "seller", "agent")
    }
    conversations = [UnreadConversation(**row) for row in rows[:CONVERSATIONS_MAX]]
    return UnreadView(total=sum(by_role.values()), **by_role, conversations=conversations)
