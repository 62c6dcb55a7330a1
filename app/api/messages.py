"""/messages: send, history, edit, unsend, boxes, receipts."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Request, Router, delete, get, patch, post, put
from litestar.openapi import ResponseSpec
from litestar.params import Parameter

from app.api.body import Ready, parse_context
from app.chat import messages, receipts
from app.errors import Invalid
from app.schemas import (
    LIMIT_MAX,
    SEQ_MAX,
    Box,
    ContextRef,
    Draft,
    Message,
    MessagePatch,
    Messages,
    Receipt,
    ReceiptDraft,
    Receipts,
    ReceiptsDraft,
    Sent,
)

Req = Request[Any, Any, Any]
SeqQuery = Annotated[int | None, Parameter(ge=0, le=SEQ_MAX)]


@post(
    "/conversations/{conversation_id:uuid}/messages",
    summary="Send a message",
    responses={
        201: ResponseSpec(Sent, description="Stored."),
        200: ResponseSpec(Sent, description="It was sent before."),
    },
)
async def send_message(request: Req, conversation_id: UUID, data: Draft) -> Ready:
    """Stored, and on its way to everyone, when this answers. The same `client_id` again gives 200 and the first result,
    so after a lost answer just send again. With `last_seen_seq` behind: 409 and the newer messages."""
    sent = await messages.send(request.user, conversation_id, data)
    return Ready(sent.json, 201 if sent.is_new else 200)


@get("/conversations/{conversation_id:uuid}/messages", summary="The history")
async def get_history(
    request: Req,
    conversation_id: UUID,
    before: SeqQuery = None,
    after: SeqQuery = None,
    around: SeqQuery = None,
    limit: Annotated[int, Parameter(ge=1, le=LIMIT_MAX)] = 50,
) -> Messages:
    """In ascending `seq`: the newest, or those `before`, `after` or `around` a number."""
    if sum(bound is not None for bound in (before, after, around)) > 1:
        raise Invalid(("before", "after and around exclude each other"))
    return await messages.history(request.user, conversation_id, before=before, after=after, around=around, limit=limit)


@get("/messages/{message_id:uuid}", summary="One message")
async def get_message(request: Req, message_id: UUID) -> Message:
    """404 for whoever is not in its conversation."""
    return await messages.get(request.user, message_id)


@patch("/messages/{message_id:uuid}", summary="Edit a message")
async def edit_message(request: Req, message_id: UUID, data: MessagePatch) -> Message:
    """Its sender, for 15 minutes. Counts like a message: 429."""
    return await messages.edit(request.user, message_id, data.body)


@delete("/messages/{message_id:uuid}", summary="Unsend a message", status_code=200)
async def unsend_message(request: Req, message_id: UUID) -> Message:
    """Its sender, for 24 hours. The body is gone from everywhere; the message's place stays, blank."""
    return await messages.unsend(request.user, message_id)


@get("/messages", summary="Inbox and sent box")
async def get_box(
    request: Req,
    box: Literal["inbox", "sent"],
    before: Annotated[str | None, Parameter(description="`next` of the page before.", max_length=64)] = None,
    limit: Annotated[int, Parameter(ge=1, le=LIMIT_MAX)] = 50,
) -> Box:
    """Messages across all conversations, newest first."""
    return await messages.box(request.user, box, before, limit)


@put("/conversations/{conversation_id:uuid}/receipt", summary="Move one's receipt")
async def move_receipt(request: Req, conversation_id: UUID, data: ReceiptDraft) -> Receipt:
    """How far messages were delivered and read. Only forward, and never past the last message."""
    return await receipts.move(request.user, conversation_id, data)


@put("/receipts", summary="Mark much as read")
async def move_receipts(request: Req, data: ReceiptsDraft) -> Receipts:
    """Everything up to a `cursor`, everything about an item (`context`), or both together."""
    if data.cursor is None and data.context is None:
        raise Invalid(("cursor", "or context is needed"))
    about = None
    if data.context is not None:
        kind, item_id = parse_context(data.context)
        about = ContextRef(kind=kind, id=item_id)  # type: ignore[arg-type]
    return await receipts.read_upto(request.user, data.cursor, about)


ROUTER = Router(
    path="/",
    route_handlers=[
        send_message,
        get_history,
        get_message,
        edit_message,
        unsend_message,
        get_box,
        move_receipt,
        move_receipts,
    ],
    tags=["Messages"],
)
