"""Other people's pages: what a browser can be made to do by a page that is not ours (CSRF, CORS, frames, cookies).

What `/session` and the rules of `Origin` do call by call is in `tests/api/test_session.py`.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.api.answers import FORBIDDEN, UNAUTHENTICATED, now, ok, refusal
from tests.conftest import NewDatabase, NewServer
from tests.harness import Person, Server, token
from tests.security.conftest import Stage
from tests.security.test_authorisation import TABLE, Row, call_as, name_of

COOKIE = "parley_session"
EVIL = "https://evil.example"
SHOP = "https://shop.example"
UNSAFE = [row for row in TABLE if not row.call.startswith("GET ")]
SAFE = [row for row in TABLE if row.call.startswith("GET ")]

# What a form, a script's `no-cors` fetch, a beacon or a link can send without asking first.
FOREIGN: dict[str, dict[str, str]] = {
    "a form": {"Origin": EVIL, "Sec-Fetch-Site": "cross-site", "Content-Type": "application/x-www-form-urlencoded"},
    "a form in an old browser": {"Origin": EVIL, "Content-Type": "text/plain"},
    "a beacon": {"Origin": EVIL, "Sec-Fetch-Site": "cross-site", "Content-Type": "text/plain;charset=UTF-8"},
    "a sandboxed frame": {"Origin": "null", "Content-Type": "text/plain"},
    "a neighbouring site": {"Origin": "http://other.127.0.0.1", "Sec-Fetch-Site": "same-site"},
    "another port": {"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-site"},
    "https for http": {"Sec-Fetch-Site": "cross-site", "Origin": "https://127.0.0.1"},
    "nothing said": {"Content-Type": "application/json"},
}


@pytest.fixture(scope="module")
async def open_shop(new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server that pages of one other site may use."""
    server = Server(await new_database(), tmp_path_factory.mktemp("open"), ALLOWED_ORIGINS=SHOP, DRAIN_SECONDS="0")
    yield await server.start()
    await server.close()


@pytest.fixture
async def browser(server: Server, stage: Stage) -> AsyncIterator[httpx.AsyncClient]:
    """bea's browser: it has a session of its own in a cookie, and no token."""
    async with httpx.AsyncClient(base_url=f"{server.url}/api/v1", verify=False) as client:
        bearer = f"Bearer {token(stage.cast.bea.id, name='Bea', jti=uuid.uuid4().hex)}"
        ok(await client.post("/session", headers={"Authorization": bearer}), 201)
        yield client


# --- calls that a page makes in its visitor's name -----------------------------------------------------------------


@pytest.mark.parametrize("how", FOREIGN)
async def test_no_call_that_changes_something_can_be_made_by_another_site(
    stage: Stage, browser: httpx.AsyncClient, how: str
) -> None:
    """Every one of the description's, with the cookie: refused for where it comes from, and nothing has happened."""
    before = await now(stage.cast.bea)
    for row in UNSAFE:
        answer = await call_as(stage, browser, "author", row, headers=FOREIGN[how])
        assert FORBIDDEN == refusal(answer), f"{row.call} {row.case}"
    assert 200 == (await browser.get("/me")).status_code, "the session goes on"
    assert before == await now(stage.cast.bea)


@pytest.mark.parametrize("row", SAFE, ids=name_of)
async def test_a_call_that_a_link_can_make_changes_nothing(stage: Stage, browser: httpx.AsyncClient, row: Row) -> None:
    """A GET by cookie is answered wherever it comes from (the browser keeps the answer to itself)."""
    before = await now(stage.cast.bea)
    answer = await call_as(stage, browser, "author", row, headers={"Sec-Fetch-Site": "cross-site"})
    assert 200 == answer.status_code
    assert before == await now(stage.cast.bea)


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
async def test_a_link_cannot_be_made_into_another_method(stage: Stage, header: str) -> None:
    message = f"/messages/{stage.names['message_id']}"
    answer = await stage.cast.bea.http.get(message, params={"_method": "DELETE"}, headers={header: "DELETE"})
    assert ok(answer)["deleted_at"] is None


