"""Send: the hot path. A draft joins the writer's batch; one call commits it (`parley_send`, for a lone draft
`parley_send_one`); the tail gets it at once.

The message's JSON is encoded once, around the two things that only the database knows (`seq` and `created_at`). The
same bytes are the log's `data`, the frame of every stream and the answer to the POST.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from asyncpg import Record, UniqueViolationError

from app import errors
from app.chat import contexts, ids, rules, typing
from app.chat.messages import pages
from app.delivery.hub import HUB, Entry
from app.delivery.line import Line
from app.delivery.listener import LISTENER
from app.delivery.writer import Writer
from app.identity import Caller
from app.limits import SENDS as SEND_LIMIT
from app.schemas import Draft

COMMIT = "SELECT * FROM parley_send($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
COMMIT_ONE = "SELECT * FROM parley_send_one($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
DATA_TAIL = '","edited_at":null,"deleted_at":null}}'
MESSAGE_STARTS_AT = len('{"conversation_id":"","message":') + 36
HEARD = ("code", "seq", "position", "created_at", "message_id", "audience", "kind", "data", "age")
RARE = frozenset(("context", "reply_to", "last_seen_seq"))
NEWER_MAX = 100  # messages told to a writer whom the conversation outran

_encode = msgspec.json.Encoder().encode


class Outgoing(NamedTuple):
    """A checked draft on its way: the arguments of `parley_send`, in its order."""

    id: str
    conversation_id: UUID
    sender_id: str
    client_id: UUID
    kind: str
    body: str
    context: str | None
    reply_to: UUID | None
    digest: bytes
    last_seen_seq: int | None
    is_service: bool
    data_head: str
    data_tail: str


class Sent(NamedTuple):
    """`json` is the answer on the wire; `is_new` is false when the same `client_id` had been sent before."""

    json: bytes
    is_new: bool


async def send(caller: Caller, conversation_id: UUID, draft: Draft, *, is_counted: bool = False) -> Sent:
    """Send a message. It is stored, and on its way to everyone, when this returns.

    The same draft again gives the first result. Raises `Invalid`, `Forbidden`, `NotFound`, `RateLimited`,
    `MessageConflict`, `ConversationClosed`, `ConversationMoved` (with the newer messages) and `Unavailable`.
    """
    rules.check_draft(caller, draft)
    if not is_counted:
        await count(caller)
    result = await SENDS.write(await _outgoing(caller, conversation_id, draft))
    typing.has_sent(caller, conversation_id)
    if isinstance(result, bytes):
        return Sent(result, is_new=True)
    if result["r_code"] == "repeated":
        return await _first_result(result["r_message_id"])
    raise await _refusal(result["r_code"], conversation_id, draft)


async def count(caller: Caller) -> None:
    """Count a message, or what else everyone in a conversation is told, against the caller's rate, or raise
    `RateLimited`. The shop's back end has none. Not within a transaction: it may wait."""
    if not caller.is_service and SEND_LIMIT.rate is not None:
        await SEND_LIMIT.spend(caller.id)


async def _outgoing(caller: Caller, conversation_id: UUID, draft: Draft) -> Outgoing:
    context = "null" if draft.context is None else _encode(await contexts.get(caller, draft.context)).decode()
    id_, conversation = ids.new_text(), str(conversation_id)
    sender, body = _encode(caller.id).decode(), _encode(draft.body).decode()
    reply_to = f'"{draft.reply_to}"' if draft.reply_to else "null"
    return Outgoing(
        id=id_,
        conversation_id=conversation_id,
        sender_id=caller.id,
        client_id=draft.client_id,
        kind=draft.kind,
        body=draft.body,
        context=None if draft.context is None else context,
        reply_to=draft.reply_to,
        digest=rules.draft_digest(conversation_id, draft),
        last_seen_seq=draft.last_seen_seq,
        is_service=caller.is_service,
        data_head=(
            f'{{"conversation_id":"{conversation}","message":{{"id":"{id_}","conversation_id":"{conversation}","seq":'
        ),
        data_tail=(
            f',"sender_id":{sender},"client_id":"{draft.client_id}","kind":"{draft.kind}","body":{body},'
            f'"context":{context},"reply_to":{reply_to},"created_at":"'
        ),
    )


