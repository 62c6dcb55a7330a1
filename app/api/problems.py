"""Refusals become `application/problem+json` (RFC 9457): the one place where an error gets its HTTP status."""

from __future__ import annotations

import re
from typing import Any

import asyncpg
import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from app import errors
from app.chat import users
from app.database import AWAY

MEDIA_TYPE = "application/problem+json"

STATUS: dict[type[errors.Refused], int] = {
    errors.Invalid: 400,
    errors.NotSignedIn: 401,
    errors.Forbidden: 403,
    errors.Blocked: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.TooLarge: 413,
    errors.RateLimited: 429,
    errors.Unavailable: 503,
}

log = structlog.get_logger("parley.api")


def refuse(_: Request[Any, Any, Any], error: errors.Refused, *, status: int | None = None) -> Response[bytes]:
    """The problem document of a refusal."""
    status = status or next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    data = dict(error.data)
    headers = {"Cache-Control": "no-store"}
    if seconds := data.pop("retry_after_seconds", None):
        headers["Retry-After"] = str(seconds)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    said = {
        "type": f"urn:parley:problem:{error.code}",
        "title": error.code.replace("_", " ").capitalize(),
        "status": status,
        "code": error.code,
        "detail": error.detail,
        **data,
    }
    return Response(msgspec.json.encode(said), status_code=status, media_type=MEDIA_TYPE, headers=headers)


def refuse_framework(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """What Litestar refuses before an action is called."""
    if error.status_code >= 500 and error.status_code != 503:
        return fail(request, error)
    refused: errors.Refused
    match error.status_code:
        case 404 | 405:
            refused = errors.NotFound("There is no such call.")
        case 413:
            refused = errors.TooLarge()
        case 503:
            refused = errors.Unavailable(error.detail)
        case _ if isinstance(error, ValidationException):
            refused = errors.Invalid(*_parameter_errors(error))
        case _:
            refused = errors.Invalid(("request", error.detail))
    response = refuse(request, refused, status=405 if error.status_code == 405 else None)
    response.headers.update(error.headers or {})
    return response


# Handlers' arguments that cannot be called what they are called on the wire.
QUERY_NAMES = {"role": "as", "which": "filter", "about": "context", "with_user": "with"}


def _parameter_errors(error: ValidationException) -> list[tuple[str, str]]:
    extra = error.extra if isinstance(error.extra, list) else []
    found = [(str(item.get("key", "")), str(item.get("message", ""))) for item in extra if isinstance(item, dict)]
    if any(key == "data" for key, _ in found):
        return [("body", "is needed, as JSON")]
    if missing := re.match(r"Missing required \w+ parameter '(\w+)'", error.detail):
        return [(missing[1], "is needed")]
    return [(QUERY_NAMES.get(key, key) or "request", message) for key, message in found] or [("request", error.detail)]


def refuse_body(request: Request[Any, Any, Any], error: msgspec.MsgspecError) -> Response[bytes]:
    """A body that is not JSON, or not what the call takes. msgspec ends its sentence with the place: at `$.price`."""
    text = str(error)
    match = re.fullmatch(r"(?s)(.*?)(?: - at `(?:key in )?\$\.?(.*)`)?", text)
    assert match is not None
    message, field = match[1], match[2] or ""
    if named := re.search(r"(?:unknown|required) field `([^`]*)`", message):
        field = f"{field}.{named[1]}".strip(".")
    return refuse(request, errors.Invalid((field or "body", message)))


def refuse_away(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    log.warning("database away", error=type(error).__name__, path=request.scope["path"])
    return refuse(request, errors.Unavailable())


def refuse_forgotten(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Somebody whom the door has met is not there: the database is an older one. With the next try they are met."""
    users.forget()
    return refuse_away(request, error)


def refuse_data(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """A value that no column can hold, such as a NUL in a text."""
    return refuse(request, errors.Invalid(("request", "has a value that cannot be stored")))


def fail(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """A mistake of ours. Told without its inside; the log has the rest."""
    log.error("failed", path=request.scope["path"], method=request.scope["method"], exc_info=error)
    said = {
        "type": "urn:parley:problem:internal",
        "title": "Internal error",
        "status": 500,
        "code": "internal",
        "detail": "Something went wrong here. It has been logged.",
    }
    return Response(msgspec.json.encode(said), status_code=500, media_type=MEDIA_TYPE)


HANDLERS: dict[Any, Any] = {
    errors.Refused: refuse,
    HTTPException: refuse_framework,
    msgspec.MsgspecError: refuse_body,
    UnicodeError: refuse_data,
    asyncpg.DataError: refuse_data,
    asyncpg.ForeignKeyViolationError: refuse_forgotten,
    asyncpg.LockNotAvailableError: refuse_away,
    asyncpg.DeadlockDetectedError: refuse_away,
    asyncpg.QueryCanceledError: refuse_away,
    **dict.fromkeys(AWAY, refuse_away),
    Exception: fail,
}
