"""The door: who comes in, and what is refused before anything is done."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.api.answers import NOT_FOUND, TOO_LARGE, UNAUTHENTICATED, draft, invalid, refusal
from tests.api.conftest import NewPerson
from tests.conftest import NewServer
from tests.harness import Cast, Person, token

BODY_BYTES_MAX = 64 * 1024
CLIENT_ID = str(uuid.uuid4())

# Every call of the contract that needs a token. {c} is a conversation, {m} a message in it.
CALLS: list[tuple[str, str, Any]] = [
    ("GET", "/me", None),
    ("PATCH", "/me", {}),
    ("PUT", "/contexts/listing/{listing}", {"title": "Table"}),
    ("GET", "/contexts/listing/{listing}", None),
    ("POST", "/conversations", {"context": {"kind": "listing", "id": "{listing}"}}),
    ("GET", "/conversations", None),
    ("GET", "/conversations/{c}", None),
    ("PATCH", "/conversations/{c}", {"is_muted": True}),
    ("POST", "/conversations/{c}/participants", {"user_id": "{sol}", "role": "agent"}),
    ("DELETE", "/conversations/{c}/participants/{sol}", None),
    ("GET", "/conversations/{c}/messages", None),
    ("POST", "/conversations/{c}/messages", {"client_id": CLIENT_ID, "body": "Hi"}),
    ("GET", "/messages/{m}", None),
    ("PATCH", "/messages/{m}", {"body": "Hi"}),
    ("DELETE", "/messages/{m}", None),
    ("GET", "/messages?box=inbox", None),
    ("PUT", "/conversations/{c}/receipt", {"read_seq": 1}),
    ("PUT", "/receipts", {"context": "listing:42"}),
    ("GET", "/unread", None),
    ("PUT", "/conversations/{c}/typing", {"is_typing": True}),
    ("GET", "/presence", None),
    ("GET", "/events/stream", None),
    ("POST", "/events/stream", None),
    ("GET", "/events?wait=0", None),
    ("POST", "/session", None),
    ("DELETE", "/session", None),
    ("POST", "/stream-tickets", None),
]
THEIRS = [call for call in CALLS if "{c}" in call[1] or "{m}" in call[1]]
WITH_BODY = [call for call in CALLS if call[2] is not None]


def name_of(value: Any) -> str | None:
    return f"{value[0]} {value[1]}" if isinstance(value, tuple) else None


async def call(client: httpx.AsyncClient, of: tuple[str, str, Any], cast: Cast, **more: Any) -> httpx.Response:
    """Make one of the calls, about the bystanders."""
    method, path, body = of
    messages = (await cast.bea.get(f"/conversations/{cast.conversation_id}/messages")).json()["messages"]
    names = {"c": cast.conversation_id, "m": messages[0]["id"], "listing": cast.listing, "sol": cast.sol.id}
    text = json.dumps(body)
    for name, value in names.items():
        path, text = path.replace(f"{{{name}}}", value), text.replace(f"{{{name}}}", value)
    if body is not None and "content" not in more:
        more["content"] = text
    return await client.request(method, path, timeout=5, **more)


@pytest.mark.parametrize("of", CALLS, ids=name_of)
async def test_nobody_comes_in_without_a_token(nobody: httpx.AsyncClient, bystanders: Cast, of: Any) -> None:
    answer = await call(nobody, of, bystanders)
    assert UNAUTHENTICATED == refusal(answer)
    assert "Bearer" == answer.headers["www-authenticate"]


@pytest.mark.parametrize("of", CALLS, ids=name_of)
async def test_nobody_comes_in_with_a_token_that_has_expired(
    nobody: httpx.AsyncClient, bystanders: Cast, of: Any
) -> None:
    headers = {"Authorization": f"Bearer {token(bystanders.bea.id, ttl_seconds=-1)}"}
    assert (401, "token_expired") == refusal(await call(nobody, of, bystanders, headers=headers))


@pytest.mark.parametrize("of", THEIRS, ids=name_of)
async def test_a_stranger_finds_nothing_never_a_locked_door(bystanders: Cast, of: Any) -> None:
    """404, as for a conversation that does not exist."""
    assert NOT_FOUND == refusal(await call(bystanders.eve.http, of, bystanders))


@pytest.mark.parametrize("of", THEIRS, ids=name_of)
async def test_who_has_left_finds_nothing_any_more(bystanders: Cast, of: Any) -> None:
    assert NOT_FOUND == refusal(await call(bystanders.ada.http, of, bystanders))


@pytest.mark.parametrize("of", THEIRS, ids=name_of)
async def test_what_does_not_exist_is_not_told_from_what_is_not_ones_own(bystanders: Cast, of: Any) -> None:
    """To the letter: else ids could be tried out."""
    method, path, body = of
    elsewhere = path.replace("{c}", str(uuid.uuid4())).replace("{m}", str(uuid.uuid4()))
    nowhere = await call(bystanders.eve.http, (method, elsewhere, body), bystanders)
    theirs = await call(bystanders.eve.http, of, bystanders)
    assert theirs.json() == nowhere.json()


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Basic YmVhOmhpCg==",
        "bearer",
        "Token x",
        "Bearer a.b.c",
        "Bearer é",
        "x" * 9_000,
    ],
)
async def test_a_header_that_is_no_token_opens_nothing(nobody: httpx.AsyncClient, header: str) -> None:
    for path in ("/me", "/events/stream"):
        answer = await nobody.get(path, headers={"Authorization": header.encode("latin-1")})
        assert UNAUTHENTICATED == refusal(answer)


async def test_the_word_bearer_may_be_written_in_any_case(nobody: httpx.AsyncClient, bystanders: Cast) -> None:
    """RFC 9110 11.1."""
    for word in ("bearer", "BEARER"):
        answer = await nobody.get("/me", headers={"Authorization": f"{word} {bystanders.bea.token}"})
        assert 200 == answer.status_code


async def test_no_refusal_repeats_the_token(nobody: httpx.AsyncClient) -> None:
    answer = await nobody.get("/me", headers={"Authorization": "Bearer hush.hush.hush"})
    assert "hush" not in answer.text


# --- how often one may fail ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/me", "/events/stream", "/events?wait=0"])
async def test_trying_out_tokens_has_an_end_and_good_tokens_do_not_suffer_from_it(
    path: str, new_server: NewServer, new_person: NewPerson
) -> None:
    """Many people share an address, behind one router or one proxy."""
    server = await new_server(AUTH_FAILURE_LIMIT="3/3600")
    bea = new_person("bea", url=server.url)
    async with httpx.AsyncClient(base_url=f"{server.url}/api/v1", verify=False) as client:
        tried = [await client.get(path, headers={"Authorization": f"Bearer a.b.{number}"}) for number in range(5)]
    assert [401, 401, 401, 429, 429] == [answer.status_code for answer in tried]
    assert (429, "rate_limited") == refusal(tried[-1])
    assert 200 == (await bea.get("/me")).status_code
    async with bea.stream():
        pass


async def test_a_token_that_has_expired_is_no_failure(new_server: NewServer) -> None:
    """In the morning a whole office comes back with the tokens of yesterday, from one address."""
    server = await new_server(AUTH_FAILURE_LIMIT="3/3600")
    async with httpx.AsyncClient(base_url=f"{server.url}/api/v1", verify=False) as client:
        for path in ("/me", "/events/stream", "/events?wait=0"):
            tokens = [token(f"clerk-{number}", ttl_seconds=-1) for number in range(6)]
            answers = [await client.get(path, headers={"Authorization": f"Bearer {one}"}) for one in tokens]
            assert [(401, "token_expired")] * 6 == [refusal(answer) for answer in answers]
        headers = [{"Authorization": f"Bearer a.b.{number}"} for number in range(4)]
        tried = [await client.get("/events/stream", headers=one) for one in headers]
    assert [401, 401, 401, 429] == [answer.status_code for answer in tried], "others are counted as ever"


# --- bodies --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("of", WITH_BODY, ids=name_of)
@pytest.mark.parametrize("content", ["{", "", "nonsense", '{"a":}', "\xff\xfe", "{} {}"])
async def test_a_body_that_is_no_json_is_refused(bystanders: Cast, of: Any, content: str) -> None:
    answer = refusal(await call(bystanders.shop.http, of, bystanders, content=content.encode("latin-1")))
    assert (400, "validation_failed") == answer[:2]


@pytest.mark.parametrize("of", WITH_BODY, ids=name_of)
@pytest.mark.parametrize("content", ["[]", "null", "1", '"text"', "[{}]"])
async def test_a_body_that_is_no_object_is_refused(bystanders: Cast, of: Any, content: str) -> None:
    answer = await call(bystanders.shop.http, of, bystanders, content=content)
    assert invalid("body") == refusal(answer)


@pytest.mark.parametrize("of", WITH_BODY, ids=name_of)
async def test_a_field_that_we_do_not_know_is_refused_and_named(bystanders: Cast, of: Any) -> None:
    method, path, body = of
    answer = await call(bystanders.shop.http, (method, path, {**body, "nonsense": 1}), bystanders)
    assert invalid("nonsense") == refusal(answer)


@pytest.mark.parametrize("of", WITH_BODY, ids=name_of)
async def test_a_body_that_is_too_large_is_refused(bystanders: Cast, of: Any) -> None:
    method, path, body = of
    answer = await call(bystanders.shop.http, (method, path, {**body, "nonsense": "x" * BODY_BYTES_MAX}), bystanders)
    assert TOO_LARGE == refusal(answer)


@pytest.mark.parametrize("of", WITH_BODY, ids=name_of)
async def test_a_body_that_is_too_large_is_refused_though_nobody_said_how_long_it_is(bystanders: Cast, of: Any) -> None:
    """Chunked: there is no Content-Length to go by."""

    async def content() -> AsyncIterator[bytes]:
        yield b'{"nonsense": "'
        for _ in range(BODY_BYTES_MAX // 1024 + 1):
            yield b"x" * 1024
        yield b'"}'

    assert TOO_LARGE == refusal(await call(bystanders.shop.http, of, bystanders, content=content()))


async def test_a_length_that_is_a_lie_is_refused(bystanders: Cast) -> None:
    """Said to be small and large in truth: only what was said is read, and that is no JSON."""
    host, port = bystanders.bea.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    path = f"/api/v1/conversations/{bystanders.conversation_id}/messages"
    head = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {bystanders.bea.token}\r\nContent-Length: 10\r\n\r\n"
    )
    writer.write(head.encode() + b'{"client_id' + b"x" * 1000)
    assert b" 400 " in await asyncio.wait_for(reader.readline(), 5)
    writer.close()


WRONG: list[tuple[str, str, Any, str]] = [
    ("PATCH", "/me", {"status": "busy"}, "status"),
    ("PATCH", "/me", {"status": 1}, "status"),
    ("PATCH", "/me", {"status": None}, "status"),
    ("PATCH", "/me", {"status_text": 5}, "status_text"),
    ("PATCH", "/me", {"status_text": "x" * 141}, "status_text"),
    ("PATCH", "/me", {"status_text": "two\nlines"}, "status_text"),
    ("PATCH", "/me", {"status_text": "a line feed\n"}, "status_text"),
    ("PUT", "/contexts/listing/1", {}, "title"),
    ("PUT", "/contexts/listing/1", {"title": 5}, "title"),
    ("PUT", "/contexts/listing/1", {"title": ""}, "title"),
    ("PUT", "/contexts/listing/1", {"title": "  "}, "title"),
    ("PUT", "/contexts/listing/1", {"title": "a\x01b"}, "title"),
    ("PUT", "/contexts/listing/1", {"title": "a\x00b"}, "title"),
    ("PUT", "/contexts/listing/1", {"title": "x" * 301}, "title"),
    ("PUT", "/contexts/listing/1", {"title": "x", "url": "javascript:alert(1)"}, "url"),
    ("PUT", "/contexts/listing/1", {"title": "x", "url": "https://x/\n"}, "url"),
    ("PUT", "/contexts/listing/1", {"title": "x", "image_url": "data:text/html,x"}, "image_url"),
    ("PUT", "/contexts/listing/1", {"title": "x", "price": 5}, "price"),
    ("PUT", "/contexts/listing/1", {"title": "x", "price": {"amount_minor": 1}}, "price.currency"),
    ("PUT", "/contexts/listing/1", {"title": "x", "price": {"currency": "EUR"}}, "price.amount_minor"),
    *(
        (
            "PUT",
            "/contexts/listing/1",
            {"title": "x", "price": {"amount_minor": wrong, "currency": "EUR"}},
            "price.amount_minor",
        )
        for wrong in ("1", 1.5, -1, 2**63, True, None)
    ),
    *(
        (
            "PUT",
            "/contexts/listing/1",
            {"title": "x", "price": {"amount_minor": 1, "currency": wrong}},
            "price.currency",
        )
        for wrong in ("eur", "EURO", "EUR\n", "", 978)
    ),
    ("PUT", "/contexts/listing/1", {"title": "x", "seller_id": ""}, "seller_id"),
    ("PUT", "/contexts/listing/1", {"title": "x", "seller_id": "x" * 129}, "seller_id"),
    ("PUT", "/contexts/listing/1", {"title": "x", "seller_id": "sol\n"}, "seller_id"),
    ("PUT", "/contexts/listing/1", {"title": "x", "state": "x" * 41}, "state"),
    ("PUT", "/contexts/listing/1", {"title": "x", "attributes": []}, "attributes"),
    ("PUT", "/contexts/listing/1", {"title": "x", "attributes": {"a": {}}}, "attributes[...]"),
    ("PUT", "/contexts/listing/1", {"title": "x", "attributes": {str(n): n for n in range(51)}}, "attributes"),
    ("PUT", "/contexts/auction/1", {"title": "x"}, "kind"),
    ("PUT", "/contexts/listing/" + "x" * 129, {"title": "x"}, "id"),
    ("GET", "/contexts/auction/1", None, "kind"),
    ("POST", "/conversations", {"context": {"kind": "auction", "id": "1"}}, "context.kind"),
    ("POST", "/conversations", {"context": {"kind": "listing", "id": 1}}, "context.id"),
    ("POST", "/conversations", {"context": {"kind": "listing"}}, "context.id"),
    ("POST", "/conversations", {"context": {"kind": "listing", "id": "1", "x": 1}}, "context.x"),
    ("POST", "/conversations", {"context": "listing:1"}, "context"),
    ("POST", "/conversations", {"participants": []}, "participants"),
    ("POST", "/conversations", {"participants": ["sol"]}, "participants[0]"),
    ("POST", "/conversations", {"participants": [{"user_id": 1}]}, "participants[0].user_id"),
    ("POST", "/conversations", {"participants": [{"user_id": "sol\n"}]}, "participants[0].user_id"),
    ("POST", "/conversations", {"participants": [{"user_id": "sol", "role": "boss"}]}, "participants[0].role"),
    ("POST", "/conversations", {"participants": [{"user_id": str(n)} for n in range(101)]}, "participants"),
    ("POST", "/conversations", {"subject": "x" * 201}, "subject"),
    ("POST", "/conversations", {"subject": "x\n"}, "subject"),
    ("POST", "/conversations", {"subject": None}, "subject"),
    ("POST", "/conversations", {"message": {"body": "Hi"}}, "message.client_id"),
    ("POST", "/conversations", {"message": "Hi"}, "message"),
    ("PATCH", "/conversations/{c}", {"is_muted": "true"}, "is_muted"),
    ("PATCH", "/conversations/{c}", {"is_muted": 1}, "is_muted"),
    ("PATCH", "/conversations/{c}", {"is_archived": None}, "is_archived"),
    ("PATCH", "/conversations/{c}", {"state": "done"}, "state"),
    ("POST", "/conversations/{c}/participants", {"role": "agent"}, "user_id"),
    ("POST", "/conversations/{c}/participants", {"user_id": "x"}, "role"),
    ("POST", "/conversations/{c}/participants", {"user_id": "x", "role": "boss"}, "role"),
    ("POST", "/conversations/{c}/messages", {"body": "Hi"}, "client_id"),
    ("POST", "/conversations/{c}/messages", {"client_id": "1", "body": "Hi"}, "client_id"),
    ("POST", "/conversations/{c}/messages", {"client_id": 1, "body": "Hi"}, "client_id"),
    ("POST", "/conversations/{c}/messages", {"client_id": CLIENT_ID, "body": 5}, "body"),
    ("POST", "/conversations/{c}/messages", {"client_id": CLIENT_ID, "body": None}, "body"),
    ("POST", "/conversations/{c}/messages", {"client_id": CLIENT_ID, "body": "Hi", "kind": "image"}, "kind"),
    ("POST", "/conversations/{c}/messages", {"client_id": CLIENT_ID, "body": "Hi", "reply_to": "1"}, "reply_to"),
    *(
        (
            "POST",
            "/conversations/{c}/messages",
            {"client_id": CLIENT_ID, "body": "Hi", "last_seen_seq": wrong},
            "last_seen_seq",
        )
        for wrong in ("1", -1, 1.5, 2**63, True)
    ),
    ("PATCH", "/messages/{m}", {}, "body"),
    ("PATCH", "/messages/{m}", {"body": 5}, "body"),
    ("PATCH", "/messages/{m}", {"body": "x" * 4_001}, "body"),
    ("GET", "/messages", None, "box"),
    ("GET", "/messages?box=outbox", None, "box"),
    ("GET", "/messages?box=sent&limit=0", None, "limit"),
    ("GET", "/messages?box=sent&limit=101", None, "limit"),
    ("GET", "/messages?box=sent&before=x", None, "before"),
    ("GET", "/messages?box=sent&before=-1", None, "before"),
    ("GET", "/messages?box=inbox&before=٣", None, "before"),
    *(
        ("PUT", "/conversations/{c}/receipt", {field: wrong}, field)
        for field in ("read_seq", "delivered_seq")
        for wrong in ("1", 1.5, -1, 2**63, True)
    ),
    ("PUT", "/conversations/{c}/receipt", {}, "read_seq"),
    ("PUT", "/receipts", {}, "cursor"),
    ("PUT", "/receipts", {"cursor": 5}, "cursor"),
    ("PUT", "/receipts", {"cursor": "nonsense"}, "cursor"),
    ("PUT", "/receipts", {"context": "listing"}, "context"),
    ("PUT", "/receipts", {"context": "auction:1"}, "context"),
    ("PUT", "/receipts", {"context": "listing:"}, "context"),
    ("PUT", "/conversations/{c}/typing", {}, "is_typing"),
    ("PUT", "/conversations/{c}/typing", {"is_typing": "true"}, "is_typing"),
    ("PUT", "/conversations/{c}/typing", {"is_typing": 1}, "is_typing"),
    ("GET", "/conversations?limit=0", None, "limit"),
    ("GET", "/conversations?limit=101", None, "limit"),
    ("GET", "/conversations?limit=x", None, "limit"),
    ("GET", "/conversations?as=boss", None, "as"),
    ("GET", "/conversations?filter=starred", None, "filter"),
    ("GET", "/conversations?context=42", None, "context"),
    ("GET", "/conversations?context=auction:1", None, "context"),
    ("GET", "/conversations?before=nonsense", None, "before"),
    ("GET", "/conversations?before=" + "A" * 65, None, "before"),
    ("GET", "/conversations?q=" + "x" * 101, None, "q"),
    ("GET", "/conversations/{c}/messages?limit=0", None, "limit"),
    ("GET", "/conversations/{c}/messages?limit=101", None, "limit"),
    ("GET", "/conversations/{c}/messages?before=x", None, "before"),
    ("GET", "/conversations/{c}/messages?after=-1", None, "after"),
    ("GET", "/conversations/{c}/messages?around=1.5", None, "around"),
    ("GET", "/conversations/{c}/messages?before=3&after=1", None, "before"),
    ("GET", "/unread?context=42", None, "context"),
    ("GET", "/events?wait=-1", None, "wait"),
    ("GET", "/events?wait=26", None, "wait"),
    ("GET", "/events?wait=nan", None, "wait"),
    ("GET", "/events?wait=soon", None, "wait"),
    ("GET", "/presence?" + "&".join(f"user_id={n}" for n in range(201)), None, "user_id"),
]


@pytest.mark.parametrize(("method", "path", "body", "field"), WRONG)
async def test_what_is_not_well_formed_is_refused_with_the_name_of_the_field(
    bystanders: Cast, method: str, path: str, body: Any, field: str
) -> None:
    """Strictly: "1" is no number, 1 is no truth value, and nothing is guessed. The shop asks, who may do the most."""
    answer = await call(bystanders.shop.http, (method, path, body), bystanders)
    assert invalid(field) == refusal(answer)


async def test_a_number_too_large_for_any_log_is_refused_not_stored(bystanders: Cast) -> None:
    answer = await bystanders.bea.http.put(
        f"/conversations/{bystanders.conversation_id}/receipt", content='{"read_seq": 1e400}'
    )
    assert (400, "validation_failed") == refusal(answer)[:2]


@pytest.mark.parametrize(
    "path",
    [
        "/conversations?q=%00",
        "/conversations?with=%00",
        "/conversations?context=listing:%00",
        "/unread?context=order:%00",
        "/presence?user_id=%00",
        "/contexts/listing/%00",
        "/events?wait=0&cursor=%00",
        "/messages?box=sent&before=%00",
        "/conversations?q=%ff",
    ],
)
async def test_a_nul_in_a_question_finds_nothing_and_breaks_nothing(bystanders: Cast, path: str) -> None:
    assert (await bystanders.bea.http.get(path)).status_code in (200, 400, 404)


# --- places that do not exist --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/nonsense", "/conversations/42", "/messages/42", "/conversations/{c}/nonsense", "/"])
async def test_what_is_no_call_is_not_found(bystanders: Cast, path: str) -> None:
    answer = await bystanders.bea.get(path.replace("{c}", bystanders.conversation_id))
    assert NOT_FOUND == refusal(answer)


@pytest.mark.parametrize(("method", "path"), [("PUT", "/me"), ("DELETE", "/conversations"), ("POST", "/unread")])
async def test_a_method_that_a_call_does_not_have_is_refused(bystanders: Cast, method: str, path: str) -> None:
    answer = await bystanders.bea.http.request(method, path)
    assert 405 == refusal(answer)[0]
    assert answer.headers["allow"]


async def test_an_id_may_be_written_in_capitals(bystanders: Cast) -> None:
    """RFC 9562 4: UUIDs are read in any case. By both ways to the same action."""
    big = bystanders.conversation_id.upper()
    found = (await bystanders.bea.get(f"/conversations/{big}")).json()
    assert bystanders.conversation_id == found["id"]
    assert invalid("body") == refusal(await bystanders.bea.http.post(f"/conversations/{big}/messages", json=draft(" ")))


async def test_a_refusal_is_not_kept_by_any_cache(nobody: httpx.AsyncClient) -> None:
    assert "no-store" in (await nobody.get("/me")).headers["cache-control"]


async def test_nothing_says_what_the_server_is_made_of(bystanders: Cast) -> None:
    answer = await bystanders.bea.get("/nonsense")
    assert "server" not in answer.headers
    assert "litestar" not in answer.text.lower()


async def test_requests_on_one_connection_do_not_mix_up_their_callers(bystanders: Cast) -> None:
    """A kept connection is a proxy's, and carries many people's requests."""
    people: list[Person] = [bystanders.bea, bystanders.sol, bystanders.eve] * 10
    async with httpx.AsyncClient(verify=False, limits=httpx.Limits(max_connections=2)) as proxy:
        answers = await asyncio.gather(
            *(
                proxy.get(f"{person.url}/api/v1/me", headers={"Authorization": f"Bearer {person.token}"})
                for person in people
            )
        )
    assert [person.id for person in people] == [answer.json()["user"]["id"] for answer in answers]
