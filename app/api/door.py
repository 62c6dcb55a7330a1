"""Who comes in: a Bearer token, or the session cookie on the shop's own site. Guards every call but the open ones."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from app.chat import users
from app.errors import Forbidden, NotSignedIn
from app.identity import Caller, Identity
from app.limits import AUTH_FAILURES

COOKIE = "parley_session"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

Connection = ASGIConnection[Any, Any, Any, Any]


async def signed_in(connection: Connection, _: BaseRouteHandler) -> None:
    """Let in whoever has a good token; the caller is then `request.user`. Raises `NotSignedIn`, `Forbidden`."""
    connection.scope["user"] = await _caller_of(connection)


async def _caller_of(connection: Connection) -> Caller:
    identity: Identity = connection.app.state.identity
    authorization = connection.headers.get("authorization")
    if authorization is not None:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise NotSignedIn("The Authorization header must be `Bearer <token>`.")
    else:
        token = connection.cookies.get(COOKIE, "")
        if not token:
            raise NotSignedIn
        if connection.scope.get("method") not in SAFE_METHODS:
            check_same_site(connection)
    address = connection.client.host if connection.client else ""
    AUTH_FAILURES.check(address)
    try:
        caller = await identity.verify(token)
    except NotSignedIn:
        AUTH_FAILURES.take(address)
        raise
    await users.meet(caller)
    return caller


def check_same_site(connection: Connection) -> None:
    """A cookie comes along by itself, so an unsafe call by cookie must come from our own pages (or allowed ones): by
    `Sec-Fetch-Site` (Fetch Metadata) and by `Origin`. Neither: refused. Raises `Forbidden`."""
    origin = connection.headers.get("origin")
    site = connection.headers.get("sec-fetch-site")
    allowed = connection.app.state.settings.allowed_origins
    if origin in allowed:
        return
    if site is not None and site != "same-origin":
        raise Forbidden("This call by cookie comes from another site.")
    if origin is not None and urlsplit(origin).netloc != connection.headers.get("host"):
        raise Forbidden("This call by cookie comes from another origin.")
    if origin is None and site is None:
        raise Forbidden("A call by cookie needs an Origin header.")
