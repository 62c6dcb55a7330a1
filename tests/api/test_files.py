"""Modules go out without comments and indentation and mean the same; a page names all that it will import."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import httpx
import pytest

from app.api import files
from app.api.files import FRONTEND
from tests.client.test_modules import NODE
from tests.harness import Cast, Server

MODULES = [
    path for folder in ("client", "widget", "shop", "doctor", "docs") for path in (FRONTEND / folder).glob("*.js")
]
TSC = FRONTEND / "node_modules" / "typescript" / "lib" / "tsc.js"
PAGES = sorted((FRONTEND / "shop").glob("*.html"))


def printed(sources: dict[Path, str], folder: Path) -> dict[Path, str]:
    """The modules as TypeScript prints them, without any comment."""
    paths = [folder / "in" / module.relative_to(FRONTEND) for module in sources]
    for path, text in zip(paths, sources.values(), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    options = ["--allowJs", "--removeComments", "--noCheck", "--noResolve", "--target", "esnext", "--module", "esnext"]
    done = subprocess.run(
        [NODE, TSC, *options, "--ignoreConfig", "--rootDir", folder / "in", "--outDir", folder / "out", *paths],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    return {module: (folder / "out" / module.relative_to(FRONTEND)).read_text() for module in sources}


def test_a_module_without_comments_and_indentation_is_the_same_program(tmp_path: Path) -> None:
    """Texts of several lines have lost their indentation too: there are none but style sheets, which do not mind."""
    before = {path: path.read_text() for path in MODULES}
    after = {path: files.read(path).contents[files.IDENTITY].decode() for path in MODULES}
    whole, short = printed(before, tmp_path / "before"), printed(after, tmp_path / "after")
    for path in MODULES:
        if path.name.startswith("styles"):
            assert files.INDENTATION.sub("", whole[path]) == files.INDENTATION.sub("", short[path])
        else:
            assert whole[path] == short[path], path
    assert sum(map(len, after.values())) < sum(map(len, before.values())) * 0.8, "it is worth it"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_names_every_module_it_will_want(page: Path) -> None:
    """Each once, none that is not there: a name too many costs a request, one too few a round trip."""
    names = re.findall(r'<link rel="modulepreload" href="/static/([^"]+)">', files.with_preloads(page.read_text()))
    assert len(names) == len(set(names)) > 3
    assert [] == [name for name in names if not (FRONTEND / name).is_file()]
    imported = {
        (FRONTEND / name).parent.joinpath(found).resolve()
        for name in names
        for found in re.findall(
            r"""^(?:import|export) (?:[^"]* from )?"(\.[^"]+)";""",
            files.read(FRONTEND / name).contents[files.IDENTITY].decode(),
            re.M,
        )
    }
    assert imported <= {(FRONTEND / name).resolve() for name in names}


async def test_a_page_is_compressed_and_not_sent_again(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.url) as anyone:
        first, smaller = [
            await anyone.get("/doctor", headers={"Accept-Encoding": accepted}) for accepted in ("gzip", "gzip, br")
        ]
        again = await anyone.get("/doctor", headers={"If-None-Match": first.headers["ETag"]})
    assert ("gzip", "br") == (first.headers["Content-Encoding"], smaller.headers["Content-Encoding"])
    assert int(smaller.headers["Content-Length"]) < int(first.headers["Content-Length"]) < len(first.content)
    assert 'rel="modulepreload"' in first.text
    assert "script-src 'self'" in first.headers["Content-Security-Policy"]
    assert (304, b"") == (again.status_code, again.content)


async def test_long_answers_are_compressed_and_streams_are_not(server: Server, cast: Cast) -> None:
    for number in range(10):
        await cast.sol.say(cast.conversation_id, f"Number {number}")
    headers = {"Accept-Encoding": "br"}
    history = await cast.bea.http.get(f"/conversations/{cast.conversation_id}/messages", headers=headers)
    unread = await cast.bea.http.get("/unread", headers=headers)
    assert ("br", None) == (history.headers.get("Content-Encoding"), unread.headers.get("Content-Encoding"))
    assert 10 == len(history.json()["messages"])
    async with cast.bea.stream(headers=headers) as stream:
        assert "Content-Encoding" not in stream.headers


def test_what_was_made_ready_is_not_compressed_again() -> None:
    files.warm()
    before = files._read.cache_info().misses
    for name in ("loader.js", "parley-widget.js"):
        for module in files.modules_of(FRONTEND / "widget" / name):
            files.read(module)
    assert before == files._read.cache_info().misses
