"""Sending, once more, without the framework around it: for a request that is in every way ordinary.

Litestar's routing, request and response cost more than all the rest of sending a message. So a POST of a message with a
token that is known already and a body of a stated, small size goes straight to the same decoder and the same action.
Everything else about the call (first tokens, cookies, CORS, documentation) stays with the handler in `messages.py`.
"""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import msgspec
from litestar import Litestar, Request

from app.api import problems
from app.api.body import Ready
from app.chat import messages, users
from app.errors import NotSignedIn, TooLarge
from app.identity import Caller, Identity
from app.schemas import Draft

PATH = re.compile(r"/api/v1/conversations/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/messages")

_decode = msgspec.json.Decoder(Draft).decode


class HotSend:
    def __init__(self, app: Litestar, identity: Identity, *, has_cors: bool, body_bytes_max: int) -> None:
        self.app = app
        self.identity = identity
        self.has_cors = has_cors
        self.body_bytes_max = body_bytes_max

    def takes(self, scope: Any) -> bool:
        """Whether this request is ordinary; then `scope["parley.send"]` holds its token and its conversation."""
        if scope["method"] != "POST" or (match := PATH.fullmatch(scope["path"])) is None:
            return False
        token, length = "", -1
        for name, value in scope["headers"]:
            if name == b"authorization" and value[:7] == b"Bearer ":
                token = value[7:].decode("latin-1")
            elif name == b"content-length":
                length = int(value) if value.isdigit() else -1
            elif name == b"origin" and self.has_cors:
                return False
        if not 0 <= length <= self.body_bytes_max or token not in self.identity.remembered:
            return False
        scope["parley.send"] = token, match[1]
        return True

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        token, conversation_id = scope["parley.send"]
        try:
            caller: Caller = await self.identity.verify(token)
            await users.meet(caller)
            sent = await messages.send(caller, UUID(conversation_id), _decode(await self._read(receive)))
            answer: Any = Ready(sent.json, 201 if sent.is_new else 200)
        except Exception as error:
            answer = self._refuse(scope, error)
        await answer(scope, receive, send)

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

    def _refuse(self, scope: Any, error: Exception) -> Any:
        said: Any = {**scope, "litestar_app": self.app, "state": {}}
        request: Request[Any, Any, Any] = Request(said)
        handler = next(problems.HANDLERS[kind] for kind in type(error).__mro__ if kind in problems.HANDLERS)
        return handler(request, error).to_asgi_response(app=None, request=request)
