"""/me and /presence: the caller, and whom they may see."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, Router, get, patch
from litestar.params import Body, Parameter

from app.chat import presence, users
from app.schemas import Me, MePatch, Presences


@get("/me", summary="The caller")
async def get_me(request: Request[Any, Any, Any]) -> Me:
    """Who the token speaks for, unread totals over everything and per role, and the cursor of that moment."""
    return await users.me(request.user)


@patch("/me", summary="Set the caller's status")
async def change_me(
    request: Request[Any, Any, Any], data: Annotated[MePatch, Body(description="Only what changes.")]
) -> Me:
    """`away` and a status text are shown to others; `invisible` looks offline to them."""
    me = await users.change(request.user, data)
    if data.status is not msgspec.UNSET or data.status_text is not msgspec.UNSET:
        await presence.announce([request.user.id])
    return me


@get("/presence", summary="Who is online")
async def get_presence(
    request: Request[Any, Any, Any],
    user_id: Annotated[
        list[str] | None, Parameter(description="May be repeated. Without it: all of them.", max_items=200)
    ] = None,
) -> Presences:
    """Of people the caller shares an open conversation with; who is online comes first."""
    return await presence.get(request.user, user_id)


ROUTER = Router(path="/", route_handlers=[get_me, change_me, get_presence], tags=["People"])
