"""/docs: the OpenAPI description and the page that shows it. The page is ours: it loads nothing from elsewhere."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from litestar import Litestar, MediaType, Request, Response, get
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from app.api import examples, files

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
    render_plugins=[JsonRenderPlugin()],  # none named would mean all, with scripts from other people's servers
    use_handler_docstrings=True,
)


# Our pages load their own files and nothing else, and stand in nobody's frame.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def html(request: Request[Any, Any, Any], path: Path) -> Response[bytes]:
    """A page of ours."""
    headers = {"Content-Security-Policy": POLICY, "Referrer-Policy": "same-origin", "Cache-Control": "no-cache"}
    return files.answer(request, path, headers)


LAST_EVENT_ID = {
    "name": "Last-Event-ID",
    "in": "header",
    "description": "The cursor, as a native EventSource sends it. It wins over `?cursor=`.",
    "schema": {"type": "string"},
    "required": False,
}
REFUSAL = {
    "description": "Refused: 400, 401, 403, 404, 409, 413, 429 or 503, with a stable `code` (RFC 9457).",
    "content": {
        "application/problem+json": {
            "schema": {
                "type": "object",
                "properties": {
                    "type": {"type": "string"},
                    "title": {"type": "string"},
                    "status": {"type": "integer"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
                "required": ["type", "title", "status", "code", "detail"],
            },
            "example": {
                "type": "urn:parley:problem:not_found",
                "title": "Not found",
                "status": 404,
                "code": "not_found",
                "detail": "There is nothing here for the caller.",
            },
        }
    },
}


@get("/docs", include_in_schema=False, media_type=MediaType.HTML)
async def page(request: Request[Any, Any, Any]) -> Response[bytes]:
    return html(request, PAGE)


@get("/docs/openapi.json", include_in_schema=False)
async def description(request: Request[Any, Any, Any]) -> dict[str, Any]:
    return described(request.app)


@cache
def described(app: Litestar) -> dict[str, Any]:
    """The OpenAPI description, with an example call for every operation and the events of the stream."""
    schema = app.openapi_schema.to_schema()
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            _describe(operation, path, examples.BODIES.get(f"{method} {path}"))
    schema["x-events"] = {
        name: {"description": text, "example": example} for name, (text, example) in examples.EVENTS.items()
    }
    return schema


def _describe(operation: dict[str, Any], path: str, body: Any) -> None:
    if body is not None:
        operation["requestBody"]["content"]["application/json"]["example"] = body
    for parameter in operation.get("parameters", ()):
        if parameter["name"] in examples.PARAMETERS:
            parameter["example"] = examples.PARAMETERS[parameter["name"]]
    if path.startswith("/api/v1/events"):
        operation.setdefault("parameters", []).append(LAST_EVENT_ID)
    if not path.startswith("/api/"):
        operation["security"] = []
    operation["responses"].pop("400", None)  # Litestar's own form of an error, which is never sent
    operation["responses"]["default"] = REFUSAL


ROUTES: list[Any] = [page, description]
