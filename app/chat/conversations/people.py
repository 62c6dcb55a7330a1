"""Join and leave. Everyone in the conversation sees it, by an event and by a line in the thread."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from app.chat import users, views
from app.chat.conversations import lookup, opening
from app.chat.messages import notice
from app.chat.messages.send import count
from app.database import transaction
from app.delivery import log
from app.errors import Forbidden, Invalid, NotFound
from app.identity import Caller
from app.schemas import PARTICIPANTS_MAX, Conversation, ParticipantDraft, ParticipantJoined, ParticipantLeft, Role
from app.tables import Participant, Row, User

# Joining begins at the present: what was said before can be read, but is not unread. Who comes back is what they were
# before, unless it is said.
JOIN = """
INSERT INTO participant (conversation_id, user_id, role, is_appointed, delivered_seq, read_seq, listed_at)
SELECT id, {}, {}, {}, last_seq, last_seq, last_activity_at FROM conversation WHERE id = {}
ON CONFLICT (conversation_id, user_id) DO UPDATE SET
    role = CASE WHEN {} THEN EXCLUDED.role ELSE participant.role END,
    is_appointed = participant.is_appointed OR EXCLUDED.is_appointed,
    left_at = NULL, joined_at = now(), is_muted = false, is_archived = false, delivered_seq = EXCLUDED.delivered_seq,
    read_seq = EXCLUDED.read_seq, listed_at = EXCLUDED.listed_at
"""

LEAVE = """
UPDATE participant SET left_at = clock_timestamp(), was_taken_out = {}
WHERE conversation_id = {} AND user_id = {} AND left_at IS NULL RETURNING left_at
"""

# By the participant key.
WAS_TAKEN_OUT = "SELECT 1 FROM participant WHERE conversation_id = {} AND user_id = {} AND was_taken_out"


async def join(caller: Caller, conversation_id: UUID, draft: ParticipantDraft) -> tuple[Conversation, bool]:
    """Bring someone into a conversation; whether they are new in it. The shop, moderators and appointed agents may."""
    if draft.role is msgspec.UNSET:
        raise Invalid(("role", "is needed"))
    await _may_bring(caller, conversation_id)
    if caller.is_service:
        await users.introduce([draft.user_id])
    elif not await User.exists().where(User.id == draft.user_id):
        raise NotFound("There is no such person here.")
    await count(caller)
    has_joined = await add(caller, conversation_id, draft.user_id, draft.role, is_role_said=True)
    return await lookup.get(caller, conversation_id), has_joined


async def leave(caller: Caller, conversation_id: UUID, user_id: str) -> None:
    """Leave, or take someone out of, a conversation. What they wrote stays. Raises `NotFound` for who is not in it."""
    if user_id == caller.id:
        await lookup.find(caller, conversation_id)
    else:
        await _may_bring(caller, conversation_id)
    await count(caller)
    async with transaction():
        await lookup.hold(caller, conversation_id)
        before = await lookup.audience(conversation_id)
        rows = await Participant.raw(LEAVE, user_id != caller.id, conversation_id, user_id)
        if not rows:
            raise NotFound
        await log.tell(
            [
                _left(conversation_id, before, user_id, rows[0]["left_at"]),
                await notice.write(conversation_id, user_id, "left"),
            ]
        )


async def add(caller: Caller, conversation_id: UUID, user_id: str, role: Role, *, is_role_said: bool) -> bool:
    """Let someone into a conversation; False when they are in it already. Of who may do that only this is asked here:
    somebody who was taken out does not come back by themselves (`Forbidden`)."""
    async with transaction():
        await Participant.raw("SELECT 1 FROM conversation WHERE id = {} FOR UPDATE", conversation_id)
        inside = await lookup.audience(conversation_id)
        if user_id in inside:
            return False
        comes_alone = user_id == caller.id and not caller.is_overseer
        if comes_alone and await Participant.raw(WAS_TAKEN_OUT, conversation_id, user_id):
            raise Forbidden("You were taken out of this conversation. Only others can bring you back.")
        if len(inside) >= PARTICIPANTS_MAX:
            raise Invalid(("participants", f"a conversation has at most {PARTICIPANTS_MAX} people"))
        await Participant.raw(JOIN, user_id, role, user_id != caller.id, conversation_id, is_role_said)
        await log.tell(
            [
                await _joined(conversation_id, inside, user_id),
                await opening.opened_fact(conversation_id, [user_id]),
                await notice.write(conversation_id, user_id, "joined"),
            ]
        )
    return True


async def _may_bring(caller: Caller, conversation_id: UUID) -> Row:
    row = await lookup.find(caller, conversation_id)
    is_agent = (Participant.role == "agent") & (Participant.is_appointed.eq(True))
    if not caller.is_overseer and not await Participant.exists().where(
        (Participant.id == row["participant_id"]) & is_agent
    ):
        raise Forbidden("Only the shop's back end, or an agent whom it appointed, brings people in or takes them out.")
    return row


async def _joined(conversation_id: UUID, audience: list[str], user_id: str) -> log.Fact:
    rows = await Participant.raw(lookup.PEOPLE, [conversation_id])
    [newcomer] = [views.participant(row) for row in rows if row["u_id"] == user_id]
    data = msgspec.json.encode(ParticipantJoined(conversation_id=conversation_id, participant=newcomer))
    return log.Fact("participant.joined", conversation_id, audience, data)


def _left(conversation_id: UUID, audience: list[str], user_id: str, left_at: datetime) -> log.Fact:
    data = msgspec.json.encode(ParticipantLeft(conversation_id=conversation_id, user_id=user_id, left_at=left_at))
    return log.Fact("participant.left", conversation_id, audience, data)
