"""Receipts: how far somebody's messages were delivered to them and read by them. They only move forward."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from app.chat.conversations import lookup
from app.database import snapshot
from app.delivery import log
from app.delivery.hub import HUB, Entry
from app.delivery.listener import LISTENER
from app.delivery.writer import BATCH_MAX, Writer
from app.errors import Invalid, NotFound
from app.identity import Caller
from app.schemas import ContextRef, Receipt, ReceiptDraft, Receipts
from app.tables import Participant, Row

COMMIT = "SELECT * FROM parley_move_receipts({}, {}, {}, {})"
NOTHING = 0

# One's unread conversations and how far each goes at a position. By participant_by_listing, then message_by_position.
UNREAD_UPTO = """
SELECT p.conversation_id, n.seq FROM participant p
JOIN conversation c ON c.id = p.conversation_id LEFT JOIN context x ON x.id = c.context_id
CROSS JOIN LATERAL (
    SELECT seq FROM message m WHERE m.conversation_id = p.conversation_id AND m.position <= {}
    ORDER BY m.position DESC LIMIT 1
) n
WHERE p.user_id = {} AND p.left_at IS NULL AND p.read_seq < c.last_seq AND n.seq > p.read_seq
    AND ({}::text IS NULL OR (x.kind = {} AND x.item_id = {}))
"""


class Moving(NamedTuple):
    """The arguments of `parley_move_receipts`, in its order."""

    conversation_id: UUID
    user_id: str
    delivered_seq: int
    read_seq: int


async def move(caller: Caller, conversation_id: UUID, draft: ReceiptDraft) -> Receipt:
    """Move the caller's positions in one conversation, together with whatever receipts are waiting. What has been read
    has been delivered; a number beyond the last message means the last message."""
    if draft.delivered_seq is None and draft.read_seq is None:
        raise Invalid(("read_seq", "or delivered_seq is needed"))
    moving = Moving(conversation_id, caller.id, draft.delivered_seq or NOTHING, draft.read_seq or NOTHING)
    row = await RECEIPTS.write(moving)
    if row is None:
        await lookup.find(caller, conversation_id)
        raise NotFound("Only participants have a receipt.")
    return _view(moving, row)


async def read_upto(caller: Caller, cursor: str | None, about: ContextRef | None) -> Receipts:
    """Mark as read everything up to a cursor, everything about an item, or both; returns the receipts that moved.

    A message that arrives meanwhile stays unread.
    """
    async with snapshot():
        head = await log.head()
        position = head.position
        if cursor is not None:
            parsed = log.parse_cursor(cursor)
            if parsed is None or parsed.epoch != head.epoch:
                raise Invalid(("cursor", "is not one of this log: load the state anew"))
            position = min(position, parsed.position)
        kind, item_id = (about.kind, about.id) if about else (None, None)
        rows = await Participant.raw(UNREAD_UPTO, position, caller.id, kind, kind, item_id)
    moved: list[Receipt] = []
    for start in range(0, len(rows), BATCH_MAX):
        batch = [
            Moving(row["conversation_id"], caller.id, NOTHING, row["seq"]) for row in rows[start : start + BATCH_MAX]
        ]
        moved += [
            _view(moving, row)
            for moving, row in zip(batch, _offer(batch, await _commit(batch)), strict=True)
            if row is not None
        ]
    return Receipts(receipts=moved, cursor=(await log.head()).cursor)


async def _commit(batch: list[Moving]) -> list[Row | None]:
    """One statement for the whole batch; for each its row, or None for who is not in the conversation."""
    merged: dict[tuple[UUID, str], Moving] = {}
    for moving in batch:
        known = merged.get(moving[:2], moving)
        merged[moving[:2]] = Moving(
            *moving[:2], max(known.delivered_seq, moving.delivered_seq), max(known.read_seq, moving.read_seq)
        )
    with LISTENER.commits:
        rows = await Participant.raw(COMMIT, *map(list, zip(*merged.values(), strict=True)))
    keys = list(merged)
    found = {keys[row["r_ord"] - 1]: row for row in rows}
    return [found.get(moving[:2]) for moving in batch]


def _offer(batch: list[Moving], rows: list[Row | None]) -> list[Row | None]:
    """Hand what moved to the tail. Where several moved the same, theirs is one row."""
    moved = {row["r_position"]: row for row in rows if row is not None and row["r_position"] is not None}
    LISTENER.offer(
        Entry(HUB.epoch, position, "receipt.moved", row["r_audience"], row["r_data"].encode(), None)
        for position, row in sorted(moved.items())
    )
    return rows


def _view(moving: Moving, row: Row) -> Receipt:
    return Receipt(
        conversation_id=moving.conversation_id,
        user_id=moving.user_id,
        delivered_seq=row["r_delivered_seq"],
        read_seq=row["r_read_seq"],
    )


RECEIPTS: Writer[Moving, Row | None, Row | None] = Writer("receipts", _commit, _offer)
