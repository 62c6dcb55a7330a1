"""The history: pages by `seq`, and one message. A page costs the same however long the conversation is."""

from __future__ import annotations

from uuid import UUID

from app.chat import views
from app.chat.conversations import lookup
from app.errors import NotFound
from app.identity import Caller
from app.schemas import Message, Messages
from app.tables import Message as MessageTable
from app.tables import Row

# By the unique key (conversation_id, seq), in either direction, once it is known that the member is in it. NULL: nobody
# is asked for.
PAGE = f"""
SELECT {views.MESSAGE_COLUMNS} FROM message m
WHERE ({{}}::text IS NULL OR (SELECT id FROM participant
    WHERE user_id = {{}} AND conversation_id = {{}} AND left_at IS NULL) IS NOT NULL)
AND m.conversation_id = {{}} AND m.seq """
BEFORE = PAGE + "< {} ORDER BY m.seq DESC LIMIT {}"
AFTER = PAGE + "> {} ORDER BY m.seq LIMIT {}"
# By primary key.
ONE = f"SELECT {views.MESSAGE_COLUMNS} FROM message m WHERE m.id = {{}}"

SEQ_END = 2**63 - 1


async def history(  # noqa: PLR0913  one keyword for each direction
    caller: Caller,
    conversation_id: UUID,
    *,
    before: int | None = None,
    after: int | None = None,
    around: int | None = None,
    limit: int = 50,
) -> Messages:
    """A page in ascending `seq`: the newest, those before or after a number, or those around one.

    `has_more` is about the direction asked for; around a number, about older ones.
    """
    member = None if caller.is_overseer else caller.id
    newer: list[Row] = []
    older: list[Row] = []
    count = limit
    if after is not None:
        newer = await _rows(AFTER, member, conversation_id, after, limit + 1)
    elif around is not None:
        newer = await _rows(AFTER, member, conversation_id, around - 1, (limit + 1) // 2)
        before, count = around, limit - len(newer)
    if after is None:
        older = await _rows(BEFORE, member, conversation_id, SEQ_END if before is None else before, count + 1)
    if member is None or not (older or newer):
        await lookup.find(caller, conversation_id)
    has_more = len(newer) > limit or len(older) > count
    return Messages(messages=_views([*reversed(older[:count]), *newer[:limit]]), has_more=has_more)


async def _rows(statement: str, member: str | None, conversation_id: UUID, seq: int, limit: int) -> list[Row]:
    rows: list[Row] = await MessageTable.raw(statement, member, member, conversation_id, conversation_id, seq, limit)
    return rows


async def after(conversation_id: UUID, seq: int, limit: int) -> list[Message]:
    """The messages after a number, of a conversation the caller is known to be in."""
    return _views(await _rows(AFTER, None, conversation_id, seq, limit))


async def get(caller: Caller, message_id: UUID) -> Message:
    """One message of a conversation the caller is in."""
    view, _ = await with_position(message_id)
    await lookup.find(caller, view.conversation_id)
    return view


async def with_position(message_id: UUID) -> tuple[Message, int]:
    """One message and where in the log it was sent. Not asked here: who may see it. Raises `NotFound`."""
    rows = await MessageTable.raw(ONE, message_id)
    if not rows:
        raise NotFound
    return _views(rows)[0], rows[0]["m_position"]


def _views(rows: list[Row]) -> list[Message]:
    return [view for row in rows if (view := views.message(row)) is not None]
