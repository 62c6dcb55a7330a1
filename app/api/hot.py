"""Sending and streaming, once more, without the framework around them: for requests that are in every way ordinary.

Litestar's routing, request and response cost more than all the rest of sending a message, and what they keep is a third
of an idle stream. So a POST of a message with a token that is known already and a body of a stated, small size, and a
stream by Bearer token, go straight to the same decoder, action and stream. Everything else about these calls (first
tokens, cookies, tickets, CORS, documentation) stays with the handlers in `messages.py` and `events.py`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import msgspec
from asyncpg.pgproto.pgproto import UUID  # an `uuid.UUID` that is read and written at a tenth of the cost
from litestar import Litestar, Request

from app.api import problems
from app.api.body import Ready
from app.api.events import CURSOR_CHARACTERS_MAX, event_stream
from app.chat import messages, users
from app.errors import NotSignedIn, TokenExpired, TooLarge
from app.identity import Caller, Identity
from app.schemas import Draft
from app.settings import Settings

PATH = re.compile(r"/api/v1/conversations/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/messages")
STREAM_PATH = "/api/v1/events/stream"
STREAM_QUERY = re.compile(rb"(?:cursor=([a-z0-9-]{0,%d}))?" % CURSOR_CHARACTERS_MAX)

Handler = Callable[[Any, Any, Any], Awaitable[None]]

_decode = msgspec.json.Decoder(Draft).decode


class Hot:
    def __init__(self, app: Litestar, settings: Settings, identity: Identity, *, body_bytes_max: int) -> None:
        self.app = app
        self.settings = settings
        self.identity = identity
        self.body_bytes_max = body_bytes_max

    def takes_send(self, scope: Any) -> Handler | None:
        """Who answers this request, if it is an ordinary message."""
        if scope["method"] != "POST" or (match := PATH.fullmatch(scope["path"])) is None:
            return None
        headers = self._ordinary_headers(scope)
        token, length = _bearer(headers), headers.get(b"content-length", b"")
        if token not in self.identity.remembered or not length.isdigit() or int(length) > self.body_bytes_max:
            return None
        return partial(self._send, token, UUID(match[1]))

    async def stream(self, scope: Any) -> Handler | None:
        """The stream that is asked for, or why there is none, if it is asked for in the ordinary way. A token that was
        never good is the handler's affair: there it is counted against its address."""
        if scope["path"] != STREAM_PATH or scope["method"] != "GET":
            return None
        headers = self._ordinary_headers(scope)
        token = _bearer(headers)
        if not token:
            return None
        query = STREAM_QUERY.fullmatch(scope["query_string"])
        if query is None:
            return None
        cursor = (headers.get(b"last-event-id") or query[1] or b"").decode("latin-1")
        try:
            return event_stream(self.settings, await self._caller(token), cursor or None)
        except Exception as error:
            is_counted = isinstance(error, NotSignedIn) and not isinstance(error, TokenExpired)
            return None if is_counted else self._refuse(scope, error)

    def _ordinary_headers(self, scope: Any) -> dict[bytes, bytes]:
        """The headers; none when one of them comes twice, or when the answer would have to have those of CORS."""
        headers = dict(scope["headers"])
        if len(headers) < len(scope["headers"]) or (self.settings.allowed_origins and b"origin" in headers):
            return {}
        return headers

    async def _send(self, token: str, conversation_id: UUID, scope: Any, receive: Any, send: Any) -> None:
        try:
            caller = await self._caller(token)
            sent = await messages.send(caller, conversation_id, _decode(await self._read(receive)))
            answer: Any = Ready(sent.json, 201 if sent.is_new else 200)
        except Exception as error:
            answer = self._refuse(scope, error)
        await answer(scope, receive, send)

    async def _caller(self, token: str) -> Caller:
        caller = await self.identity.verify(token)
        await users.meet(caller)
        return caller

    async def _read(self, receive: Any) -> bytes:
        message = await receive()
        body: bytes = message.get("body", b"")
        while message.get("more_body"):
            message = await receive()
            body += message.get("body", b"")
            if len(body) > self.body_bytes_max:
                raise TooLarge
        if message["type"] == "http.disconnect":
            raise NotSignedIn("The client went away before its request was complete.")
        return body

    def _refuse(self, scope: Any, error: Exception) -> Handler:
        said: Any = {**scope, "litestar_app": self.app, "state": {}}
        request: Request[Any, Any, Any] = Request(said)
        handler = next(problems.HANDLERS[kind] for kind in type(error).__mro__ if kind in problems.HANDLERS)
        answer: Handler = handler(request, error).to_asgi_response(app=None, request=request)
        return answer


def _bearer(headers: dict[bytes, bytes]) -> str:
    said = headers.get(b"authorization", b"")
    return said[7:].decode("latin-1") if said[:7] == b"Bearer " else ""
