"""The log in Postgres: its head, reading it, telling it something, trimming it.

Positions have no gaps and become visible in order, because whoever appends holds the head's row until COMMIT. A cursor
is `<epoch>-<position>`; the epoch is renewed when the log's history may have changed under us (restore, failover).
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from app.database import DB, after_commit, transaction
from app.tables import Event, EventDraft, LogHead, Row

BEHIND_MAX = 2_000  # events of one's own; further behind, loading the state anew is cheaper for everyone
TRIM_BATCH = 5_000
POSITION_DIGITS_MAX = 18

TOLD: list[Callable[[], None]] = []
"""Who wants to know that a transaction of this process has told the log something."""
RENEWED: list[Callable[[], None]] = []
"""Who wants to know that the log has another history now: what was stored lately may be stored no more."""


class Cursor(NamedTuple):
    epoch: str
    position: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.position}"


class Head(NamedTuple):
    """The log's head: `floor` is the position up to which old events were trimmed."""

    epoch: str
    position: int
    floor: int

    @property
    def cursor(self) -> str:
        return f"{self.epoch}-{self.position}"


class Fact(NamedTuple):
    """An event that is told inside a transaction and gets its position at the commit."""

    kind: str
    conversation_id: UUID
    audience: list[str]
    data: bytes
    message_id: UUID | None = None


def parse_cursor(text: str) -> Cursor | None:
    """The cursor that `text` stands for, or None when no log of ours ever issued it."""
    match = re.fullmatch(rf"([a-z0-9]{{1,16}})-([0-9]{{1,{POSITION_DIGITS_MAX}}})", text, re.ASCII)
    return Cursor(match[1], int(match[2])) if match else None


async def head() -> Head:
    """The log's head now; inside a snapshot, as of the snapshot."""
    [row] = await LogHead.raw("SELECT epoch, position, floor FROM log_head WHERE id = 1")
    return Head(**row)


# Everything after a position, in order. By primary key.
READ = """
SELECT position, conversation_id, message_id, kind, audience, data, EXTRACT(EPOCH FROM now() - created_at)::float AS age
FROM event WHERE position > $1 ORDER BY position LIMIT $2
"""


async def read(after: int, limit: int) -> list[Row]:
    """The next `limit` events of everyone after a position."""
    return list(await DB.fetch(READ, after, limit))


# One person's events in a stretch of the log. Through their conversations (participant_by_listing), then
# event_by_conversation, so it costs what they are in, not what others say. Those they have left are looked at too.
READ_OF = """
SELECT e.position, e.conversation_id, e.message_id, e.kind, e.audience, e.data, 0::float AS age
FROM (SELECT DISTINCT conversation_id FROM participant WHERE user_id = {}) p
JOIN event e ON e.conversation_id = p.conversation_id AND e.position > {} AND e.position <= {}
WHERE {} = ANY (e.audience)
ORDER BY e.position LIMIT {}
"""


async def read_of(user_id: str, after: int, upto: int, limit: int) -> list[Row]:
    """The first `limit` events with this user in their audience, after `after` and up to `upto`."""
    return list(await Event.raw(READ_OF, user_id, after, upto, user_id, limit))


# One array an argument, however many facts: a statement has at most 32,767 of those. An audience comes as JSON, for
# an array of arrays has them all of one length.
TELL = """
INSERT INTO event_draft (kind, conversation_id, audience, data, message_id)
SELECT kind, conversation_id, ARRAY(SELECT json_array_elements_text(audience)), data, message_id
FROM unnest({}::text[], {}::uuid[], {}::json[], {}::json[], {}::uuid[])
    WITH ORDINALITY AS f (kind, conversation_id, audience, data, message_id, ord)
ORDER BY ord
"""


async def tell(facts: Iterable[Fact]) -> None:
    """Tell the log, as the last step of the open transaction. Positions are given at its commit, in this order.

    From then to the end of the COMMIT nobody else gets one: measured, 0.1 ms a fact.
    """
    rows = [
        (fact.kind, fact.conversation_id, json.dumps(fact.audience), fact.data.decode(), fact.message_id)
        for fact in facts
    ]
    if rows:
        await EventDraft.raw(TELL, *(list(column) for column in zip(*rows, strict=True)))
        after_commit(_told)


def _told() -> None:
    for call in TOLD:
        call()


# The message's own event by key, its edits by event_of_edit.
BLANK = "UPDATE event SET data = {} WHERE position = {} OR (kind = 'message.edited' AND message_id = {})"


async def blank(position: int, message_id: UUID, data: bytes) -> None:
    """Replace what the log says of a message: its body must never be replayed. Tails do the same when they hear."""
    await Event.raw(BLANK, data.decode(), position, message_id)


# The newest of the oldest events that are past keeping. By primary key, a batch at a time.
TRIMMABLE = """
SELECT max(position) AS position FROM (SELECT position, created_at FROM event ORDER BY position LIMIT {}) oldest
WHERE created_at < now() - {}::interval
"""


async def trim(keep: timedelta) -> int:
    """Remove one batch of events older than `keep` and raise the floor with it. Returns how many went."""
    async with transaction():
        [row] = await Event.raw(TRIMMABLE, TRIM_BATCH, keep)
        if row["position"] is None:
            return 0
        gone = await Event.delete().where(Event.position <= row["position"]).returning(Event.position)
        await LogHead.update({LogHead.floor: row["position"]}).where(LogHead.id == 1)
    return len(gone)


# The timeline that is written now: the one in the control file is that of the last checkpoint, and after a failover
# the first checkpoint may take minutes.
IDENTITY = """
SELECT (SELECT system_identifier::text FROM pg_control_system()) AS system_identifier,
    ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint AS timeline
"""

LOOK = f"""
SELECT epoch, position, floor, (h.system_identifier, h.timeline) = (s.system_identifier, s.timeline) AS is_same
FROM log_head h, ({IDENTITY}) s
"""


async def look() -> tuple[Head, bool]:
    """The head now, and whether this is still the server, and the history, that issued its epoch."""
    [row] = await LogHead.raw(LOOK)
    return Head(row["epoch"], row["position"], row["floor"]), row["is_same"]


# Another database of the same server has another oid, another server another epoch.
PLACE = "SELECT (SELECT oid FROM pg_database WHERE datname = current_database()) AS oid, epoch FROM log_head"


async def place() -> str:
    """A name for this log, in this history: what is said under it concerns nobody else."""
    [row] = await LogHead.raw(PLACE)
    return f"parley.{row['oid']}.{row['epoch']}"


async def check_epoch(*, rewound: str | None = None) -> Head:
    """The head, with a new epoch when this is not the server, or not the history, that issued the old one. `rewound` is
    an epoch whose history was found to be another now: of all who find that, one gives the new epoch."""
    async with transaction():
        await LogHead.raw("SELECT 1 FROM log_head WHERE id = 1 FOR UPDATE")
        [server] = await LogHead.raw(IDENTITY)
        stored = await LogHead.select(LogHead.epoch, LogHead.system_identifier, LogHead.timeline).first()
        assert stored is not None
        is_rewound = stored.pop("epoch") == rewound
        if is_rewound or stored != server:
            is_new = stored == {"system_identifier": "", "timeline": 0}
            epoch: dict[Any, Any] = {} if is_new and not is_rewound else {"epoch": secrets.token_hex(4)}
            await LogHead.update({**server, **epoch}).where(LogHead.id == 1)
    return await head()


async def renew_epoch() -> Head:
    """The head, with a new epoch: for whoever knows that the history is another, as after a restore."""
    return await check_epoch(rewound=(await head()).epoch)
