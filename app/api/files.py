"""Files of the front end as they go out: compressed once, modules without comments and indentation, and a page with the
names of all modules that it will want, so that a browser need not find them one after the other."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import brotli
from litestar import Request, Response

from app.errors import NotFound

FRONTEND = Path(__file__).parent.parent.parent / "frontend"
TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
WIDGET = ("widget/loader.js", "widget/parley-widget.js")
IDENTITY = "identity"
FILES_MAX = 500  # kept in memory
# A comment that begins a line, or one with types within it. `test_files` sees to it that nothing else goes.
COMMENTS = re.compile(r"^[ \t]*/\*\*.*?\*/[ \t]*\n?|/\*\* @.*?\*/ ?|^[ \t]*//[^\n]*\n", re.MULTILINE | re.DOTALL)
INDENTATION = re.compile(r"^[ \t]+", re.MULTILINE)  # that of CSS in a module as well: a thirtieth of a page
IMPORTS = re.compile(r"""^(?:import|export)\b[^;'"]*["'](\.[^"']+)["'];""", re.MULTILINE)
ENTRY = re.compile(r'<script type="module" src="/static/([^"]+)"></script>')


class File(NamedTuple):
    """What is sent, by encoding, the smallest first. `etag` is quoted, as in its header."""

    contents: dict[str, bytes]
    etag: str


def answer(request: Request[Any, Any, Any], path: Path, headers: Mapping[str, str]) -> Response[bytes]:
    """The file, or 304 when the browser has it (RFC 9110, 13.1.2). Raises `NotFound`."""
    try:
        file = read(path)
    except OSError as error:
        raise NotFound from error
    sent = {"ETag": file.etag, "Vary": "Accept-Encoding", "X-Content-Type-Options": "nosniff", **headers}
    if request.headers.get("If-None-Match") == file.etag:
        return Response(b"", status_code=304, headers=sent)
    accepted = request.headers.get("Accept-Encoding", "")
    encoding = next((name for name in file.contents if name in accepted), IDENTITY)
    if encoding != IDENTITY:
        sent["Content-Encoding"] = encoding
    return Response(file.contents[encoding], media_type=TYPES[path.suffix], headers=sent)


def read(path: Path) -> File:
    """Raises `OSError` where there is none."""
    return _read(path, path.stat().st_mtime_ns)


def warm() -> None:
    """Have the widget's modules ready before somebody asks: measured, the first visitor waited a second longer."""
    for entry in WIDGET:
        for module in modules_of(FRONTEND / entry):
            read(module)


@lru_cache(FILES_MAX)
def _read(path: Path, changed_at: int) -> File:
    """A file as it was at that time."""
    content = path.read_bytes()
    if path.suffix == ".js":
        content = INDENTATION.sub("", COMMENTS.sub("", content.decode())).encode()
    elif path.suffix == ".html":
        content = with_preloads(content.decode()).encode()
    contents = {"br": brotli.compress(content), "gzip": gzip.compress(content, mtime=0), IDENTITY: content}
    return File(contents, f'"{hashlib.sha256(content).hexdigest()[:20]}"')


def with_preloads(html: str) -> str:
    """A page that names, in its head, what its modules import (WHATWG HTML, link type `modulepreload`)."""
    links = [
        f'<link rel="modulepreload" href="/static/{module.relative_to(FRONTEND).as_posix()}">\n'
        for entry in ENTRY.findall(html)
        for module in modules_of(FRONTEND / entry)
    ]
    return html.replace("</head>", f"{''.join(links)}</head>", 1)


def modules_of(entry: Path) -> list[Path]:
    """A module and all that it imports, each once, in the order in which a browser would find them."""
    found = [entry]
    for module in found:
        imported = [(module.parent / name).resolve() for name in IMPORTS.findall(module.read_text())]
        found += [path for path in dict.fromkeys(imported) if path not in found]
    return found