async def test_no_page_can_sign_its_visitor_in_as_somebody_else(server: Server, stage: Stage) -> None:
    """A form can carry a token of the attacker's, but not in the header that is asked for."""
    async with httpx.AsyncClient(base_url=f"{server.url}/api/v1", verify=False) as visitor:
        for content in (f"token={stage.cast.eve.token}", f'{{"token": "{stage.cast.eve.token}"}}'):
            answer = await visitor.post("/session", content=content, headers=FOREIGN["a form"])
            assert UNAUTHENTICATED == refusal(answer)
            assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("first", ["evil", "own"])
@pytest.mark.parametrize("separately", [True, False])
async def test_a_cookie_that_a_neighbouring_site_has_set_is_not_taken_for_ours(
    nobody: httpx.AsyncClient, stage: Stage, first: str, separately: bool
) -> None:
    """A sister domain can set cookies for the whole site, under our name too. Whose comes first is the browser's
    affair. Else bea would write to sol as eve, and eve could read it."""
    tokens = [stage.cast.eve.token, stage.cast.bea.token]
    said = [f"{COOKIE}={value}" for value in (tokens if first == "evil" else reversed(tokens))]
    headers = [("Cookie", one) for one in said] if separately else [("Cookie", "; ".join(said))]
    assert UNAUTHENTICATED == refusal(await nobody.get("/me", headers=headers))
    twice = [("Cookie", f"{COOKIE}={stage.cast.bea.token}; other=1; {COOKIE}={stage.cast.bea.token}")]
    assert stage.cast.bea.id == ok(await nobody.get("/me", headers=twice))["user"]["id"]


@pytest.mark.parametrize("name", ["Parley_Session", "parley_session2", "xparley_session", "$parley_session"])
async def test_a_cookie_of_another_name_is_no_session(nobody: httpx.AsyncClient, stage: Stage, name: str) -> None:
    answer = await nobody.get("/me", headers={"Cookie": f"{name}={stage.cast.bea.token}"})
    assert UNAUTHENTICATED == refusal(answer)


async def test_the_cookie_goes_to_the_calls_alone_and_to_no_other_host(server: Server, stage: Stage) -> None:
    """No Domain: not to sister domains. Its path: not to pages, files, metrics."""
    async with httpx.AsyncClient(verify=False) as browser:
        headers = {"Authorization": f"Bearer {stage.cast.bea.token}", "X-Forwarded-Proto": "https"}
        answer = await browser.post(f"{server.url}/api/v1/session", headers=headers)
    [cookie] = answer.headers.get_list("set-cookie")
    flags = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "secure", "samesite=strict", "path=/api/v1"} == {f for f in flags if "max-age" not in f}
    assert 0 < max(int(flag.split("=")[1]) for flag in flags if "max-age" in flag) <= 3600
    assert stage.cast.bea.token not in answer.text


# --- answers that a page may read ----------------------------------------------------------------------------------

LOOK_ALIKES = [
    EVIL,
    "https://shopxexample",
    "https://shop.example.",
    "https://shop.example:443",
    "https://shop.example/",
    "https://shop.example.evil.example",
    "https://evilshop.example",
    "https://shop.example@evil.example",
    "https://shop.example%00.evil.example",
    "https://shop.example`.evil.example",
    "http://shop.example",
    "https://SHOP.example.evil.example",
    "null",
    "*",
    "",
    "file://",
    f"{SHOP}, {EVIL}",
    f"{EVIL} {SHOP}",
]


