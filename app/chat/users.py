"""Users: known from their first token on; the name follows the token. `me` is what a page needs at its start."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from app.chat import unread
from app.database import snapshot
from app.delivery import log
from app.identity import Caller
from app.schemas import Me, MePatch, UserView
from app.tables import User

SEEN_MAX = 100_000

_seen: dict[str, tuple[str, str | None]] = {}

# By primary key; writes only what changed. A token without a name does not take the name away.
MEET = """
INSERT INTO users (id, name, avatar_url) VALUES ({}, {}, {})
ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name, avatar_url = EXCLUDED.avatar_url
WHERE EXCLUDED.name <> '' AND (users.name, users.avatar_url) IS DISTINCT FROM (EXCLUDED.name, EXCLUDED.avatar_url)
"""


async def meet(caller: Caller) -> None:
    """Make sure the caller is known under the name of the token. Asks the database once per change and process."""
    said = (caller.name, caller.avatar_url)
    if _seen.get(caller.id) == said:
        return
    await User.raw(MEET, caller.id, *said)
    if len(_seen) >= SEEN_MAX:
        forget()
    _seen[caller.id] = said


def forget() -> None:
    """Everybody is met anew: the database may be an older one, which does not know those who came lately."""
    _seen.clear()


log.RENEWED.append(forget)


async def introduce(user_ids: Iterable[str]) -> None:
    """Make sure that people the shop speaks of are known, even before their first token."""
    # In one order, so that two who introduce the same people do not wait for each other.
    await User.raw("INSERT INTO users (id) SELECT unnest({}::text[]) ON CONFLICT DO NOTHING", sorted(user_ids))


async def me(caller: Caller) -> Me:
    """The caller, their unread totals and the cursor, all of one moment."""
    async with snapshot():
        head = await log.head()
        row = await User.select().where(User.id == caller.id).first()
        totals = await unread.totals(caller)
    if row is None:  # the door has met the caller, but in a newer database
        forget()
        await meet(caller)
        return await me(caller)
    return Me(
        user=UserView(id=row["id"], name=row["name"] or row["id"], avatar_url=row["avatar_url"]),
        status=row["status"],
        status_text=row["status_text"],
        unread=totals,
        cursor=head.cursor,
    )


async def change(caller: Caller, patch: MePatch) -> Me:
    """Set the status that others see. The others are told by `presence` (see `chat/presence.py`)."""
    said = msgspec.structs.asdict(patch)
    changes: dict[Any, Any] = {key: value for key, value in said.items() if value is not msgspec.UNSET}
    if changes:
        await User.raw(MEET, caller.id, caller.name, caller.avatar_url)  # see `me`
        await User.update(changes).where(User.id == caller.id)
    return await me(caller)
