"""MAP 2, what we say: every struct that crosses the wire, and every event.

Requests are decoded into these once, at the door; unknown fields are refused. Answers are encoded from them. A message
is encoded in one more place: `chat/messages` joins its JSON from two halves around what only the database knows.
Field examples below are the examples of the API documentation.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

BODY_CHARACTERS_MAX = 4_000
SUBJECT_CHARACTERS_MAX = 200
PARTICIPANTS_MAX = 100
LIMIT_MAX = 100
SEQ_MAX = 2**63 - 1
# One line without control characters. The end is spelt out: `$` would let a final line feed through.
LINE = r"^(?=.*\S)[^\x00-\x1f\x7f]+(?![\s\S])"
LINE_OR_NONE = r"^[^\x00-\x1f\x7f]*(?![\s\S])"

ExternalId = Annotated[
    str,
    Meta(min_length=1, max_length=128, pattern=LINE, description="The shop's own id.", examples=["bea"]),
]
Seq = Annotated[int, Meta(ge=0, le=SEQ_MAX, description="A message's number in its conversation.", examples=[7])]
Cursor = Annotated[str, Meta(description="A place in the log, opaque.", examples=["9f86d081-1042"])]
ContextKind = Literal["listing", "product", "order", "service", "request"]
Role = Literal["buyer", "seller", "agent"]
MessageKind = Literal["text", "card", "system"]
ConversationState = Literal["open", "closed"]
UserStatus = Literal["online", "away", "invisible"]
Url = Annotated[
    str,
    Meta(
        max_length=2_000, pattern=r"^(https?://|/)[^\s\x00-\x1f]*(?![\s\S])", examples=["https://shop.example/items/42"]
    ),
]


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a client sends: unknown fields are refused."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a client gets."""


# --- users ---------------------------------------------------------------------------------------------------------


class UserView(Answer, frozen=True):
    id: ExternalId
    name: Annotated[str, Meta(examples=["Bea"])]
    avatar_url: str | None


class Unread(Answer, frozen=True):
    total: Annotated[int, Meta(examples=[3])]
    buyer: Annotated[int, Meta(examples=[2])]
    seller: Annotated[int, Meta(examples=[1])]
    agent: Annotated[int, Meta(examples=[0])]


class Me(Answer, frozen=True):
    user: UserView
    status: UserStatus
    status_text: str
    unread: Unread
    cursor: Cursor


class MePatch(Request, frozen=True):
    status: UserStatus | UnsetType = UNSET
    status_text: Annotated[str, Meta(max_length=140, pattern=LINE_OR_NONE)] | UnsetType = UNSET


# --- contexts ------------------------------------------------------------------------------------------------------


class Price(Request, frozen=True):
    amount_minor: Annotated[int, Meta(ge=0, le=SEQ_MAX, description="In the currency's minor unit.", examples=[4500])]
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}(?![\s\S])", description="ISO 4217.", examples=["EUR"])]


class ContextRef(Request, frozen=True):
    kind: Annotated[ContextKind, Meta(examples=["listing"])]
    id: Annotated[str, Meta(min_length=1, max_length=128, pattern=LINE, examples=["42"])]


class ContextDraft(Request, frozen=True):
    title: Annotated[str, Meta(min_length=1, max_length=300, pattern=LINE, examples=["Oak table, 1960s"])]
    url: Url | None = None
    image_url: Url | None = None
    price: Price | None = None
    seller_id: ExternalId | None = None
    state: Annotated[str, Meta(max_length=40, pattern=LINE_OR_NONE, examples=["available"])] = ""
    attributes: Annotated[
        dict[str, str | int | float | bool | None],
        Meta(max_length=50, description="Whatever else a card should show.", examples=[{"size": "M"}]),
    ] = {}


class ContextView(Answer, frozen=True):
    kind: Annotated[ContextKind, Meta(examples=["listing"])]
    id: Annotated[str, Meta(examples=["42"])]
    title: Annotated[str, Meta(examples=["Oak table, 1960s"])]
    url: str | None
    image_url: str | None
    price: Price | None
    seller_id: str | None
    state: str
    attributes: dict[str, Any]


# --- messages ------------------------------------------------------------------------------------------------------


class Draft(Request, frozen=True):
    """A message before the log has it. Sending the same `client_id` again is safe, however often."""

    client_id: Annotated[
        UUID,
        Meta(description="Made by the sender, once per message.", examples=["0192f0c1-2b7e-4c55-9a4e-6f1d2c3b4a59"]),
    ]
    kind: Annotated[MessageKind, Meta(examples=["text"])] = "text"
    body: Annotated[str, Meta(max_length=BODY_CHARACTERS_MAX, examples=["Is it still available?"])] = ""
    context: ContextRef | None = None
    reply_to: UUID | None = None
    last_seen_seq: Annotated[int, Meta(ge=0, le=SEQ_MAX, description="The last number the writer saw.")] | None = None


class MessagePatch(Request, frozen=True):
    body: Annotated[
        str, Meta(max_length=BODY_CHARACTERS_MAX, examples=["Is it still available? I could fetch it today."])
    ]


class Message(Answer, frozen=True):
    id: UUID
    conversation_id: UUID
    seq: Seq
    sender_id: ExternalId
    client_id: UUID
    kind: MessageKind
    body: Annotated[str, Meta(examples=["Is it still available?"])]
    context: ContextView | None
    reply_to: UUID | None
    created_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None


class Sent(Answer, frozen=True):
    message: Message
    cursor: Cursor


class Messages(Answer, frozen=True):
    messages: list[Message]
    has_more: bool


