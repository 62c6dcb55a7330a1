"""Edit and unsend. An unsent body is gone from everywhere: the table, the log, and every process's tail."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from app.chat import rules
from app.chat.conversations import lookup
from app.chat.messages import pages
from app.chat.messages.send import count
from app.database import transaction
from app.delivery import log
from app.errors import NotFound
from app.identity import Caller
from app.schemas import Message, MessageEvent
from app.tables import Message as MessageTable
from app.tables import Row


async def edit(caller: Caller, message_id: UUID, body: str) -> Message:
    """Change the body of one's own message, within 15 minutes. Sending the same body again changes nothing."""
    await count(caller)
    async with transaction():
        conversation, message = await _hold(caller, message_id)
        rules.check_edit(caller, message, conversation["state"], datetime.now(UTC))
        rules.check_body(message["kind"], body)
        if body != message["body"]:
            await _write(message, "message.edited", {"body": body, "edited_at": datetime.now(UTC)})
        view, _ = await pages.with_position(message_id)
    return view


async def unsend(caller: Caller, message_id: UUID) -> Message:
    """Take back one's own message, within 24 hours; its place in the thread stays, blank. Repeating is harmless."""
    async with transaction():
        _, message = await _hold(caller, message_id)
        if message["deleted_at"] is None:
            rules.check_unsend(caller, message, datetime.now(UTC))
            blank = {"body": "", "context": None, "draft_digest": None, "deleted_at": datetime.now(UTC)}
            data = await _write(message, "message.deleted", blank)
            await log.blank(message["position"], message_id, data)
        view, _ = await pages.with_position(message_id)
    return view


async def _hold(caller: Caller, message_id: UUID) -> tuple[Row, Row]:
    """Lock the message's conversation and find both."""
    known = await MessageTable.select(MessageTable.conversation_id).where(MessageTable.id == message_id).first()
    if known is None:
        raise NotFound
    conversation = await lookup.hold(caller, known["conversation_id"])
    message = await MessageTable.select().where(MessageTable.id == message_id).first()
    assert message is not None  # messages are never removed, only blanked
    return conversation, message


async def _write(message: Row, kind: str, changes: dict[Any, Any]) -> bytes:
    """Change the row and tell everyone in the conversation. Returns the event's JSON."""
    await MessageTable.update(changes).where(MessageTable.id == message["id"])
    view, _ = await pages.with_position(message["id"])
    conversation_id = message["conversation_id"]
    data = msgspec.json.encode(MessageEvent(conversation_id=conversation_id, message=view))
    audience = await lookup.audience(conversation_id)
    await log.tell([log.Fact(kind, conversation_id, audience, data, message["id"])])
    return data
