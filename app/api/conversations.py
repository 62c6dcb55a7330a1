"""/conversations: open, list, change, people."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Request, Response, Router, delete, get, patch, post, put
from litestar.openapi import ResponseSpec
from litestar.params import Parameter

from app.api.body import parse_context
from app.api.door import id_at_end
from app.chat import conversations, messages, typing, unread
from app.chat.conversations.lookup import Query
from app.schemas import (
    LIMIT_MAX,
    ContextRef,
    Conversation,
    ConversationPatch,
    Conversations,
    Opened,
    Opening,
    ParticipantDraft,
    Role,
    TypingDraft,
    UnreadView,
)

Req = Request[Any, Any, Any]
ContextQuery = Annotated[str | None, Parameter(query="context", description="`kind:id`, as in `listing:42`")]


@post(
    "/conversations",
    summary="Open a conversation, or get it",
    responses={
        201: ResponseSpec(Opened, description="It is new."),
        200: ResponseSpec(Opened, description="It was there."),
    },
)
async def open_conversation(request: Req, data: Opening) -> Response[Opened]:
    """A buyer names the context, whose owner becomes the other side, or one person. The shop's back end names everyone.
    The same people and context find the same conversation: 201 when it is new, 200 when it was there. Who had left is
    back in it then, which counts like a message (429); who was taken out gets 403, until others bring them back."""
    opened, is_new = await messages.open_with(request.user, data)
    return Response(opened, status_code=201 if is_new else 200)


@get("/conversations", summary="The caller's conversations")
async def list_conversations(
    request: Req,
    role: Annotated[Role | None, Parameter(query="as", description="Only those where the caller is this.")] = None,
    which: Annotated[Literal["unread", "archived"] | None, Parameter(query="filter")] = None,
    about: ContextQuery = None,
    with_user: Annotated[str | None, Parameter(query="with", description="Only those with this person.")] = None,
    q: Annotated[
        str, Parameter(max_length=100, description="Words in names, item titles and subjects; typos are forgiven.")
    ] = "",
    before: Annotated[str | None, Parameter(description="`next` of the page before.", max_length=64)] = None,
    limit: Annotated[int, Parameter(ge=1, le=LIMIT_MAX)] = 20,
) -> Conversations:
    """Newest activity first. The first page carries the `cursor` of the same moment: open the stream from there and
    nothing is missed. Archived ones only with `filter=archived`."""
    query = Query(
        role=role,
        is_unread=which == "unread",
        is_archived=which == "archived",
        context=_ref(about),
        with_user_id=with_user,
        words=q,
        before=before,
        limit=limit,
    )
    return await conversations.page(request.user, query)


@get("/conversations/{conversation_id:uuid}", summary="One conversation")
async def get_conversation(request: Req, conversation_id: UUID) -> Conversation:
    """404 for whoever is not in it."""
    return await conversations.get(request.user, conversation_id)


@patch("/conversations/{conversation_id:uuid}", summary="Mute, archive, close")
async def change_conversation(request: Req, conversation_id: UUID, data: ConversationPatch) -> Conversation:
    """`is_muted` and `is_archived` are the caller's own, `state` is everyone's. A new message ends archiving. A
    change of `state` counts like a message: 429."""
    return await conversations.change(request.user, conversation_id, data)


@post(
    "/conversations/{conversation_id:uuid}/participants",
    summary="Bring someone in",
    responses={
        201: ResponseSpec(Conversation, description="They are in."),
        200: ResponseSpec(Conversation, description="They were in."),
    },
)
async def add_participant(request: Req, conversation_id: UUID, data: ParticipantDraft) -> Response[Conversation]:
    """For the shop's back end, moderators, and agents in the conversation whom one of these brought there: somebody to
    whom one just wrote as to an agent brings nobody. 200 when the person is in it already. Counts like a message:
    429."""
    view, has_joined = await conversations.join(request.user, conversation_id, data)
    return Response(view, status_code=201 if has_joined else 200)


@delete("/conversations/{conversation_id:uuid}/participants/{user_id:path}", summary="Leave, or take someone out")
async def remove_participant(request: Req, conversation_id: UUID, user_id: str) -> None:
    """Anyone may leave; who may bring people in may take them out. What they wrote stays. Counts like a message:
    429."""
    await conversations.leave(request.user, conversation_id, id_at_end(request, "/participants/"))


@get("/unread", summary="Unread counts")
async def get_unread(request: Req, about: ContextQuery = None) -> UnreadView:
    """In all, per role and per conversation; of one item with `context=kind:id`."""
    return await unread.count(request.user, _ref(about))


def _ref(about: str | None) -> ContextRef | None:
    if about is None:
        return None
    kind, item_id = parse_context(about)
    return ContextRef(kind=kind, id=item_id)  # type: ignore[arg-type]


@put("/conversations/{conversation_id:uuid}/typing", summary="Tell that one types", status_code=204)
async def set_typing(request: Req, conversation_id: UUID, data: TypingDraft) -> None:
    """A signal to the others, never stored, gone after 6 s: repeat it every few seconds while the person types."""
    await typing.set_typing(request.user, conversation_id, is_typing=data.is_typing)


ROUTER = Router(
    path="/",
    route_handlers=[
        open_conversation,
        list_conversations,
        get_conversation,
        change_conversation,
        add_participant,
        remove_participant,
        get_unread,
        set_typing,
    ],
    tags=["Conversations"],
)
