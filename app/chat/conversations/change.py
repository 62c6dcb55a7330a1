"""Change a conversation: mute and archive for oneself, open and close for everyone."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from app.chat.conversations import lookup
from app.chat.messages.send import count
from app.database import transaction
from app.delivery import log
from app.errors import Invalid
from app.identity import Caller
from app.schemas import Conversation, ConversationChanged, ConversationPatch
from app.tables import Conversation as ConversationTable
from app.tables import Participant


async def change(caller: Caller, conversation_id: UUID, patch: ConversationPatch) -> Conversation:
    """Apply a patch and tell what really changed: one's own wishes to oneself, the state to everyone in it."""
    if patch.state is not msgspec.UNSET:
        await count(caller)
    async with transaction():
        row = await lookup.hold(caller, conversation_id)
        wanted = {key: value for key, value in msgspec.structs.asdict(patch).items() if value is not msgspec.UNSET}
        changes = {key: value for key, value in wanted.items() if row[key] != value}
        own: dict[Any, Any] = {key: value for key, value in changes.items() if key != "state"}
        if own and row["participant_id"] is None:
            raise Invalid(*((field, "is for participants") for field in own))
        facts = []
        if own:
            await Participant.update(own).where(Participant.id == row["participant_id"])
            facts.append(_fact(conversation_id, [caller.id], own))
        if "state" in changes:
            await ConversationTable.update(state=changes["state"]).where(ConversationTable.id == conversation_id)
            facts.append(_fact(conversation_id, await lookup.audience(conversation_id), {"state": changes["state"]}))
        await log.tell(facts)
    return await lookup.get(caller, conversation_id)


def _fact(conversation_id: UUID, audience: list[str], changes: dict[str, object]) -> log.Fact:
    data = msgspec.json.encode(ConversationChanged(conversation_id=conversation_id, **changes))  # type: ignore[arg-type]
    return log.Fact("conversation.changed", conversation_id, audience, data)
