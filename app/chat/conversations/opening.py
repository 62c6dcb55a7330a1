"""Open a conversation or get the one that exists."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import msgspec

from app.chat import contexts, ids, rules, users
from app.chat.conversations import lookup, people
from app.chat.messages.send import count
from app.database import snapshot, transaction
from app.delivery import log
from app.errors import Invalid, NotFound
from app.identity import Caller
from app.limits import OPENINGS
from app.schemas import ContextView, Conversation, ConversationOpened, Opened, Opening, Role
from app.tables import Conversation as ConversationTable
from app.tables import Participant, User

# By the unique opening_key: of two at once, the second waits for the first and then finds it.
OPEN = """
INSERT INTO conversation (id, context_id, subject, opening_key) VALUES ({}, {}, {}, {})
ON CONFLICT (opening_key) DO NOTHING RETURNING id
"""

ADD = """
INSERT INTO participant (conversation_id, user_id, role, is_appointed, listed_at)
SELECT c.id, n.user_id, n.role, {}, c.last_activity_at
FROM conversation c, unnest({}::text[], {}::text[]) AS n (user_id, role) WHERE c.id = {}
"""

# By the participant key; of somebody who left too.
ROLE = "SELECT role FROM participant WHERE conversation_id = {} AND user_id = {}"


async def open_or_get(caller: Caller, opening: Opening) -> tuple[Opened, bool]:
    """The conversation of these people about this item, and whether it is new.

    An order's conversation is one, whoever comes into it: people the shop names anew join it. Somebody who left and
    opens it again is back in it as what they were; who was taken out is not. Raises `NotFound` for an unknown item or
    person, `Forbidden` for who was taken out, and what the rules raise.
    """
    context_id, context = await contexts.find(opening.context) if opening.context else (None, None)
    if context is not None and context.kind == "order" and not caller.is_service:
        return await _get(caller, await _of_order(caller, context)), False
    named = _named(opening)
    people_ = rules.people_of_opening(caller, context, named)
    key = rules.opening_key(context, people_)
    conversation_id = await _existing(key)
    is_new = conversation_id is None
    if conversation_id is None:
        if not caller.is_service:
            await OPENINGS.spend(caller.id)
        await _meet_everyone(caller, people_)
        conversation_id, is_new = await _open(caller, context_id, opening.subject, key, people_)
    if not is_new:
        await _bring_back(caller, conversation_id, people_, named or {})
    return await _get(caller, conversation_id), is_new


def _named(opening: Opening) -> dict[str, Role | None] | None:
    if opening.participants is None:
        return None
    named = {draft.user_id: None if draft.role is msgspec.UNSET else draft.role for draft in opening.participants}
    if len(named) < len(opening.participants):
        raise Invalid(("participants", "names somebody twice"))
    return named


async def _of_order(caller: Caller, context: ContextView) -> UUID:
    """An order's conversation, for someone who is in it, or was and is then back."""
    conversation_id = await _existing(rules.opening_key(context, {}))
    rows = await Participant.raw(ROLE, conversation_id, caller.id)
    if conversation_id is None or not rows:
        raise NotFound(f"The shop has not told of the order {context.id!r}.")  # as if there were no such order
    await _bring_back(caller, conversation_id, {caller.id: rows[0]["role"]}, {})
    return conversation_id


async def _existing(key: bytes) -> UUID | None:
    row = await ConversationTable.select(ConversationTable.id).where(ConversationTable.opening_key == key).first()
    return row["id"] if row else None


async def _meet_everyone(caller: Caller, people_: Mapping[str, Role]) -> None:
    """The shop may name people before their first visit; anybody else only people that are known."""
    if caller.is_service:
        await users.introduce(people_)
    elif await User.count().where(User.id.is_in(list(people_))) < len(people_):
        raise NotFound("There is no such person here.")


async def _open(
    caller: Caller, context_id: int | None, subject: str, key: bytes, people_: Mapping[str, Role]
) -> tuple[UUID, bool]:
    async with transaction():
        rows = await ConversationTable.raw(OPEN, ids.new(), context_id, subject, key)
        if rows:
            conversation_id: UUID = rows[0]["id"]
            await Participant.raw(ADD, caller.is_service, list(people_), list(people_.values()), conversation_id)
            await log.tell([await opened_fact(conversation_id, list(people_))])
            return conversation_id, True
    existing = await _existing(key)
    assert existing is not None
    return existing, False


async def opened_fact(conversation_id: UUID, audience: list[str]) -> log.Fact:
    """`conversation.opened`, the same for all of the audience: nothing read, muted or archived by them yet.

    Without the last message, whose body must not be in the log twice; someone who joins gets the notice of it next.
    """
    [row] = await ConversationTable.raw(lookup.ONE, "", conversation_id)
    [view] = await lookup.views_of([row])
    view = msgspec.structs.replace(view, last_message=None)
    data = msgspec.json.encode(ConversationOpened(conversation_id=conversation_id, conversation=view))
    return log.Fact("conversation.opened", conversation_id, audience, data)


async def _bring_back(
    caller: Caller, conversation_id: UUID, people_: Mapping[str, Role], named: Mapping[str, Role | None]
) -> None:
    """Who is meant to be in it and is not, joins: the caller, or everyone the shop names."""
    inside = set(await lookup.audience(conversation_id))
    for user_id, role in people_.items():
        if user_id not in inside and (caller.is_service or user_id == caller.id):
            await count(caller)
            await users.introduce([user_id])
            is_role_said = named.get(user_id) is not None
            await people.add(caller, conversation_id, user_id, role, is_role_said=is_role_said)


async def _get(caller: Caller, conversation_id: UUID) -> Opened:
    async with snapshot():
        head = await log.head()
        conversation: Conversation = await lookup.get(caller, conversation_id)
    return Opened(conversation=conversation, message=None, cursor=head.cursor)
