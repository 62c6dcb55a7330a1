"""/session: the cookie for the shop's own pages, what may be done with it, and from where."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.api.answers import FORBIDDEN, UNAUTHENTICATED, conversation_of, draft, invalid, ok, refusal
from tests.api.conftest import CastAt, NewPerson
from tests.conftest import NewDatabase
from tests.harness import Cast, Person, Server, Stream, running_seconds, token

COOKIE = "parley_session"
SHOP = "https://shop.example"


@pytest.fixture(scope="module")
async def open_shop(new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server that pages of the shop's other sites may use."""
    options = {"ALLOWED_ORIGINS": f"{SHOP},https://m.shop.example:8443", "DRAIN_SECONDS": "0"}
    server = Server(await new_database(), tmp_path_factory.mktemp("open"), **options)
    yield await server.start()
    await server.close()


@pytest.fixture
async def browser(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """A browser with a session of its own: it keeps cookies, and has no token."""
    async with httpx.AsyncClient(base_url=f"{server.url}/api/v1", verify=False) as client:
        yield client


async def sign_in(browser: httpx.AsyncClient, person: Person, **headers: str) -> httpx.Response:
    answer = await browser.post("/session", headers={"Authorization": f"Bearer {person.token}", **headers})
    ok(answer, 201)
    return answer


def parts(cookie: str) -> dict[str, str]:
    """The attributes of a Set-Cookie header, by their names in small letters."""
    named = (part.strip().partition("=") for part in cookie.split(";")[1:])
    return {name.lower(): value for name, _, value in named}


# --- begin and end -------------------------------------------------------------------------------------------------


async def test_a_token_is_traded_for_a_cookie_that_scripts_cannot_read(
    browser: httpx.AsyncClient, new_person: NewPerson
) -> None:
    ben = new_person("ben", name="Ben", ttl_seconds=600)
    answer = await sign_in(browser, ben)
    said = answer.json()
    assert {"id": ben.id, "name": "Ben", "avatar_url": None} == said["user"]
    assert said["expires_at"].endswith("Z")
    [cookie] = answer.headers.get_list("set-cookie")
    assert cookie.startswith(f"{COOKIE}=")
    attributes = parts(cookie)
    assert {"httponly", "samesite", "path", "max-age"} == set(attributes)
    assert ("strict", "/api/v1") == (attributes["samesite"].lower(), attributes["path"])
    assert 590 <= int(attributes["max-age"]) <= 600


async def test_behind_https_the_cookie_travels_by_https_alone(
    browser: httpx.AsyncClient, new_person: NewPerson
) -> None:
    """A proxy on the same machine says how the browser came."""
    answer = await sign_in(browser, new_person(), **{"X-Forwarded-Proto": "https"})
    assert "secure" in parts(answer.headers["set-cookie"])


async def test_with_the_cookie_the_browser_is_its_person(browser: httpx.AsyncClient, cast: Cast) -> None:
    await sign_in(browser, cast.bea)
    assert cast.bea.id == ok(await browser.get("/me"))["user"]["id"]
    assert cast.conversation_id == ok(await browser.get("/conversations"))["conversations"][0]["id"]
    assert [] == ok(await browser.get("/events", params={"wait": 0}))["events"]


async def test_a_native_event_source_needs_the_cookie_alone(browser: httpx.AsyncClient, cast: Cast) -> None:
    await sign_in(browser, cast.bea)
    stream = Stream()
    async with browser.stream("GET", "/events/stream", headers={"Accept": "text/event-stream"}) as response:
        reading = asyncio.create_task(stream.read(response))
        await stream.next("ready")
        sent = await cast.sol.say(cast.conversation_id, "Hi")
        assert sent["cursor"] == (await stream.next("message.sent")).id
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def test_a_session_begins_with_a_token_not_with_a_cookie(browser: httpx.AsyncClient, cast: Cast) -> None:
    await sign_in(browser, cast.bea)
    answer = await browser.post("/session", headers={"Sec-Fetch-Site": "same-origin"})
    assert UNAUTHENTICATED == refusal(answer)


async def test_ending_it_ends_the_token_wherever_it_is(
    browser: httpx.AsyncClient, cast: Cast, new_person: NewPerson
) -> None:
    phone = new_person(user_id=cast.bea.id, device="phone")
    await sign_in(browser, phone)
    kept = browser.cookies[COOKIE]
    async with phone.stream() as stream:
        began = running_seconds()
        answer = await browser.delete("/session", headers={"Sec-Fetch-Site": "same-origin"})
        assert (204, "") == (answer.status_code, answer.text)
        bye = await stream.next("bye")
        assert ("token_revoked", True) == (bye.data["reason"], running_seconds() - began < 1)
    attributes = parts(answer.headers["set-cookie"])
    assert ("0", "/api/v1") == (attributes["max-age"], attributes["path"])
    assert COOKIE not in browser.cookies
    assert UNAUTHENTICATED == refusal(await browser.get("/me"))
    assert UNAUTHENTICATED == refusal(await browser.get("/me", headers={"Cookie": f"{COOKIE}={kept}"}))
    assert UNAUTHENTICATED == refusal(await phone.get("/me"))
    assert 200 == (await cast.bea.get("/me")).status_code, "another token of hers goes on"


async def test_a_token_wins_over_a_cookie(browser: httpx.AsyncClient, cast: Cast) -> None:
    await sign_in(browser, cast.bea)
    headers = {"Authorization": f"Bearer {cast.sol.token}"}
    assert cast.sol.id == ok(await browser.get("/me", headers=headers))["user"]["id"]
    wrong = {"Authorization": "Bearer nonsense"}
    assert UNAUTHENTICATED == refusal(await browser.get("/me", headers=wrong))


@pytest.mark.parametrize("cookie", ["", "nonsense", "a.b.c", '"quoted"', "x" * 9_000])
async def test_a_cookie_that_is_no_token_opens_nothing(browser: httpx.AsyncClient, cookie: str) -> None:
    assert UNAUTHENTICATED == refusal(await browser.get("/me", headers={"Cookie": f"{COOKIE}={cookie}"}))


async def test_a_cookie_expires_with_its_token(browser: httpx.AsyncClient, cast: Cast) -> None:
    old = token(cast.bea.id, ttl_seconds=-1)
    assert (401, "token_expired") == refusal(await browser.get("/me", headers={"Cookie": f"{COOKIE}={old}"}))


# --- calls from other sites ----------------------------------------------------------------------------------------

OWN = "{own}"
ORIGINS: list[tuple[dict[str, str], bool, str]] = [
    ({"Origin": OWN}, True, "our own page"),
    ({"Origin": OWN, "Sec-Fetch-Site": "same-origin"}, True, "our own page, in a new browser"),
    ({"Sec-Fetch-Site": "same-origin"}, True, "our own page, without an Origin"),
    ({}, False, "nobody says where from"),
    ({"Origin": "https://evil.example"}, False, "another site"),
    ({"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}, False, "another site, in a new browser"),
    ({"Origin": "null"}, False, "a sandboxed frame"),
    ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, False, "a sandboxed frame that claims to be ours"),
    ({"Sec-Fetch-Site": "cross-site"}, False, "another site, without an Origin"),
    ({"Sec-Fetch-Site": "same-site"}, False, "a neighbouring site"),
    ({"Sec-Fetch-Site": "none"}, False, "a bookmark"),
    ({"Origin": OWN, "Sec-Fetch-Site": "cross-site"}, False, "a contradiction"),
    ({"Origin": "{own}.evil.example"}, False, "a site that begins with our name"),
    ({"Origin": "https://evil.example/{host}"}, False, "a site with our name in its path"),
    ({"Origin": "https://evil.example@{host}"}, False, "our name behind a user"),
    ({"Origin": ""}, False, "an empty Origin"),
    ({"Origin": "http://["}, False, "an Origin that cannot be taken apart"),
    ({"Origin": "{own}:port"}, False, "an Origin without a number for its port"),
    ({"Origin": SHOP}, False, "an origin that is allowed elsewhere"),
    ({"Referer": OWN}, False, "a Referer is not enough"),
]


def written(headers: dict[str, str], server: Server) -> dict[str, str]:
    host = server.url.removeprefix("http://")
    return {name: value.format(own=server.url, host=host) for name, value in headers.items()}


@pytest.mark.parametrize(("headers", "may"), [case[:2] for case in ORIGINS], ids=[case[2] for case in ORIGINS])
async def test_by_cookie_only_our_own_pages_change_anything(
    browser: httpx.AsyncClient, server: Server, cast: Cast, headers: dict[str, str], may: bool
) -> None:
    """A cookie comes along by itself, whoever's page makes the call."""
    await sign_in(browser, cast.bea)
    said = written(headers, server)
    path = f"/conversations/{cast.conversation_id}"
    calls: list[tuple[str, str, Any]] = [
        ("POST", f"{path}/messages", draft()),
        ("PUT", f"{path}/receipt", {"read_seq": 1}),
        ("PATCH", path, {"is_muted": True}),
        ("POST", "/stream-tickets", None),
        ("DELETE", "/session", None),
    ]
    answers = [await browser.request(method, where, json=body, headers=said) for method, where, body in calls]
    assert [may] * 5 == [answer.is_success for answer in answers]
    if not may:
        assert {FORBIDDEN} == {refusal(answer) for answer in answers}
        seen = await conversation_of(cast.bea, cast.conversation_id)
        assert (0, False) == (seen["last_seq"], seen["is_muted"])


@pytest.mark.parametrize("headers", [{}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
async def test_with_a_token_it_does_not_matter_where_a_call_comes_from(cast: Cast, headers: dict[str, str]) -> None:
    """A token does not come along by itself."""
    said = draft()
    answer = await cast.bea.http.post(f"/conversations/{cast.conversation_id}/messages", json=said, headers=headers)
    ok(answer, 201)


async def test_a_stream_by_post_is_a_call_like_any_other(browser: httpx.AsyncClient, cast: Cast) -> None:
    await sign_in(browser, cast.bea)
    answer = await browser.post("/events/stream", headers={"Origin": "https://evil.example"})
    assert FORBIDDEN == refusal(answer)


# --- other origins that are allowed --------------------------------------------------------------------------------


def cors(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


@pytest.mark.parametrize("origin", [SHOP, "https://m.shop.example:8443"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_a_browser_may_ask_before_it_calls_from_an_allowed_origin(
    open_shop: Server, origin: str, method: str
) -> None:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization, content-type, last-event-id, cache-control",
    }
    async with httpx.AsyncClient(verify=False) as client:
        answer = await client.options(f"{open_shop.url}/api/v1/events/stream", headers=headers)
    assert answer.is_success
    said = cors(answer)
    assert origin == said["access-control-allow-origin"]
    assert method in said["access-control-allow-methods"]
    allowed = said["access-control-allow-headers"].lower()
    assert all(name in allowed for name in ("authorization", "content-type", "last-event-id", "cache-control"))
    assert int(said["access-control-max-age"]) > 0


STRANGERS = [
    "https://evil.example",
    "http://shop.example",
    f"{SHOP}:444",
    f"{SHOP}.evil.example",
    "null",
    "https://a.shop.example",
]


@pytest.mark.parametrize("origin", STRANGERS)
async def test_no_other_origin_is_let_in(open_shop: Server, cast_at: CastAt, origin: str) -> None:
    cast = await cast_at(open_shop)
    asked = {"Origin": origin, "Access-Control-Request-Method": "GET"}
    preflight = await cast.bea.http.options("/me", headers=asked)
    answer = await cast.bea.http.get("/me", headers={"Origin": origin})
    for said in (preflight, answer):
        assert origin != cors(said).get("access-control-allow-origin")
        assert "*" != cors(said).get("access-control-allow-origin")


async def test_every_answer_to_an_allowed_origin_can_be_read_there(open_shop: Server, cast_at: CastAt) -> None:
    """Refusals too, else a page sees "network error" and knows not why; by whatever way through the server."""
    cast = await cast_at(open_shop)
    path = f"/conversations/{cast.conversation_id}/messages"
    headers = {"Origin": SHOP}
    http = cast.bea.http
    answers = {
        "read": await http.get("/me", headers=headers),
        "send": await http.post(path, json=draft(), headers=headers),
        "refused": await http.post(path, json=draft(" "), headers=headers),
        "not found": await http.get("/nonsense", headers=headers),
        "not allowed": await http.put("/me", headers=headers),
        "too large": await http.post(path, content=b"x" * 100_000, headers=headers),
        "nobody": await http.get("/me", headers={**headers, "Authorization": "Bearer x"}),
    }
    async with http.stream("GET", "/events/stream", headers=headers) as stream:
        answers["stream"] = stream
    async with http.stream("POST", "/events/stream", headers=headers) as stream:
        answers["stream by POST"] = stream
    for what, answer in answers.items():
        said = cors(answer)
        assert (SHOP, "true") == (
            said.get("access-control-allow-origin"),
            said.get("access-control-allow-credentials"),
        ), what
        assert "origin" in answer.headers.get("vary", "").lower(), f"{what}: a cache must tell origins apart"
    assert "retry-after" in cors(answers["refused"])["access-control-expose-headers"].lower()


async def test_a_stream_for_an_allowed_origin_has_the_headers_of_a_stream(open_shop: Server, cast_at: CastAt) -> None:
    cast = await cast_at(open_shop)
    async with cast.bea.stream(headers={"Origin": SHOP}) as stream:
        await stream.next("ready")
        sent = await cast.sol.say(cast.conversation_id, "Hi")
        assert sent["cursor"] == (await stream.next("message.sent")).id
    assert "text/event-stream" == stream.headers["content-type"]
    assert "no-store, no-transform" == stream.headers["cache-control"]


async def test_a_page_of_an_allowed_origin_may_use_the_cookie(open_shop: Server, cast_at: CastAt) -> None:
    cast = await cast_at(open_shop)
    async with httpx.AsyncClient(base_url=f"{open_shop.url}/api/v1", verify=False) as browser:
        await sign_in(browser, cast.bea, Origin=SHOP)
        path = f"/conversations/{cast.conversation_id}/messages"
        ok(await browser.post(path, json=draft(), headers={"Origin": SHOP}), 201)
        assert FORBIDDEN == refusal(await browser.post(path, json=draft(), headers={"Origin": "https://evil.example"}))


async def test_where_no_origin_is_allowed_nothing_is_said_of_origins(cast: Cast) -> None:
    assert {} == cors(await cast.bea.http.get("/me", headers={"Origin": SHOP}))


async def test_answers_are_kept_by_no_cache(cast: Cast) -> None:
    answers = [
        await cast.bea.get("/me"),
        await cast.bea.get("/conversations"),
        await cast.bea.get(f"/conversations/{cast.conversation_id}/messages"),
        await cast.bea.post(f"/conversations/{cast.conversation_id}/messages", **draft()),
        await cast.bea.post(f"/conversations/{cast.conversation_id}/messages", **draft(" ")),
    ]
    assert invalid("body") == refusal(answers[-1])
    assert [True] * 5 == ["no-store" in answer.headers.get("cache-control", "") for answer in answers]
