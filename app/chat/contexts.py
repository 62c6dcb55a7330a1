"""Contexts: what conversations are about. The shop's back end tells; participants read."""

from __future__ import annotations

from uuid import UUID

import msgspec

from app.chat import users, views
from app.database import transaction
from app.delivery import log
from app.errors import Forbidden, NotFound
from app.identity import Caller
from app.schemas import ContextDraft, ContextRef, ContextView, ConversationChanged
from app.tables import Context, Row

TELL_MAX = 100  # conversations in one transaction, which for 0.1 ms each has the log to itself
NOBODY = UUID(int=0)  # as `untold_after`: no conversation has heard

# By the unique key (kind, item_id).
FIND = f"SELECT {views.CONTEXT_COLUMNS}, x.id FROM context x WHERE x.kind = {{}} AND x.item_id = {{}}"

PUT = """
INSERT INTO context
    (kind, item_id, title, url, image_url, price_amount_minor, price_currency, seller_id, state, attributes)
VALUES ({}, {}, {}, {}, {}, {}, {}, {}, {}, {})
ON CONFLICT (kind, item_id) DO UPDATE SET title = EXCLUDED.title, url = EXCLUDED.url, image_url = EXCLUDED.image_url,
    price_amount_minor = EXCLUDED.price_amount_minor, price_currency = EXCLUDED.price_currency,
    seller_id = EXCLUDED.seller_id, state = EXCLUDED.state, attributes = EXCLUDED.attributes, updated_at = now()
"""

# By primary key. Who tells of an item is alone with it, but a conversation about it may be opened meanwhile.
UNTELL = "UPDATE context SET untold_after = {}, updated_at = now() WHERE id = {}"
UNTOLD = f"SELECT {views.CONTEXT_COLUMNS}, x.untold_after FROM context x WHERE x.id = {{}} FOR NO KEY UPDATE"

# By context_untold; not those that somebody is at.
HALF_TOLD = """
SELECT id FROM context WHERE untold_after IS NOT NULL AND updated_at < now() - interval '10 seconds' ORDER BY id
"""

# Through conversation_by_context and the participant key.
IS_IN_ONE = """
SELECT 1 FROM conversation c JOIN participant p ON p.conversation_id = c.id AND p.user_id = {} AND p.left_at IS NULL
WHERE c.context_id = {} LIMIT 1
"""


# By conversation_by_context; first the lock, in order of ids, and then, in a statement of its own, who is in them.
HOLD = "SELECT id FROM conversation WHERE context_id = {} AND id > {} ORDER BY id LIMIT {} FOR UPDATE"
AUDIENCES = """
SELECT c.id, ARRAY(
    SELECT user_id::text FROM participant p WHERE p.conversation_id = c.id AND p.left_at IS NULL
) AS audience
FROM unnest({}::uuid[]) AS c (id) ORDER BY c.id
"""


async def put(caller: Caller, ref: ContextRef, draft: ContextDraft) -> ContextView:
    """Tell (or tell anew) what an item is; the conversations about it hear of it. Cards already shared stay.

    They hear of it a stretch at a time, or everyone's messages would wait until all have. Should this end on the way,
    `tell_rest` goes on.
    """
    if not caller.is_service:
        raise Forbidden("Only the shop's back end tells what its items are.")
    if draft.seller_id is not None:
        await users.introduce([draft.seller_id])
    price = (draft.price.amount_minor, draft.price.currency) if draft.price else (None, None)
    said = (draft.title, draft.url, draft.image_url, *price, draft.seller_id, draft.state)
    async with transaction():
        before = await _find(ref)
        await Context.raw(PUT, ref.kind, ref.id, *said, msgspec.json.encode(draft.attributes).decode())
        context_id, view = await find(ref)
        if before is not None and before[1] != view:
            await Context.raw(UNTELL, NOBODY, context_id)
        is_more = await _tell_some(context_id)
    while is_more:
        is_more = await _tell_some(context_id)
    return view


async def tell_rest() -> None:
    """Go on with the items of which only some conversations have heard: whoever told of them was stopped."""
    for row in await Context.raw(HALF_TOLD):
        while await _tell_some(row["id"]):
            pass


async def _tell_some(context_id: int) -> bool:
    """Tell the next conversations about an item what it is now, and say whether there are more. They are held: who
    leaves meanwhile hears nothing after that."""
    async with transaction():
        [row] = await Context.raw(UNTOLD, context_id)
        if row["untold_after"] is None:
            return False
        held = [held["id"] for held in await Context.raw(HOLD, context_id, row["untold_after"], TELL_MAX)]
        is_more = len(held) == TELL_MAX
        view = views.context(row)
        assert view is not None  # it is a row of its own, not one of a join
        await log.tell([_changed(about, view) for about in await Context.raw(AUDIENCES, held)])
        await Context.raw(UNTELL, held[-1] if is_more else None, context_id)
    return is_more


def _changed(about: Row, view: ContextView) -> log.Fact:
    data = msgspec.json.encode(ConversationChanged(conversation_id=about["id"], context=view))
    return log.Fact("conversation.changed", about["id"], about["audience"], data)


async def get(caller: Caller, ref: ContextRef) -> ContextView:
    """An item, for anyone who is signed in; an order only for its own people: to others there is none."""
    context_id, view = await find(ref)
    is_open_to_caller = ref.kind != "order" or caller.is_overseer or view.seller_id == caller.id
    if not is_open_to_caller and not await Context.raw(IS_IN_ONE, caller.id, context_id):
        raise _unknown(ref)
    return view


async def find(ref: ContextRef) -> tuple[int, ContextView]:
    """An item and our number of it. Raises `NotFound`."""
    found = await _find(ref)
    if found is None:
        raise _unknown(ref)
    return found


async def _find(ref: ContextRef) -> tuple[int, ContextView] | None:
    rows = await Context.raw(FIND, ref.kind, ref.id)
    view = views.context(rows[0]) if rows else None
    return None if view is None else (rows[0]["id"], view)


def _unknown(ref: ContextRef) -> NotFound:
    return NotFound(f"The shop has not told of the {ref.kind} {ref.id!r}.")
