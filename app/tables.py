"""MAP 1, what we know: every table on one page.

`piccolo_migrations/` builds them, and a test compares the two. The indexes beyond keys and uniqueness, and the SQL
functions of the hot paths, stand in the migrations beside the sentence that says which query needs them.

Times are `timestamptz`. `position` is a place in the log, `seq` a message's number in its conversation.
"""

from __future__ import annotations

from typing import Any

from piccolo.columns import (
    JSON,
    JSONB,
    UUID,
    Array,
    BigInt,
    BigSerial,
    Boolean,
    Bytea,
    ForeignKey,
    Integer,
    SmallInt,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from app.database import DB

ID_CHARACTERS_MAX = 128  # of the shop's own ids: users and context items
# What may stand in a column of the hot tables: domains, for a reason that stands in the first migration.
DOMAINS = {
    "conversation.state": "VALUE IN ('open', 'closed')",
    "participant.role": "VALUE IN ('buyer', 'seller', 'agent')",
    "message.kind": "VALUE IN ('text', 'card', 'system')",
    "message.seq": "VALUE > 0",
    "log_head.id": "VALUE = 1",
}
CONTEXT_KINDS = ("listing", "product", "order", "service", "request")
ROLES = ("buyer", "seller", "agent")


class User(Table, tablename="users", db=DB):
    """A person of the shop's, created on first sight; `name` follows the token."""

    id = Varchar(length=ID_CHARACTERS_MAX, primary_key=True, default=None)
    name = Varchar(length=200, default="")
    avatar_url = Text(null=True, default=None)
    status = Varchar(length=10, default="online")
    status_text = Varchar(length=140, default="")
    last_seen_at = Timestamptz(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())

    status_is_known = Check("status IN ('online', 'away', 'invisible')")


class Context(Table, tablename="context", db=DB):
    """What conversations are about: one of the shop's listings, products, orders, services or requests.

    `untold_after`: the conversations about it with a greater id have yet to hear what it is now; NULL: all have.
    """

    id = BigSerial(primary_key=True)
    kind = Varchar(length=10, default=None)
    item_id = Varchar(length=ID_CHARACTERS_MAX, default=None)
    title = Varchar(length=300, default=None)
    url = Text(null=True, default=None)
    image_url = Text(null=True, default=None)
    price_amount_minor = BigInt(null=True, default=None)
    price_currency = Varchar(length=3, null=True, default=None)
    seller_id = ForeignKey(User, null=True, default=None)
    state = Varchar(length=40, default="")
    attributes = JSONB(default="{}")
    updated_at = Timestamptz(default=TimestamptzNow())
    untold_after = UUID(null=True, default=None)

    kind_and_item_id = Unique(["kind", "item_id"])
    kind_is_known = Check("kind IN ('listing', 'product', 'order', 'service', 'request')")
    price_is_whole = Check("(price_amount_minor IS NULL) = (price_currency IS NULL)")


class Conversation(Table, tablename="conversation", db=DB):
    """One conversation of some people about a context or nothing. Its row is the lock for all that happens in it.

    `opening_key` is a digest of the people and the context it was opened with: the same opening finds it again.
    """

    id = UUID(primary_key=True, default=None)
    context_id = ForeignKey(Context, null=True, default=None)
    subject = Varchar(length=200, default="")
    state = Varchar(length=6, default="open")
    opening_key = Bytea(unique=True, default=None)
    last_seq = BigInt(default=0)
    created_at = Timestamptz(default=TimestamptzNow())
    last_activity_at = Timestamptz(default=TimestamptzNow())


class Participant(Table, tablename="participant", db=DB):
    """A person in a conversation, with a role, two read positions and wishes of their own.

    `listed_at` places the conversation in the person's list, by index. It is up to a minute older than the
    conversation's `last_activity_at`, never newer: a row of which an indexed column changes with every message would
    cost more than all the rest of sending. A list reads a minute further and sorts exactly.

    `was_taken_out` says of someone with `left_at`, and of nobody else, that others ended it. `is_appointed`: by the
    shop, or by whom it appointed, and not just by somebody who wrote to them.
    """

    id = BigSerial(primary_key=True)
    conversation_id = ForeignKey(Conversation, null=False)
    user_id = ForeignKey(User, null=False)
    role = Varchar(length=6, default=None)
    delivered_seq = BigInt(default=0)
    read_seq = BigInt(default=0)
    listed_at = Timestamptz(default=TimestamptzNow())
    is_muted = Boolean(default=False)
    is_archived = Boolean(default=False)
    joined_at = Timestamptz(default=TimestamptzNow())
    left_at = Timestamptz(null=True, default=None)
    was_taken_out = Boolean(default=False)
    is_appointed = Boolean(default=False)

    once_per_conversation = Unique(["conversation_id", "user_id"])
    positions_in_order = Check("0 <= read_seq AND read_seq <= delivered_seq")


class Message(Table, tablename="message", db=DB):
    """A message, numbered `seq` in its conversation; `position` is that of its `message.sent` event.

    `context` is the shared item as it was at send time. `draft_digest` tells a repeated draft from another one
    with the same `client_id`; it goes with the body when the message is unsent.
    """

    id = UUID(primary_key=True, default=None)
    conversation_id = ForeignKey(Conversation, null=False)
    seq = BigInt(default=None)
    position = BigInt(default=None)
    sender_id = ForeignKey(User, null=False)
    client_id = UUID(default=None)
    kind = Varchar(length=6, default=None)
    body = Text(default="")
    context = JSON(null=True, default=None)
    reply_to: ForeignKey[Any] = ForeignKey("self", null=True, default=None)
    draft_digest = Bytea(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())
    edited_at = Timestamptz(null=True, default=None)
    deleted_at = Timestamptz(null=True, default=None)

    number_in_conversation = Unique(["conversation_id", "seq"])
    once_per_client_id = Unique(["sender_id", "client_id"])
    deleted_is_blank = Check("deleted_at IS NULL OR (body = '' AND context IS NULL AND draft_digest IS NULL)")


class LogHead(Table, tablename="log_head", db=DB):
    """One row: the log's epoch, its newest position, and the floor up to which old events were trimmed."""

    id = SmallInt(primary_key=True, default=1)
    epoch = Varchar(length=16, default=None)
    position = BigInt(default=0)
    floor = BigInt(default=0)
    system_identifier = Varchar(length=20, default="")
    timeline = BigInt(default=0)


class Event(Table, tablename="event", db=DB):
    """The log. Positions have no gaps and become visible in order; `data` is the JSON of the wire, encoded once."""

    position = BigInt(primary_key=True, default=None)
    conversation_id = UUID(default=None)
    message_id = UUID(null=True, default=None)
    kind = Varchar(length=24, default=None)
    audience = Array(base_column=Text(), default=None)
    data = JSON(default=None)
    created_at = Timestamptz(default=TimestamptzNow())


class EventDraft(Table, tablename="event_draft", db=DB):
    """Events told inside a transaction, moved into the log by a trigger at its commit: never rows at rest."""

    id = BigSerial(primary_key=True)
    conversation_id = UUID(default=None)
    message_id = UUID(null=True, default=None)
    kind = Varchar(length=24, default=None)
    audience = Array(base_column=Text(), default=None)
    data = JSON(default=None)


class Process(Table, tablename="process", db=DB):
    """A running server process and how long its word is good: a crashed one's people go offline with it."""

    id = UUID(primary_key=True, default=None)
    expires_at = Timestamptz(default=None)


class PresenceLease(Table, tablename="presence_lease", db=DB):
    """This person has a stream or a poll open at this process."""

    id = BigSerial(primary_key=True)
    user_id = ForeignKey(User, null=False)
    process_id = ForeignKey(Process, null=False)

    once_per_process = Unique(["user_id", "process_id"])


class StreamTicket(Table, tablename="stream_ticket", db=DB):
    """A single-use ticket for a native EventSource on another origin. Only its digest is kept."""

    digest = Bytea(primary_key=True, default=None)
    user_id = ForeignKey(User, null=False)
    token_digest = Bytea(default=None)
    token_expires_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None)


class RevokedToken(Table, tablename="revoked_token", db=DB):
    """A token that was ended before its time, kept until it would have expired anyway."""

    digest = Bytea(primary_key=True, default=None)
    expires_at = Timestamptz(default=None)
    ended_at = Timestamptz(default=TimestamptzNow())


class RateBucket(Table, tablename="rate_bucket", db=DB):
    """When a bucket of a rate limit will be full again; `id` is the limit's name and whom it limits. `granted` is how
    much of what was asked for last there was. Unlogged: after a crash of the database all are full."""

    id = Varchar(length=140, primary_key=True, default=None)
    full_at = Timestamptz(default=None)
    granted = Integer(default=0)


TABLES: list[type[Table]] = [
    User,
    Context,
    Conversation,
    Participant,
    Message,
    LogHead,
    Event,
    EventDraft,
    Process,
    PresenceLease,
    StreamTicket,
    RevokedToken,
    RateBucket,
]

Row = dict[str, Any]
"""A row as Piccolo's `raw` and `select` give it."""
