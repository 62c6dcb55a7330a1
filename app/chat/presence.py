"""Presence: who is online, told only to people who share an open conversation. Who is invisible is offline to all."""

from __future__ import annotations

import msgspec

from app.delivery import listener
from app.delivery.hub import HUB
from app.identity import Caller
from app.schemas import Presence, Presences
from app.tables import Participant, Row, User

PRESENCES_MAX = 200


class _Named(msgspec.Struct, frozen=True):
    """Of whom a `Presence` speaks: it is told on as it came."""

    user_id: str


# OFFSET 0: by the person's own leases, not among everybody's.
IS_ONLINE = """
(u.status <> 'invisible' AND EXISTS (
    SELECT 1 FROM presence_lease l JOIN process o ON o.id = l.process_id AND o.expires_at > now()
    WHERE l.user_id = u.id OFFSET 0))"""

# Through the caller's participant_by_listing and the participant key; online first.
SHARED = f"""
SELECT u.id, u.status, u.status_text, u.last_seen_at, {IS_ONLINE} AS is_online FROM users u
WHERE u.id IN (
    SELECT b.user_id FROM participant a
    JOIN conversation c ON c.id = a.conversation_id AND c.state = 'open'
    JOIN participant b ON b.conversation_id = a.conversation_id AND b.left_at IS NULL
    WHERE a.user_id = {{}} AND a.left_at IS NULL AND b.user_id <> a.user_id
)
ORDER BY is_online DESC, u.last_seen_at DESC NULLS LAST, u.id LIMIT {{}}
"""

# The same of some people. A buyer asks about a seller of thousands, and the seller about the buyer: looked for among
# the caller's conversations where these are few, else among the other's. OFFSET 0: in this order, whatever the plan.
FEW = 200  # conversations of the caller's; beyond, the other is likely in fewer
SHARED_BY = f"""
WITH mine AS MATERIALIZED (
    SELECT conversation_id FROM participant WHERE user_id = {{}} AND left_at IS NULL LIMIT {FEW}
)
SELECT u.id, u.status, u.status_text, u.last_seen_at, {IS_ONLINE} AS is_online FROM users u
WHERE u.id = ANY ({{}}::text[]) AND u.id <> {{}} AND CASE WHEN (SELECT count(*) FROM mine) < {FEW}
    THEN EXISTS (
        SELECT 1 FROM mine JOIN participant b USING (conversation_id) JOIN conversation c ON c.id = conversation_id
        WHERE b.user_id = u.id AND b.left_at IS NULL AND c.state = 'open')
    ELSE EXISTS (
        SELECT 1 FROM participant b CROSS JOIN LATERAL (
            SELECT 1 FROM participant a JOIN conversation c ON c.id = a.conversation_id AND c.state = 'open'
            WHERE a.conversation_id = b.conversation_id AND a.user_id = {{}} AND a.left_at IS NULL OFFSET 0) a
        WHERE b.user_id = u.id AND b.left_at IS NULL)
    END
ORDER BY is_online DESC, u.last_seen_at DESC NULLS LAST, u.id LIMIT {{}}
"""

NOW = f"""
SELECT u.id, u.status, u.status_text, u.last_seen_at, {IS_ONLINE} AS is_online FROM users u
WHERE u.id = ANY ({{}}::text[])
"""

# Last seen as if they had left now: an older time would tell that they have not.
VANISH = f"UPDATE users u SET last_seen_at = now() WHERE u.id = {{}} AND {IS_ONLINE}"

# With whom each of those who changed shares an open conversation. Who of these has a stream here is not asked: Postgres
# would look for each among all who have. OFFSET 0: from the few who changed, by index. Measured on new tables before:
# 2.2 s for 1,242 people who came, with 3,000 streams.
HEARERS = """
SELECT a.user_id AS who, array_agg(b.user_id) AS hearers FROM participant a CROSS JOIN LATERAL (
    SELECT b.user_id FROM conversation c JOIN participant b ON b.conversation_id = c.id AND b.left_at IS NULL
    WHERE c.id = a.conversation_id AND c.state = 'open' AND b.user_id <> a.user_id OFFSET 0) b
WHERE a.user_id = ANY ({}::text[]) AND a.left_at IS NULL GROUP BY a.user_id
"""


async def get(caller: Caller, user_ids: list[str] | None) -> Presences:
    """The presence of people the caller shares an open conversation with, or of those of them that are named."""
    if user_ids is None:
        rows = await User.raw(SHARED, caller.id, PRESENCES_MAX)
    else:
        rows = await User.raw(SHARED_BY, caller.id, user_ids, caller.id, caller.id, PRESENCES_MAX)
    return Presences(presence=[_view(row) for row in rows])


async def vanish(user_id: str) -> None:
    """They were last seen now, if they are online. For who is about to become invisible."""
    await User.raw(VANISH, user_id)


async def announce(user_ids: list[str], is_online: bool | None = None) -> None:
    """Tell every process that these people came, went, or changed their status (then `is_online` is None)."""
    for row in await User.raw(NOW, user_ids):
        if is_online is not None and row["status"] == "invisible":
            continue  # coming and going unseen
        listener.signal("presence", msgspec.json.encode(_view(row)).decode(), [])


async def hear(said: list[str]) -> None:
    """Hand presence that was announced (JSON) to those here who may know."""
    about = {msgspec.json.decode(data, type=_Named).user_id: data for data in said}
    for row in await Participant.raw(HEARERS, list(about)):
        HUB.signal(HUB.readers.keys() & row["hearers"], "presence", about[row["who"]].encode())


def _view(row: Row) -> Presence:
    is_hidden = row["status"] == "invisible"
    return Presence(
        user_id=row["id"],
        is_online=row["is_online"],
        last_seen_at=row["last_seen_at"],
        status="online" if is_hidden else row["status"],
        status_text="" if is_hidden else row["status_text"],
    )
