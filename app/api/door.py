"""Who comes in: a Bearer token, or the session cookie on the shop's own site. Guards every call but the open ones."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from litestar import Request

from app.chat import users
from app.errors import Forbidden, NotSignedIn, TokenExpired
from app.identity import Caller, Identity
from app.limits import AUTH_FAILURES

COOKIE = "parley_session"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

Req = Request[Any, Any, Any]


def id_at_end(request: Req, before: str) -> str:
    """The shop's own id that the path ends with, behind this part of it. As it was sent: in the path that routes are
    found by, slashes at its end or next to each other are gone, and it would be somebody else's."""
    return unquote(request.scope["raw_path"].decode("latin-1").partition(before)[2])


async def signed_in(request: Req) -> None:
    """Let in whoever has a good token; the caller is then `request.user`. Raises `NotSignedIn`, `Forbidden`.

    A `before_request` hook and not a Litestar guard: for each of those the handler is copied with every request.
    """
    request.scope["user"] = await _caller_of(request)


async def _caller_of(request: Req) -> Caller:
    token = _token_of(request)
    identity: Identity = request.app.state.identity
    try:
        caller = await identity.verify(token)
    except NotSignedIn as error:
        await count_failure(request.scope, error)
        raise
    await users.meet(caller)
    return caller


async def count_failure(scope: Any, error: NotSignedIn) -> None:
    """Count a bad token or ticket against the address it came from. Raises `RateLimited` when they are too many.

    One that has expired was once good, so nobody is trying it out: a whole office may come with such after a night.
    """
    if not isinstance(error, TokenExpired):
        await AUTH_FAILURES.spend(scope["client"][0] if scope["client"] else "")


def _token_of(request: Req) -> str:
    said = [value for name, value in request.scope["headers"] if name == b"authorization"]
    if len(said) > 1:  # a proxy in front of us may have looked at the other one
        raise NotSignedIn("There must be one Authorization header.")
    if said:
        scheme, _, token = said[0].decode("latin-1").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise NotSignedIn("The Authorization header must be `Bearer <token>`.")
        return token
    cookie = _cookie_of(request)
    if not cookie:
        raise NotSignedIn
    if request.method not in SAFE_METHODS:
        check_same_site(request)
    return cookie


def _cookie_of(request: Req) -> str | None:
    """The session cookie. Two that differ: a neighbouring site has set one for us as well, and whose comes first is
    the browser's affair (RFC 6265 8.6), so neither is believed."""
    pairs = (pair.strip().partition("=") for said in request.headers.getall("cookie", []) for pair in said.split(";"))
    found = {value for name, _, value in pairs if name == COOKIE}
    if len(found) > 1:
        raise NotSignedIn("There are two session cookies. Sign in anew.")
    return found.pop() if found else None


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
    if origin is not None and origin.partition("://")[2] != request.headers.get("host"):
        raise Forbidden("This call by cookie comes from another origin.")
    if origin is None and site is None:
        raise Forbidden("A call by cookie needs an Origin header.")
