"""The files of the front end: open to all, kept by browsers, and nothing else of the machine."""

from __future__ import annotations

import httpx
import pytest

from tests.harness import Server


@pytest.mark.parametrize(
    ("path", "kind"), [("client/store.js", "text/javascript"), ("docs/docs.css", "text/css")], ids=str
)
async def test_a_file_is_given_to_pages_of_any_origin(server: Server, path: str, kind: str) -> None:
    async with httpx.AsyncClient(base_url=server.url) as anyone:
        answer = await anyone.get(f"/static/{path}", headers={"Accept-Encoding": "gzip"})
        assert (200, "gzip", "*") == (
            answer.status_code,
            answer.headers["Content-Encoding"],
            answer.headers["Access-Control-Allow-Origin"],
        )
        assert f"{kind}; charset=utf-8" == answer.headers["Content-Type"]
        plain = await anyone.get(f"/static/{path}", headers={"Accept-Encoding": "identity"})
        assert "Content-Encoding" not in plain.headers
        assert plain.content == answer.content


@pytest.mark.parametrize(
    "path",
    [
        "/health/live",
        "/health/ready",
        "/static/client/store.js",
        "/parley.js",
        "/docs",
        "/docs/openapi.json",
        "/doctor",
    ],
)
async def test_head_is_answered_as_get_without_its_body(server: Server, path: str) -> None:
    async with httpx.AsyncClient(base_url=server.url) as anyone:
        whole, head, after = await anyone.get(path), await anyone.head(path), await anyone.get(path)
    assert (200, b"") == (head.status_code, head.content)
    for name in ("Content-Type", "Content-Length", "ETag", "Cache-Control"):
        assert whole.headers.get(name) == head.headers.get(name), name
    assert whole.content == after.content, "the connection goes on"


@pytest.mark.parametrize("path", ["/api/v1/events", "/api/v1/events/stream", "/api/v1/me"])
async def test_calls_have_no_head(server: Server, path: str) -> None:
    async with httpx.AsyncClient(base_url=server.url) as anyone:
        assert 405 == (await anyone.head(path)).status_code


async def test_a_file_that_is_the_same_is_not_sent_again(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.url) as anyone:
        first = await anyone.get("/static/client/store.js")
        again = await anyone.get("/static/client/store.js", headers={"If-None-Match": first.headers["ETag"]})
        other = await anyone.get("/static/client/store.js", headers={"If-None-Match": '"another"'})
    assert (304, b"", 200) == (again.status_code, again.content, other.status_code)


@pytest.mark.parametrize(
    "path",
    [
        "/static/client/",
        "/static/client/nothing.js",
        "/static/nothing/store.js",
        "/static/client/%2e%2e/package.json",
        "/static/client/..%2fpackage.json",
        "/static/client//package.json",
        "/static/client/store.js%00.js",
        "/static/client/store.JS",
        "/static/" + "a" * 5_000 + "/x.js",
        "/static/client/" + "a" * 5_000 + ".js",
    ],
)
async def test_nothing_else_is_given(server: Server, path: str) -> None:
    async with httpx.AsyncClient(base_url=server.url) as anyone:
        answer = await anyone.get(path)
    assert 404 == answer.status_code
    assert "not_found" == answer.json()["code"]
