"""Users: known from their first token on; the name follows the token. `me` is what a page needs at its start."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from app.chat import presence, unread
from app.database import snapshot
from app.delivery import log
from app.delivery.writer import Writer
from app.identity import Caller
from app.schemas import Me, MePatch, UserView
from app.tables import User

SEEN_MAX = 100_000

_seen: dict[str, tuple[str, str | None]] = {}

# By primary key (OFFSET 0: one by one, not all there are at once); writes, and locks, only what changed. A token
# without a name does not take the name away.
MEET = """
INSERT INTO users (id, name, avatar_url)
SELECT * FROM unnest({}::text[], {}::text[], {}::text[]) AS n (id, name, avatar_url) WHERE NOT EXISTS (
    SELECT 1 FROM users u WHERE u.id = n.id
        AND (n.name = '' OR (u.name, u.avatar_url) IS NOT DISTINCT FROM (n.name, n.avatar_url)) OFFSET 0)
ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name, avatar_url = EXCLUDED.avatar_url
WHERE EXCLUDED.name <> ''
"""


class Person(NamedTuple):
    """The arguments of `MEET`, in its order, of one person."""

    id: str
    name: str
    avatar_url: str | None


async def meet(caller: Caller) -> None:
    """Make sure the caller is known under the name of the token. Asks the database once per change and process, for all
    together who wait for it: a process that has just begun is met by thousands at once. Raises `Unavailable`."""
    if _seen.get(caller.id) != (caller.name, caller.avatar_url):
        await MEETINGS.write(Person(caller.id, caller.name, caller.avatar_url))


async def _commit(batch: list[Person]) -> list[Person]:
    # Once each: the last name that was said. In one order, as in `introduce`.
    people = sorted({person.id: person for person in sorted(batch, key=lambda person: person.name != "")}.values())
    await User.raw(MEET, *map(list, zip(*people, strict=True)))
    return batch


def _remember(batch: list[Person], _: list[Person]) -> list[None]:
    if len(_seen) + len(batch) > SEEN_MAX:
        forget()
    _seen.update({person.id: (person.name, person.avatar_url) for person in batch})
    return [None] * len(batch)


MEETINGS: Writer[Person, Person, None] = Writer("meet", _commit, _remember)


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
        await User.raw(MEET, [caller.id], [caller.name], [caller.avatar_url])  # see `me`
        if patch.status == "invisible":
            await presence.vanish(caller.id)
        await User.update(changes).where(User.id == caller.id)
    return await me(caller)
