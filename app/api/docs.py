"""/docs: the OpenAPI description and the page that shows it. The page is ours: it loads nothing from elsewhere."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from litestar import Litestar, MediaType, Request, Response, get
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme

from app.api import examples

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
    use_handler_docstrings=True,
)


# Our pages load their own files and nothing else.
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'"


def html(path: Path) -> Response[bytes]:
    headers = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}
    return Response(path.read_bytes(), media_type=MediaType.HTML, headers=headers)


@get("/docs", include_in_schema=False, media_type=MediaType.HTML)
async def page() -> Response[bytes]:
    return html(PAGE)


@get("/docs/openapi.json", include_in_schema=False)
async def description(request: Request[Any, Any, Any]) -> dict[str, Any]:
    return described(request.app)


@cache
def described(app: Litestar) -> dict[str, Any]:
    """The OpenAPI description, with an example call for every operation and the events of the stream."""
    schema = app.openapi_schema.to_schema()
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            body = examples.BODIES.get(f"{method} {path}")
            if body is not None:
                operation["requestBody"]["content"]["application/json"]["example"] = body
            operation["x-codeSamples"] = [
                {"lang": "Shell", "label": "curl", "source": _curl(method, path, operation, body)}
            ]
    schema["x-events"] = {
        name: {"description": text, "example": example} for name, (text, example) in examples.EVENTS.items()
    }
    return schema


def _curl(method: str, path: str, operation: dict[str, Any], body: Any) -> str:
    for parameter in operation.get("parameters", ()):
        name = parameter["name"]
        if parameter["in"] == "path":
            path = path.replace(f"{{{name}}}", examples.PARAMETERS[name])
        elif parameter.get("required"):
            path += f"?{name}={examples.PARAMETERS[name]}"
    lines = [f"curl -X {method.upper()} 'http://127.0.0.1:8000{path}'"]
    if path.startswith("/api/"):
        lines.append('-H "Authorization: Bearer $TOKEN"')
    if body is not None:
        lines += ["-H 'Content-Type: application/json'", f"-d '{json.dumps(body)}'"]
    return " \\\n  ".join(lines)


ROUTES: list[Any] = [page, description]