class Box(Answer, frozen=True):
    messages: list[Message]
    next: Annotated[str | None, Meta(description="Pass it as `before` for the next page; null on the last one.")]


# --- conversations -------------------------------------------------------------------------------------------------


class ParticipantDraft(Request, frozen=True):
    user_id: ExternalId
    role: Role | UnsetType = UNSET


class Opening(Request, frozen=True):
    """Open a conversation or get the one that exists: the same people and context find the same conversation."""

    context: ContextRef | None = None
    participants: Annotated[list[ParticipantDraft], Meta(min_length=1, max_length=PARTICIPANTS_MAX)] | None = None
    subject: Annotated[str, Meta(max_length=SUBJECT_CHARACTERS_MAX, pattern=LINE_OR_NONE)] = ""
    message: Draft | None = None


class ConversationPatch(Request, frozen=True):
    is_muted: bool | UnsetType = UNSET
    is_archived: bool | UnsetType = UNSET
    state: ConversationState | UnsetType = UNSET


class ParticipantView(Answer, frozen=True):
    user: UserView
    role: Role
    delivered_seq: Seq
    read_seq: Seq
    left_at: datetime | None


class Conversation(Answer, frozen=True):
    id: UUID
    context: ContextView | None
    subject: str
    state: ConversationState
    participants: list[ParticipantView]
    last_seq: Seq
    last_message: Message | None
    unread_count: Annotated[int, Meta(examples=[2])]
    is_muted: bool
    is_archived: bool
    created_at: datetime
    last_activity_at: datetime


class Conversations(Answer, frozen=True):
    conversations: list[Conversation]
    next: Annotated[str | None, Meta(description="Pass it as `before` for the next page; null on the last one.")]
    cursor: Cursor | None


class Opened(Answer, frozen=True):
    conversation: Conversation
    message: Message | None
    cursor: Cursor


# --- receipts, typing, presence ------------------------------------------------------------------------------------


class ReceiptDraft(Request, frozen=True):
    delivered_seq: Seq | None = None
    read_seq: Seq | None = None


class Receipt(Answer, frozen=True):
    conversation_id: UUID
    user_id: ExternalId
    delivered_seq: Seq
    read_seq: Seq


class ReceiptsDraft(Request, frozen=True):
    """Everything up to a cursor, everything about a context, or both together."""

    cursor: Cursor | None = None
    context: Annotated[str, Meta(description="`kind:id`", examples=["order:1001"])] | None = None


class Receipts(Answer, frozen=True):
    receipts: list[Receipt]
    cursor: Cursor


class UnreadConversation(Answer, frozen=True):
    conversation_id: UUID
    role: Role
    unread_count: int


class UnreadView(Answer, frozen=True):
    total: int
    buyer: int
    seller: int
    agent: int
    conversations: list[UnreadConversation]


class TypingDraft(Request, frozen=True):
    is_typing: bool


class Presence(Answer, frozen=True):
    user_id: ExternalId
    is_online: bool
    last_seen_at: datetime | None
    status: UserStatus
    status_text: str


class Presences(Answer, frozen=True):
    presence: list[Presence]


# --- session, events -----------------------------------------------------------------------------------------------


class Session(Answer, frozen=True):
    user: UserView
    expires_at: datetime


class StreamTicket(Answer, frozen=True):
    ticket: str
    expires_in_ms: Annotated[int, Meta(examples=[30_000])]


class PolledEvent(Answer, frozen=True):
    cursor: Cursor | None
    type: Annotated[str, Meta(examples=["message.sent"])]
    data: msgspec.Raw


class Polled(Answer, frozen=True):
    events: list[PolledEvent]
    cursor: Cursor
    head: Cursor
    more: Annotated[bool, Meta(description="There is more already: ask again at once.")]
    retry_ms: Annotated[int, Meta(description="Wait so long before the next poll.", examples=[0])]


# --- events: what stands in `data` ---------------------------------------------------------------------------------


class MessageEvent(Answer, frozen=True):
    """`message.sent`, `message.edited`, `message.deleted`. A sent message also moves its sender's own receipt."""

    conversation_id: UUID
    message: Message


class ConversationOpened(Answer, frozen=True):
    """`conversation.opened`: the conversation as it is for someone who has just come into it."""

    conversation_id: UUID
    conversation: Conversation


class ConversationChanged(Answer, frozen=True):
    """`conversation.changed`: only what changed. Mute and archive are told to their owner alone."""

    conversation_id: UUID
    context: ContextView | UnsetType = UNSET
    state: ConversationState | UnsetType = UNSET
    is_muted: bool | UnsetType = UNSET
    is_archived: bool | UnsetType = UNSET


class ParticipantJoined(Answer, frozen=True):
    conversation_id: UUID
    participant: ParticipantView


class ParticipantLeft(Answer, frozen=True):
    conversation_id: UUID
    user_id: ExternalId
    left_at: datetime


class Typing(Answer, frozen=True):
    conversation_id: UUID
    user_id: ExternalId
    is_typing: bool
    expires_in_ms: int


class Hello(Answer, frozen=True):
    cursor: Cursor
    head: Cursor
    server_time: datetime
    heartbeat_ms: int
    max_age_ms: int


class Ready(Answer, frozen=True):
    cursor: Cursor


class Ping(Answer, frozen=True):
    server_time: datetime
    head: Cursor


class Reset(Answer, frozen=True):
    """The cursor cannot be continued: load the state anew, the stream goes on from `cursor`."""

    reason: Literal["unknown_epoch", "beyond_head", "too_old", "too_far_behind"]
    cursor: Cursor


class Bye(Answer, frozen=True):
    reason: Literal["max_age", "token_expired", "token_revoked", "draining", "too_many"]
    retry_ms: int
