"""Before a load: would the server let anybody in? What is wrong is said once, not as ten thousand refusals."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
from geventhttpclient.response import HTTPParseError

from loadtests.tokens import Source
from loadtests.wire import Line, Site

PATIENCE_SECONDS = 10.0
USER_ID = "load-knock"


def complaint(url: str, source: Source, *, is_insecure: bool) -> str | None:
    """Why nobody would get in at this address; None if somebody did. Raises `TokenError`."""
    token = source(USER_ID, "service")
    line = Line(Site(url, is_insecure=is_insecure))
    try:
        response = line.ask("GET", "/me", token, patience_seconds=PATIENCE_SECONDS)
        status, body = response.status_code, response.read()
    except (OSError, HTTPParseError) as error:
        return f"{url} cannot be asked: {error}."
    finally:
        line.close()
    try:
        said = msgspec.json.decode(body)["user" if status == HTTPStatus.OK else "detail"]
    except (msgspec.DecodeError, KeyError, TypeError):
        return f"{url} answers {status} and is no Parley: {bytes(body[:100])!r}."
    if status == HTTPStatus.OK:
        return None
    why = " The tokens' secret, audience and issuer must be the server's." if status in (401, 403) else ""
    return f"{url} answers {status}: {said}{why}"
