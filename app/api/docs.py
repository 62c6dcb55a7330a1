"""/docs: the OpenAPI description and the page that shows it. The page is ours: it loads nothing from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from litestar import MediaType, Request, Response, get
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme

PAGE = Path(__file__).parent.parent.parent / "frontend" / "docs" / "index.html"

CONFIG = OpenAPIConfig(
    title="Parley",
    version="1",
    description=(
        "Buyer-seller chat over plain HTTP. Messages go in by POST and come out by Server-Sent Events or long polling, "
        "with one cursor for both. Send a token of the shop's as `Authorization: Bearer …`. Every refusal is "
        "`application/problem+json` with a stable `code`."
    ),
    components=Components(
        security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")}
    ),
    security=[{"bearer": []}],
    path="/openapi",
    render_plugins=[],
)


@get("/docs", include_in_schema=False, media_type=MediaType.HTML)
async def page() -> Response[bytes]:
    return Response(PAGE.read_bytes(), media_type=MediaType.HTML)


@get("/docs/openapi.json", include_in_schema=False)
async def description(request: Request[Any, Any, Any]) -> dict[str, Any]:
    return request.app.openapi_schema.to_schema()


ROUTES: list[Any] = [page, description]
