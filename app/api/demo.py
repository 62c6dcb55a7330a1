"""The demo: a cast with logins, and the shop's pages. Only in demo mode: whoever asks gets a token."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from litestar import MediaType, Request, Response, Router, get, post
from msgspec import Struct

from app.api import docs
from app.errors import NotFound
from app.seed import CAST

TOKEN_TTL_SECONDS = 12 * 3600
PAGES = Path(__file__).parent.parent.parent / "frontend" / "shop"


class DemoLogin(Struct, frozen=True):
    token: str
    user_id: str
    name: str


@post("/demo/logins/{user_id:str}", summary="A demo login")
async def log_in(request: Request[Any, Any, Any], user_id: str) -> DemoLogin:
    """A token for one of the cast, as a shop's back end would make it."""
    if user_id not in CAST:
        raise NotFound
    name, role = CAST[user_id]
    token = request.app.state.identity.mint(user_id, ttl_seconds=TOKEN_TTL_SECONDS, name=name, role=role)
    return DemoLogin(token=token, user_id=user_id, name=name)


@get(["/", "/desk"], include_in_schema=False, media_type=MediaType.HTML)
async def page(request: Request[Any, Any, Any]) -> Response[bytes]:
    name = "desk.html" if request.url.path == "/desk" else "index.html"
    return docs.html(PAGES / name)


def routes() -> list[Router]:
    return [Router(path="/", route_handlers=[log_in, page], tags=["Demo"])]
