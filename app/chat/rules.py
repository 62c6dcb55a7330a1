"""The rules, decided in pure code: no database, no clock of its own.

What the database can decide, it decides (constraints in the tables, codes of `parley_send`).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from app.errors import ConversationClosed, EditWindowOver, Forbidden, Invalid, NotFound
from app.identity import Caller
from app.schemas import ContextView, Draft, Role
from app.tables import Row

EDIT_WINDOW = timedelta(minutes=15)
UNSEND_WINDOW = timedelta(hours=24)

# C0 and C1 controls but for tab, line feed and carriage return.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")

# Default_Ignorable_Code_Point beyond category Cf (Unicode, DerivedCoreProperties), and the blank braille pattern.
_HIDDEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)

OTHER_ROLE: dict[Role, Role] = {"buyer": "seller", "seller": "buyer", "agent": "buyer"}


def check_body(kind: str, body: str, *, field: str = "body") -> None:
    """A text or system message says something visible; a card's body is an optional remark. Raises `Invalid`."""
    if _CONTROL.search(body):
        raise Invalid((field, "has control characters"))
    if kind != "card" and is_blank(body):
        raise Invalid((field, "is blank"))


def is_blank(text: str) -> bool:
    """Nothing to see: only white space and characters that are not shown."""
    if text.isascii():
        return not text.strip()
    return all(
        character.isspace() or unicodedata.category(character) == "Cf" or _HIDDEN.match(character) for character in text
    )


def check_draft(caller: Caller, draft: Draft) -> None:
    """Raises `Invalid` or `Forbidden`."""
    check_body(draft.kind, draft.body)
    if draft.kind == "card" and draft.context is None:
        raise Invalid(("context", "is needed for a card: it is what the card shows"))
    if draft.kind == "system" and not caller.is_service:
        raise Forbidden("Only the shop's back end sends system messages.")


def draft_digest(conversation_id: UUID, draft: Draft) -> bytes:
    """What must be equal for a repeated `client_id` to be the same message."""
    said = (conversation_id, draft.kind, draft.body, draft.context, draft.reply_to)
    return hashlib.blake2b(msgspec.json.encode(said), digest_size=16).digest()


def people_of_opening(
    caller: Caller, context: ContextView | None, named: Mapping[str, Role | None] | None
) -> dict[str, Role]:
    """Who is in the conversation that is being opened, and as what. Raises `Invalid`, `Forbidden` or `NotFound`.

    The shop's back end names everyone. Anybody else opens with a context, whose owner is the other side, or with one
    person. The owner of a listing, product, order or service sells; the owner of a request is the one who buys.
    """
    if caller.is_service:
        return _people_named_by_service(context, named)
    if context is not None and context.kind == "order":
        raise NotFound  # an order's people are named by the shop alone
    if named is not None and len(named) > 1:
        raise Forbidden("Only the shop's back end opens a conversation of several people.")
    owner = context.seller_id if context is not None else None
    other, role = next(iter(named.items())) if named else (owner, None)
    if other is None:
        raise Invalid(("participants", "name the person to write to" if context is None else "this item has no owner"))
    if other == caller.id:
        raise Invalid(("participants", "name somebody else than yourself"))
    if context is not None:
        if owner not in (other, caller.id):
            raise Forbidden("A conversation about an item is with the one who offers it.")
        return {caller.id: role_at(context, caller.id), other: role_at(context, other)}
    role = role or "seller"
    return {caller.id: OTHER_ROLE[role], other: role}


def role_at(context: ContextView | None, user_id: str) -> Role:
    """What a person is in a conversation about this item."""
    is_owner = context is not None and context.seller_id == user_id
    is_request = context is not None and context.kind == "request"
    return "seller" if is_owner != is_request else "buyer"


def _people_named_by_service(context: ContextView | None, named: Mapping[str, Role | None] | None) -> dict[str, Role]:
    if not named:
        raise Invalid(("participants", "name everyone in the conversation"))
    return {user_id: role or role_at(context, user_id) for user_id, role in named.items()}


def opening_key(context: ContextView | None, people: Mapping[str, Role]) -> bytes:
    """The same people and context find the same conversation; an order has exactly one, whoever comes into it."""
    about = (context.kind, context.id) if context is not None else None
    who = None if context is not None and context.kind == "order" else sorted(people)
    return hashlib.sha256(msgspec.json.encode((about, who))).digest()


def check_edit(caller: Caller, message: Row, state: str, now: datetime) -> None:
    """Raises `Forbidden`, `ConversationClosed` or `EditWindowOver`."""
    if message["sender_id"] != caller.id or message["kind"] == "system":
        raise Forbidden("Only its sender may edit a message.")
    if state == "closed":
        raise ConversationClosed
    if message["deleted_at"] is not None or now - message["created_at"] > EDIT_WINDOW:
        raise EditWindowOver("A message can be edited for 15 minutes.")


def check_unsend(caller: Caller, message: Row, now: datetime) -> None:
    """Raises `Forbidden` or `EditWindowOver`. A moderator may always."""
    if caller.role == "admin":
        return
    if message["sender_id"] != caller.id or (message["kind"] == "system" and not caller.is_service):
        raise Forbidden("Only its sender may unsend a message.")
    if now - message["created_at"] > UNSEND_WINDOW:
        raise EditWindowOver("A message can be unsent for 24 hours.")