def _fits(batch: list[Outgoing], draft: Outgoing) -> bool:
    """`parley_send` judges a batch by the state before it, so a repeated `client_id` and a guarded draft behind another
    of its conversation wait for the next batch."""
    return not any(
        (draft.client_id == other.client_id and draft.sender_id == other.sender_id)
        or (draft.last_seen_seq is not None and draft.conversation_id == other.conversation_id)
        for other in batch
    )


async def _commit(batch: list[Outgoing]) -> list[Record]:
    """One statement for the whole batch, or its refusal, after which each draft comes alone. Behind the rows of the
    drafts come those of what others said meanwhile."""
    with LISTENER.commits:
        known = LISTENER.own.known
        if len(batch) > 1:
            rows = await LINE.fetch(COMMIT, *_columns(batch), known)
        else:
            rows = await _commit_one(batch[0])
        LISTENER.own.brings(known, [row["r_position"] for row in rows if row["r_position"] is not None])
        return rows


async def _commit_one(draft: Outgoing) -> list[Record]:
    with suppress(UniqueViolationError):
        return await LINE.fetch(COMMIT_ONE, *draft)
    # Its `client_id` was sent into another conversation by another process, while this one looked: now it is found.
    return await LINE.fetch(COMMIT_ONE, *draft)


def _columns(batch: list[Outgoing]) -> Iterator[list[Any] | None]:
    """The drafts as one array an argument. Of what no draft has there is none: measured, each costs 0.8 µs a draft."""
    for name, column in zip(Outgoing._fields, zip(*batch, strict=True), strict=True):
        yield None if name in RARE and not any(value is not None for value in column) else list(column)


def _offer(batch: list[Outgoing], rows: list[Record]) -> list[bytes | Record]:
    """Hand what was sent, and what others said before, to the tail, and give each draft the answer's JSON, or the row
    that says why not."""
    results: list[bytes | Record] = []
    entries: list[Entry] = []
    for draft, row in zip(batch, rows, strict=False):
        if row["r_code"] != "sent":
            results.append(row)
            continue
        data = f"{draft.data_head}{row['r_seq']}{draft.data_tail}{row['r_created_at']}{DATA_TAIL}".encode()
        position = row["r_position"]
        entries.append(Entry(HUB.epoch, position, "message.sent", row["r_audience"] or (), data, row["r_message_id"]))
        results.append(_answer(data[MESSAGE_STARTS_AT:-1], f"{HUB.epoch}-{position}"))
    LISTENER.offer(entries, [dict(zip(HEARD, row[1:], strict=True)) for row in rows[len(batch) :]])
    return results


def _answer(message: bytes, cursor: str) -> bytes:
    return b'{"message":%b,"cursor":"%b"}' % (message, cursor.encode())


async def _first_result(message_id: UUID) -> Sent:
    """What the first sending of this message gave; edited or unsent since, as it is now."""
    view, position = await pages.with_position(message_id)
    return Sent(_answer(_encode(view), f"{HUB.epoch}-{position}"), is_new=False)


async def _refusal(code: str, conversation_id: UUID, draft: Draft) -> errors.Refused:
    match code:
        case "message_conflict":
            return errors.MessageConflict()
        case "conversation_closed":
            return errors.ConversationClosed()
        case "conversation_moved":
            newer = await pages.after(conversation_id, draft.last_seen_seq or 0, NEWER_MAX)
            return errors.ConversationMoved(messages=newer)
        case "reply_not_found":
            return errors.Invalid(("reply_to", "is not a message of this conversation"))
        case _:
            return errors.NotFound()


LINE = Line()
SENDS: Writer[Outgoing, Record, bytes | Record] = Writer("send", _commit, _offer, _fits)