@pytest.mark.parametrize("origin", LOOK_ALIKES)
async def test_no_look_alike_of_an_allowed_origin_may_read(open_shop: Server, origin: str) -> None:
    bea = Person(open_shop.url, f"bea-{uuid.uuid4().hex[:8]}")
    asking = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    answers = [
        await bea.http.options("/conversations", headers={"Origin": origin, **asking}),
        await bea.http.get("/me", headers={"Origin": origin}),
        await bea.http.get("/nonsense", headers={"Origin": origin}),
        await bea.http.post("/stream-tickets", headers={"Origin": origin}),
    ]
    async with bea.http.stream("GET", "/events/stream", headers={"Origin": origin}) as stream:
        answers.append(stream)
    await bea.close()
    for answer in answers:
        allowed = answer.headers.get("access-control-allow-origin")
        assert allowed in (None, SHOP), "SHOP is no permission for anybody else"
        assert allowed != origin


async def test_an_allowed_origin_gets_no_more_than_it_needs(open_shop: Server) -> None:
    headers = {"Origin": SHOP, "Access-Control-Request-Method": "TRACE"}
    async with httpx.AsyncClient(base_url=open_shop.url, verify=False) as client:
        refused = await client.options("/api/v1/me", headers=headers)
        headers |= {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "x-evil"}
        odd = await client.options("/api/v1/me", headers=headers)
    assert "TRACE" not in refused.headers.get("access-control-allow-methods", "")
    assert "x-evil" not in odd.headers.get("access-control-allow-headers", "").lower()
    assert "set-cookie" not in odd.headers.get("access-control-expose-headers", "").lower()


@pytest.mark.parametrize("path", ["/parley.js", "/static/widget/loader.js", "/docs/openapi.json", "/metrics"])
async def test_what_anybody_may_read_is_read_without_anybodys_cookie(open_shop: Server, path: str) -> None:
    """At most `*`, with which a browser takes no cookies along."""
    async with httpx.AsyncClient(base_url=open_shop.url, verify=False) as client:
        answer = await client.get(path, headers={"Origin": EVIL})
    assert answer.headers.get("access-control-allow-origin") in (None, "*")
    assert "set-cookie" not in answer.headers


# --- tickets -------------------------------------------------------------------------------------------------------


async def test_of_fifty_who_come_with_one_ticket_one_comes_in(nobody: httpx.AsyncClient, stage: Stage) -> None:
    ticket = ok(await stage.cast.bea.post("/stream-tickets"), 201)["ticket"]

    async def enter(method: str) -> int:
        async with nobody.stream(method, "/events/stream", params={"ticket": ticket}) as answer:
            return answer.status_code

    came = await asyncio.gather(*(enter(method) for method in ("GET", "POST") * 25))
    assert (1, 49) == (came.count(200), came.count(401))
    assert 401 == await enter("GET"), "nor later"


async def test_a_ticket_opens_a_stream_and_nothing_else(nobody: httpx.AsyncClient, stage: Stage) -> None:
    """Not even a poll, which would hand out what it has without being seen."""
    ticket = ok(await stage.cast.bea.post("/stream-tickets"), 201)["ticket"]
    rows = [row for row in TABLE if "/events/stream" not in row.call]
    for row in rows:
        path = row.query or "x=1"
        with_ticket = row._replace(query=f"{path}&ticket={ticket}")
        assert UNAUTHENTICATED == refusal(await call_as(stage, nobody, "anonymous", with_ticket)), row.call
    async with nobody.stream("GET", "/events/stream", params={"ticket": ticket}) as answer:
        assert 200 == answer.status_code, "and all this has not used it up"


async def test_a_ticket_wins_over_a_token_so_that_neither_is_mistaken(stage: Stage) -> None:
    """eve's page puts a ticket of hers into bea's address: bea then hears what eve may hear, and the other way round
    a bad ticket is not made good by a token."""
    answer = await stage.cast.bea.http.get("/events/stream", params={"ticket": "x" * 43})
    assert UNAUTHENTICATED == refusal(answer)


