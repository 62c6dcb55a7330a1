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
    listener.signal("typing", _said(caller, conversation_id, is_typing=is_typing), others)


def has_sent(caller: Caller, conversation_id: UUID) -> None:
    """That they type, where it still waits to be told, would come after their message and stay for 6 s."""
    listener.unsay("typing", lambda: _said(caller, conversation_id, is_typing=True))


def _said(caller: Caller, conversation_id: UUID, *, is_typing: bool) -> str:
    said = Typing(conversation_id=conversation_id, user_id=caller.id, is_typing=is_typing, expires_in_ms=EXPIRES_MS)
    return msgspec.json.encode(said).decode()
