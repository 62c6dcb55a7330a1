"""Typing: a signal to the others in the conversation. Never stored; whoever hears it lets it go after 6 s."""

from __future__ import annotations

from uuid import UUID

import msgspec

from app.chat.conversations import lookup
from app.delivery import listener
from app.errors import ConversationClosed, NotFound
from app.identity import Caller
from app.schemas import Typing

EXPIRES_MS = 6_000


async def set_typing(caller: Caller, conversation_id: UUID, *, is_typing: bool) -> None:
    """Tell the others, at every process. A page repeats it every few seconds while its person types."""
    row = await lookup.find(caller, conversation_id)
    if row["participant_id"] is None:
        raise NotFound("Only participants type.")
    if row["state"] == "closed":
        raise ConversationClosed
    others = [user_id for user_id in await lookup.audience(conversation_id) if user_id != caller.id]
    said = Typing(conversation_id=conversation_id, user_id=caller.id, is_typing=is_typing, expires_in_ms=EXPIRES_MS)
    listener.signal("typing", msgspec.json.encode(said).decode(), others)
