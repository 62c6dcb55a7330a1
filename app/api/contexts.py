"""/contexts: what conversations are about."""

from __future__ import annotations

import msgspec
from litestar import Router, get, put

from app.api.door import Req, id_at_end
from app.chat import contexts
from app.schemas import ContextDraft, ContextKind, ContextRef, ContextView


@put("/contexts/{kind:str}/{item_id:path}", summary="Tell what an item is")
async def put_context(request: Req, kind: ContextKind, item_id: str, data: ContextDraft) -> ContextView:
    """For the shop's back end (`role: service`). Telling it again replaces it; cards already shared stay."""
    return await contexts.put(request.user, _ref(request, kind), data)


@get("/contexts/{kind:str}/{item_id:path}", summary="One item")
async def get_context(request: Req, kind: ContextKind, item_id: str) -> ContextView:
    """An item as the shop last told it. An order: only for its own people."""
    return await contexts.get(request.user, _ref(request, kind))


def _ref(request: Req, kind: str) -> ContextRef:
    return msgspec.convert({"kind": kind, "id": id_at_end(request, f"/contexts/{kind}/")}, ContextRef)


ROUTER = Router(path="/", route_handlers=[put_context, get_context], tags=["Contexts"])
