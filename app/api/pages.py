"""Files of the front end, as they are: the modules, the widget's loader, and the connection doctor."""

from __future__ import annotations

import gzip
import hashlib
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from litestar import MediaType, Request, Response, get

from app.api import docs
from app.errors import NotFound

FRONTEND = Path(__file__).parent.parent.parent / "frontend"
TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
FOLDERS = ("client", "widget", "shop", "doctor", "docs")
NAMES = re.compile(r"(/[a-z0-9][a-z0-9_-]*)*/[a-z0-9][a-z0-9_-]*\.(css|html|js|json|svg)")
FILES_MAX = 500  # kept in memory
LOADER_SECONDS = 300  # other people's pages ask for it each time; a release reaches them within this


class File(NamedTuple):
    content: bytes
    compressed: bytes
    etag: str


@get("/static/{folder:str}/{path:path}", include_in_schema=False)
async def get_file(request: Request[Any, Any, Any], folder: str, path: str) -> Response[bytes]:
    """Browsers ask each time whether a file is another (RFC 9110, 13.1.2): modules of two releases must not mix."""
    if folder not in FOLDERS or not NAMES.fullmatch(path):
        raise NotFound
    found = FRONTEND / folder / path.lstrip("/")
    return _answer(request, found, "no-cache")


@get("/parley.js", include_in_schema=False)
async def loader(request: Request[Any, Any, Any]) -> Response[bytes]:
    return _answer(request, FRONTEND / "widget" / "loader.js", f"public, max-age={LOADER_SECONDS}")


@get("/doctor", include_in_schema=False, media_type=MediaType.HTML)
async def doctor() -> Response[bytes]:
    return docs.html(FRONTEND / "doctor" / "index.html")


def _answer(request: Request[Any, Any, Any], path: Path, cache_control: str) -> Response[bytes]:
    try:
        file = _read(path, path.stat().st_mtime_ns)
    except OSError as error:
        raise NotFound from error
    headers = {
        "Cache-Control": cache_control,
        "ETag": file.etag,
        "Vary": "Accept-Encoding",
        # Pages that embed the widget load its modules across origins. There is nothing of anyone's in them.
        "Access-Control-Allow-Origin": "*",
        "X-Content-Type-Options": "nosniff",
    }
    if request.headers.get("If-None-Match") == file.etag:
        return Response(b"", status_code=304, headers=headers)
    is_compressed = "gzip" in request.headers.get("Accept-Encoding", "")
    if is_compressed:
        headers["Content-Encoding"] = "gzip"
    return Response(file.compressed if is_compressed else file.content, media_type=TYPES[path.suffix], headers=headers)


@lru_cache(FILES_MAX)
def _read(path: Path, changed_at: int) -> File:
    """A file as it was at that time, compressed once."""
    content = path.read_bytes()
    return File(content, gzip.compress(content, mtime=0), f'"{hashlib.sha256(content).hexdigest()[:20]}"')


ROUTES: list[Any] = [get_file, loader, doctor]
