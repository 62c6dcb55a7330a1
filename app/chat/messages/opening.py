"""Open a conversation and say the first thing in it."""

from __future__ import annotations

from uuid import UUID

import msgspec

from app.chat import contexts, conversations, rules
from app.chat.messages import pages
from app.chat.messages.send import count, send
from app.database import snapshot
from app.delivery import log
from app.errors import Invalid, NotFound
from app.identity import Caller
from app.schemas import Opened, Opening, Sent


async def open_with(caller: Caller, opening: Opening) -> tuple[Opened, bool]:
    """Open or get the conversation, and send its `message` if it has one; whether the conversation is new.

    A message that would be refused for what it is opens nothing. Repeated after a lost answer, the message is the first
    result again.
    """
    if opening.message is None:
        return await conversations.open_or_get(caller, opening)
    rules.check_draft(caller, opening.message)
    if opening.message.context is not None:
        await contexts.get(caller, opening.message.context)
    if opening.message.reply_to is not None:
        await _check_reply(caller, opening.message.reply_to)
    await count(caller)
    opened, is_new = await conversations.open_or_get(caller, opening)
    sent = await send(caller, opened.conversation.id, opening.message, is_counted=True)
    async with snapshot():
        head = await log.head()
        conversation = await conversations.get(caller, opened.conversation.id)
    message = msgspec.json.decode(sent.json, type=Sent).message
    return Opened(conversation=conversation, message=message, cursor=head.cursor), is_new


async def _check_reply(caller: Caller, message_id: UUID) -> None:
    """What is answered must at least be there for the caller; whether it is in this conversation, sending tells."""
    try:
        await pages.get(caller, message_id)
    except NotFound:
        raise Invalid(("reply_to", "is not a message of this conversation")) from None