async def test_guessing_tickets_has_an_end_like_guessing_tokens(new_server: NewServer) -> None:
    server = await new_server(AUTH_FAILURE_LIMIT="3/3600", DRAIN_SECONDS="0")
    async with httpx.AsyncClient(base_url=f"{server.url}/api/v1", verify=False) as client:
        tried = [await client.get("/events/stream", params={"ticket": f"guess-{number}"}) for number in range(5)]
    assert [401, 401, 401, 429, 429] == [answer.status_code for answer in tried]


async def test_an_address_is_not_taken_from_whoever_claims_it(new_server: NewServer) -> None:
    """Only a proxy on this machine may say for whom it speaks: else every bad token would come from somewhere new."""
    server = await new_server(AUTH_FAILURE_LIMIT="3/3600", DRAIN_SECONDS="0")
    elsewhere = httpx.AsyncHTTPTransport(local_address="127.0.0.2")
    async with httpx.AsyncClient(base_url=f"{server.url}/api/v1", transport=elsewhere) as client:
        bad = [{"X-Forwarded-For": f"203.0.113.{number}", "Authorization": "Bearer a.b.c"} for number in range(5)]
        tried = [await client.get("/me", headers=headers) for headers in bad]
    assert [401, 401, 401, 429, 429] == [answer.status_code for answer in tried]


@pytest.mark.parametrize("path", ["/me", "/events/stream"])
async def test_whom_a_proxy_speaks_for_is_counted_and_not_the_proxy(path: str, new_server: NewServer) -> None:
    server = await new_server(AUTH_FAILURE_LIMIT="3/3600", DRAIN_SECONDS="0")
    async with httpx.AsyncClient(base_url=f"{server.url}/api/v1", verify=False) as client:
        for host, status in [("203.0.113.1", 429), ("203.0.113.2", 401)]:
            headers = {"X-Forwarded-For": host, "Authorization": "Bearer a.b.c"}
            tries = 4 if status == 429 else 1
            assert status == [await client.get(path, headers=headers) for _ in range(tries)][-1].status_code


# --- our own pages -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
async def demo(new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    server = Server(await new_database(), tmp_path_factory.mktemp("demo"), "--demo", DRAIN_SECONDS="0")
    yield await server.start()
    await server.close()


PAGES = ["/docs", "/doctor", "/", "/login", "/desk", "/inbox", "/orders", "/services", "/items/listing/oak-table"]


@pytest.mark.parametrize("path", PAGES)
async def test_our_pages_run_no_scripts_but_ours_and_stand_in_no_frame(demo: Server, path: str) -> None:
    async with httpx.AsyncClient(base_url=demo.url, verify=False) as client:
        answer = await client.get(path)
    assert 200 == answer.status_code
    policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["content-security-policy"].split(";"))
    assert {"default-src": "'none'", "script-src": "'self'", "frame-ancestors": "'none'", "base-uri": "'none'"} == {
        name: policy.get(name) for name in ("default-src", "script-src", "frame-ancestors", "base-uri")
    }
    assert "nosniff" == answer.headers["x-content-type-options"]
    assert "//" not in " ".join(value for name, value in policy.items()), "no other host is named"


FILES = [
    "/static/widget/..%2f..%2f..%2fpyproject.toml",
    "/static/widget/../../pyproject.toml",
    "/static/../app/cli.py",
    "/static/widget/%2e%2e/%2e%2e/README.md",
    "/static/widget//etc/passwd",
    "/static/widget/.git/config",
    "/static/widget/loader.js%00.html",
    "/static/node_modules/.package-lock.json",
    "/static/widget/loader.py",
]


@pytest.mark.parametrize("path", FILES)
async def test_no_file_but_those_of_the_front_end_is_handed_out(server: Server, path: str) -> None:
    """Sent as it stands: an HTTP client would tidy the path up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    assert answer.startswith((b"HTTP/1.1 404 ", b"HTTP/1.1 400 "))
