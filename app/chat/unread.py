"""Unread: how many messages lie beyond one's own `read_seq`. Costs what one is in, never what was said there."""

from __future__ import annotations

from app.identity import Caller
from app.schemas import ContextRef, Unread, UnreadConversation, UnreadView
from app.tables import Participant

CONVERSATIONS_MAX = 500  # listed; the totals count all

# Through participant_by_listing and the conversations' primary key.
MINE = """
FROM participant p JOIN conversation c ON c.id = p.conversation_id AND c.last_seq > p.read_seq
LEFT JOIN context x ON x.id = c.context_id
WHERE p.user_id = {} AND p.left_at IS NULL"""

TOTALS = f"SELECT p.role, sum(c.last_seq - p.read_seq)::bigint AS unread {MINE} GROUP BY p.role"

EACH = f"""
SELECT p.conversation_id, p.role, c.last_seq - p.read_seq AS unread_count {MINE}
AND ({{}}::text IS NULL OR (x.kind = {{}} AND x.item_id = {{}})) ORDER BY c.last_activity_at DESC
"""


async def totals(caller: Caller) -> Unread:
    """The caller's unread totals, over everything and per role."""
    by_role = {row["role"]: row["unread"] for row in await Participant.raw(TOTALS, caller.id)}
    return Unread(total=sum(by_role.values()), **{role: by_role.get(role, 0) for role in ("buyer", "seller", "agent")})


async def count(caller: Caller, about: ContextRef | None) -> UnreadView:
    """Unread in all, per role and per conversation; of one item's conversations, if asked."""
    kind, item_id = (about.kind, about.id) if about else (None, None)
    rows = await Participant.raw(EACH, caller.id, kind, kind, item_id)
    by_role = {
        role: sum(row["unread_count"] for row in rows if row["role"] == role) for role in ("buyer", "seller", "agent")
    }
    conversations = [UnreadConversation(**row) for row in rows[:CONVERSATIONS_MAX]]
    return UnreadView(total=sum(by_role.values()), **by_role, conversations=conversations)
