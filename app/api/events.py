"""/events: the log by stream and by poll, and the tickets and sessions that open a stream in a browser."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, delete, get, post
from litestar.datastructures import Cookie
from litestar.openapi import ResponseSpec
from litestar.params import Parameter

from app import schemas
from app.api.door import COOKIE, count_failure, signed_in
from app.chat import sessions
from app.delivery.listener import LISTENER
from app.delivery.poll import WAIT_SECONDS_MAX, poll
from app.delivery.reader import Reader, Ticket
from app.delivery.stream import EventStream
from app.errors import NotSignedIn
from app.identity import Caller
from app.schemas import Polled, Session, StreamTicket, UserView
from app.settings import Settings

Req = Request[Any, Any, Any]
CURSOR_CHARACTERS_MAX = 64
CursorQuery = Annotated[
    str | None, Parameter(description="Where to go on. None: from now.", max_length=CURSOR_CHARACTERS_MAX)
]
TicketQuery = Annotated[
    str | None, Parameter(description="From POST /stream-tickets, instead of a token.", max_length=64)
]

STREAM = {200: ResponseSpec(bytes, media_type="text/event-stream", description="Server-Sent Events (WHATWG HTML 9.2).")}


@get("/events/stream", summary="The stream", responses=STREAM)
async def open_stream(request: Req, cursor: CursorQuery = None, ticket: TicketQuery = None) -> EventStream:
    """Every event for the caller from the cursor on: `Last-Event-ID`, else `?cursor=`, else from now. First `hello`,
    then what was missed, `ready`, then live. `ping` about every 15 s; `reset` when the cursor cannot be continued: load
    the state anew; `bye` before a planned end."""
    return await _stream(request, cursor, ticket)


@post("/events/stream", summary="The stream, by POST", responses=STREAM, status_code=200)
async def open_stream_by_post(request: Req, cursor: CursorQuery = None, ticket: TicketQuery = None) -> EventStream:
    """The same, for networks whose proxies hold back answers to GET. Nothing stands in its body."""
    stream = await _stream(request, cursor, ticket)
    if body := await request.body():
        msgspec.json.decode(body, type=schemas.Request)
    return stream


@get("/events", summary="Long poll", before_request=signed_in)
async def poll_events(
    request: Req,
    cursor: CursorQuery = None,
    wait: Annotated[
        float, Parameter(ge=0, le=WAIT_SECONDS_MAX, description="Seconds; 0 is plain catching up.")
    ] = WAIT_SECONDS_MAX,
) -> Polled:
    """The same events with the same cursors. Answers at once when there is something, else after `wait` with none."""
    reader = _reader(request.app.state.settings, _ticket_of(request.user))
    return await poll(reader, _last_event_id(request) or cursor, LISTENER.reach, request.receive, wait)


@post("/stream-tickets", summary="A ticket for a stream", before_request=signed_in)
async def issue_ticket(request: Req) -> StreamTicket:
    """Single use, 30 s: for a native EventSource on another origin, which can send neither header nor cookie."""
    return await sessions.issue_ticket(request.user)


@post("/session", summary="Trade the token for a cookie", before_request=signed_in)
async def begin_session(request: Req) -> Response[Session]:
    """A same-site HttpOnly cookie with the token, for pages on the shop's own origin."""
    caller: Caller = request.user
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise NotSignedIn("A session begins with a Bearer token.")
    expires_at = datetime.fromtimestamp(caller.expires_at, UTC)
    session = Session(
        user=UserView(id=caller.id, name=caller.name or caller.id, avatar_url=caller.avatar_url), expires_at=expires_at
    )
    max_age = max(0, int((expires_at - datetime.now(UTC)).total_seconds()))
    return Response(session, cookies=[_cookie(request, token, max_age)])


@delete("/session", summary="End the session", before_request=signed_in)
async def end_session(request: Req) -> Response[None]:
    """The token is refused from now on, wherever it is, and its streams end within a second."""
    await sessions.end(request.app.state.identity, request.user)
    return Response(None, status_code=204, cookies=[_cookie(request, "", 0)])


def _cookie(request: Req, token: str, max_age: int) -> Cookie:
    return Cookie(
        key=COOKIE,
        value=token,
        path="/api/v1",
        max_age=max_age,
        httponly=True,
        samesite="strict",
        secure=request.scope["scheme"] == "https",
    )


async def _stream(request: Req, cursor: str | None, ticket: str | None) -> EventStream:
    if ticket is not None:
        who = await _redeem(request, ticket)
    else:
        await signed_in(request)
        who = _ticket_of(request.user)
    return _event_stream(request.app.state.settings, who, _last_event_id(request) or cursor)


async def _redeem(request: Req, ticket: str) -> Ticket:
    try:
        return await sessions.redeem_ticket(ticket)
    except NotSignedIn as error:
        await count_failure(request.scope, error)
        raise


def event_stream(settings: Settings, caller: Caller, cursor: str | None) -> EventStream:
    """A stream of the caller's, to be served."""
    return _event_stream(settings, _ticket_of(caller), cursor)


def _event_stream(settings: Settings, who: Ticket, cursor: str | None) -> EventStream:
    max_age_ms = settings.stream_max_age_seconds * 1000
    return EventStream(_reader(settings, who), cursor, LISTENER.reach, max_age_ms=max_age_ms)


def _reader(settings: Settings, who: Ticket) -> Reader:
    return Reader(who, heartbeat_seconds=settings.heartbeat_seconds, max_age_seconds=settings.stream_max_age_seconds)


def _ticket_of(caller: Caller) -> Ticket:
    return Ticket(caller.id, caller.digest, caller.expires_at)


def _last_event_id(request: Req) -> str | None:
    return request.headers.get("last-event-id") or None


ROUTER = Router(
    path="/",
    route_handlers=[open_stream, open_stream_by_post, poll_events, issue_ticket, begin_session, end_session],
    tags=["Events"],
)
