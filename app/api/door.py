"""Who comes in: a Bearer token, or the session cookie on the shop's own site. Guards every call but the open ones."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from litestar import Request

from app.chat import users
from app.errors import Forbidden, NotSignedIn
from app.identity import Caller, Identity
from app.limits import AUTH_FAILURES

COOKIE = "parley_session"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

Req = Request[Any, Any, Any]


async def signed_in(request: Req) -> None:
    """Let in whoever has a good token; the caller is then `request.user`. Raises `NotSignedIn`, `Forbidden`.

    A `before_request` hook and not a Litestar guard: for each of those the handler is copied with every request.
    """
    request.scope["user"] = await _caller_of(request)


async def _caller_of(request: Req) -> Caller:
    token = _token_of(request)
    identity: Identity = request.app.state.identity
    address = request.scope["client"][0] if request.scope["client"] else ""
    try:
        caller = await identity.verify(token)
    except NotSignedIn:
        AUTH_FAILURES.take(address)
        raise
    await users.meet(caller)
    return caller


def _token_of(request: Req) -> str:
    for name, value in request.scope["headers"]:
        if name == b"authorization":
            scheme, _, token = value.decode("latin-1").partition(" ")
            if scheme.lower() != "bearer" or not token:
                raise NotSignedIn("The Authorization header must be `Bearer <token>`.")
            return token
    cookie = request.cookies.get(COOKIE)
    if not cookie:
        raise NotSignedIn
    if request.method not in SAFE_METHODS:
        check_same_site(request)
    return cookie


def check_same_site(request: Req) -> None:
    """A cookie comes along by itself, so an unsafe call by cookie must come from our own pages (or allowed ones): by
    `Sec-Fetch-Site` (Fetch Metadata) and by `Origin`. Neither: refused. Raises `Forbidden`."""
    origin = request.headers.get("origin")
    site = request.headers.get("sec-fetch-site")
    allowed = request.app.state.settings.allowed_origins
    if origin in allowed:
        return
    if site is not None and site != "same-origin":
        raise Forbidden("This call by cookie comes from another site.")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise Forbidden("This call by cookie comes from another origin.")
    if origin is None and site is None:
        raise Forbidden("A call by cookie needs an Origin header.")
