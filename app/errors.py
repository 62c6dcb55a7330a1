"""MAP 3: every way a request can fail, as a tree. No HTTP here: only the door (`app/api`) gives these a number.

    Refused
    ├── NotSignedIn          unauthenticated
    │   └── TokenExpired     token_expired
    ├── Forbidden            forbidden
    ├── NotFound             not_found           strangers get this too, never `forbidden`
    ├── Invalid              validation_failed   errors: [{field, message}]
    ├── Conflict
    │   ├── MessageConflict      message_conflict
    │   ├── ConversationMoved    conversation_moved   messages: the newer ones
    │   ├── ConversationClosed   conversation_closed
    │   └── EditWindowOver       edit_window_over
    ├── Blocked              blocked
    ├── RateLimited          rate_limited        retry_after_seconds
    ├── TooLarge             payload_too_large
    └── Unavailable          unavailable         retry_after_seconds

A class's docstring is its default detail: one sentence for the person who reads the answer.
"""

from __future__ import annotations

from typing import Any, ClassVar


class Refused(Exception):
    """The request was refused."""

    code: ClassVar[str] = "refused"

    def __init__(self, detail: str | None = None, **data: Any) -> None:
        self.detail = detail or (self.__doc__ or "").strip()
        self.data = data
        super().__init__(self.detail)


class NotSignedIn(Refused):
    """A valid token is needed: send it as `Authorization: Bearer …`."""

    code = "unauthenticated"


class TokenExpired(NotSignedIn):
    """The token has expired. Get a new one from the shop and try again."""

    code = "token_expired"


class Forbidden(Refused):
    """The caller may not do this."""

    code = "forbidden"


class NotFound(Refused):
    """There is nothing here for the caller."""

    code = "not_found"


class Invalid(Refused):
    """The request is not well formed. `errors` names each field."""

    code = "validation_failed"

    def __init__(self, *errors: tuple[str, str], detail: str | None = None) -> None:
        super().__init__(detail, errors=[{"field": field, "message": message} for field, message in errors])


class Conflict(Refused):
    """The state of things does not allow this."""

    code = "conflict"


class MessageConflict(Conflict):
    """Another message was already sent with this `client_id`. Use a new one."""

    code = "message_conflict"


class ConversationMoved(Conflict):
    """There are newer messages than the one you answered. Read them, then send again."""

    code = "conversation_moved"


class ConversationClosed(Conflict):
    """The conversation is closed. It can be read, and reopened by its people."""

    code = "conversation_closed"


class EditWindowOver(Conflict):
    """It is too late to change this message."""

    code = "edit_window_over"


class Blocked(Refused):
    """One of the two has blocked the other."""

    code = "blocked"


class RateLimited(Refused):
    """Too many at once. Wait for `Retry-After` seconds; nothing was stored."""

    code = "rate_limited"


class TooLarge(Refused):
    """The request is larger than this call accepts."""

    code = "payload_too_large"


class Unavailable(Refused):
    """The database is away. Nothing is lost: try again with the same `client_id`."""

    code = "unavailable"

    def __init__(self, detail: str | None = None, *, retry_after_seconds: int = 1) -> None:
        super().__init__(detail, retry_after_seconds=retry_after_seconds)
