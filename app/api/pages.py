"""The front end: its modules, the widget's loader, and the connection doctor."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from litestar import MediaType, Request, Response, get

from app.api import docs, files
from app.api.files import FRONTEND
from app.errors import NotFound

FOLDERS = ("client", "widget", "react", "shop", "doctor", "docs")
NAMES = re.compile(r"(/[a-z0-9][a-z0-9_-]*)*/[a-z0-9][a-z0-9_-]*\.(css|html|js|json|svg)")
LOADER_SECONDS = 300  # other people's pages ask for it each time; a release reaches them within this


@get("/static/{folder:str}/{path:path}", include_in_schema=False)
async def get_file(request: Request[Any, Any, Any], folder: str, path: str) -> Response[bytes]:
    """Browsers ask each time whether a file is another (RFC 9110, 13.1.2): modules of two releases must not mix."""
    if folder not in FOLDERS or not NAMES.fullmatch(path):
        raise NotFound
    found = FRONTEND / folder / path.lstrip("/")
    return _open_to_all(request, found, "no-cache")


@get("/parley.js", include_in_schema=False)
async def loader(request: Request[Any, Any, Any]) -> Response[bytes]:
    return _open_to_all(request, FRONTEND / "widget" / "loader.js", f"public, max-age={LOADER_SECONDS}")


@get("/doctor", include_in_schema=False, media_type=MediaType.HTML)
async def doctor(request: Request[Any, Any, Any]) -> Response[bytes]:
    return docs.html(request, FRONTEND / "doctor" / "index.html")


def _open_to_all(request: Request[Any, Any, Any], path: Path, cache_control: str) -> Response[bytes]:
    """Pages that embed the widget load its modules across origins. There is nothing of anyone's in them."""
    return files.answer(request, path, {"Cache-Control": cache_control, "Access-Control-Allow-Origin": "*"})


ROUTES: list[Any] = [get_file, loader, doctor]
