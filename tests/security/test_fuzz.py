"""Whatever is sent, nothing breaks: no answer is a 500, and every refusal is the problem document that was promised.

Bounded, and the same every time. To look further: `FUZZ_EXAMPLES=2000 make test ARGS="tests/security/test_fuzz.py
--timeout=3600"`, which draws anew with every run; what it finds is printed with the words that find it again.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from requests import PreparedRequest, Request
from requests.exceptions import RequestException
from schemathesis import GenerationMode

from tests.api.answers import ok, refusal
from tests.harness import Server, token
from tests.security.conftest import NewStage, Stage

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
PATIENCE_SECONDS = 10
UNSENDABLE = (httpx.InvalidURL, httpx.LocalProtocolError, httpx.UnsupportedProtocol, RequestException, ValueError)
ANYTHING_SLOW = [
    HealthCheck.too_slow,
    HealthCheck.data_too_large,
    HealthCheck.filter_too_much,
    HealthCheck.large_base_example,
]


def drawn(examples: int) -> settings:
    """So many examples by default; what is drawn is then the same every time."""
    return settings(
        max_examples=EXAMPLES or examples,
        derandomize=not EXAMPLES,
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=ANYTHING_SLOW,
        phases=[Phase.generate, Phase.shrink] if EXAMPLES else [Phase.generate],
    )


def sent(client: httpx.Client, method: str, url: str, headers: Any, content: Any) -> httpx.Response | None:
    """The answer, of a stream its head; None for what no client could send. It must not be a fault of ours."""
    try:
        with client.stream(method, url, headers=headers, content=content, timeout=PATIENCE_SECONDS) as answer:
            if not answer.headers.get("content-type", "").startswith("text/event-stream"):
                answer.read()
    except UNSENDABLE:
        return None
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400 and answer.headers.get("content-type", "").startswith("application/"):
        refusal(answer)
    return answer


# --- the description -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
async def description(server: Server, nobody: httpx.AsyncClient) -> Any:
    return ok(await nobody.get(f"{server.url}/docs/openapi.json"))


CALLS = [
    "me",
    "presence",
    "contexts",
    "conversations",
    "unread",
    "messages",
    "receipts",
    "events",
    "stream-tickets",
    "session",
]


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("calls", CALLS)
async def test_nothing_that_is_sent_to_a_call_breaks_it(
    server: Server, new_stage: NewStage, description: Any, calls: str, mode: GenerationMode
) -> None:
    """By the description and against it, by bea and by the shop, about what is there and what is not."""
    stage = await new_stage()
    schema = schemathesis.openapi.from_dict(description)
    found = [result.ok() for result in schema.get_all_operations()]
    operations = [one for one in found if one.path.removeprefix("/api/v1/").split("/")[0] == calls]
    assert operations, "these calls are in the description"
    for operation in operations:
        await asyncio.to_thread(_try_out, operation, mode, server.url, stage)


def test_every_call_of_the_description_is_tried_out(description: Any) -> None:
    paths = [path for path in description["paths"] if path.startswith("/api/v1/")]
    assert set(CALLS) == {path.removeprefix("/api/v1/").split("/")[0] for path in paths}


def _try_out(operation: Any, mode: GenerationMode, url: str, stage: Stage) -> None:
    with httpx.Client(verify=False) as client:

        @drawn(8)
        @given(case=operation.as_strategy(generation_mode=mode), is_real=st.booleans(), is_shop=st.booleans())
        def try_one(case: Any, is_real: bool, is_shop: bool) -> None:
            request = _request(case, stage, url, is_real=is_real)
            if request is None:
                return
            who = stage.cast.shop if is_shop else stage.cast.bea
            bearer = token(who.id, role="service") if operation.path.endswith("/session") else who.token
            headers = {**request.headers, "Authorization": f"Bearer {bearer}"}
            sent(client, str(request.method), str(request.url), headers, request.body)

        try_one()


def _request(case: Any, stage: Stage, url: str, *, is_real: bool) -> PreparedRequest | None:
    """A case as a request; `is_real`: about the stage's own conversation, message and item."""
    if is_real:
        real = {name: stage.names[name] for name in ("conversation_id", "message_id", "kind", "item_id")}
        case.path_parameters = {**(case.path_parameters or {}), **real}
    if case.path == "/api/v1/events":
        case.query = {**(case.query or {}), **_unhurried(case.query or {})}
    try:
        kwargs = case.as_transport_kwargs(base_url=url)
        kwargs = {name: value for name, value in kwargs.items() if name in _PREPARED}
        return Request(**kwargs).prepare()
    except UNSENDABLE:
        return None


_PREPARED = ("method", "url", "headers", "files", "data", "params", "auth", "cookies", "json")


def _unhurried(query: dict[str, Any]) -> dict[str, Any]:
    """A poll that may wait does not, so that this has an end."""
    try:
        return {"wait": 0} if 0 <= float(query.get("wait", 25)) <= 25 else {}
    except (TypeError, ValueError):
        return {}


# --- beyond the description ----------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
FIELDS = (
    "client_id",
    "kind",
    "body",
    "context",
    "reply_to",
    "last_seen_seq",
    "participants",
    "subject",
    "read_seq",
    "cursor",
)
OBJECTS = st.dictionaries(st.sampled_from(FIELDS) | st.text(), JSON)
BODIES = st.binary(max_size=2_000) | st.builds(lambda said: json.dumps(said).encode(), JSON | OBJECTS)
UNSAFE = [
    ("POST", "/conversations/{conversation_id}/messages"),
    ("POST", "/conversations"),
    ("PATCH", "/conversations/{conversation_id}"),
    ("PUT", "/conversations/{conversation_id}/receipt"),
    ("PUT", "/receipts"),
    ("PATCH", "/messages/{message_id}"),
    ("PUT", "/contexts/{kind}/{item_id}"),
    ("PATCH", "/me"),
]


async def tried(server: Server, stage: Stage, try_one: Callable[[httpx.Client], None]) -> None:
    """Run an example's requests in a thread, as the shop, who may do the most."""

    def run() -> None:
        headers = {"Authorization": f"Bearer {stage.cast.shop.token}"}
        with httpx.Client(base_url=f"{server.url}/api/v1", verify=False, headers=headers) as client:
            try_one(client)

    await asyncio.to_thread(run)


@pytest.mark.parametrize(("method", "path"), UNSAFE)
async def test_no_body_breaks_anything(server: Server, stage: Stage, method: str, path: str) -> None:
    def look(client: httpx.Client) -> None:
        @drawn(40)
        @given(content=BODIES)
        def try_one(content: bytes) -> None:
            answer = sent(client, method, path.format(**stage.names), {"Content-Type": "application/json"}, content)
            assert answer is not None

        try_one()

    await tried(server, stage, look)


NUMBERS = st.integers(-(2**70), 2**70).map(str) | st.sampled_from(
    ["٣", "1_0", "+1", "-0", "00", "1e3", "", "0x1", " 1"]
)
EPOCHS = st.text("0123456789abcdef", max_size=20) | st.text(max_size=10)
CURSORS = st.text(max_size=80) | st.builds("{}{}{}".format, EPOCHS, st.sampled_from(["-", "--", "", "\u2212"]), NUMBERS)


async def test_no_cursor_breaks_anything(server: Server, stage: Stage) -> None:
    """In the address and in the header; nor does one give what is not the caller's."""
    epoch = ok(await stage.cast.bea.get("/me"))["cursor"].rpartition("-")[0]
    near = st.builds(f"{epoch}-{{}}".format, NUMBERS)

    def look(client: httpx.Client) -> None:
        client.headers["Authorization"] = f"Bearer {stage.cast.eve.token}"

        @drawn(80)
        @given(cursor=CURSORS | near, is_header=st.booleans(), is_stream=st.booleans())
        def try_one(cursor: str, is_header: bool, is_stream: bool) -> None:
            path = "/events/stream" if is_stream else "/events"
            query = httpx.QueryParams(
                {"wait": "0"} if is_header else {"wait": "0", "cursor": cursor.encode("utf-8", "replace")}
            )
            headers = {"Last-Event-ID": cursor.encode("utf-8", "replace")} if is_header else {}
            answer = sent(client, "GET", f"{path}?{query}", headers, None)
            assert answer is None or answer.status_code in (200, 400)
            if answer is not None and answer.status_code == 200 and not is_stream:
                assert stage.names["conversation_id"] not in answer.text

        try_one()

    await tried(server, stage, look)


HEADERS = [
    *("Authorization", "Cookie", "Origin", "Sec-Fetch-Site", "Content-Type", "Content-Encoding", "Accept", "Host"),
    *("Accept-Encoding", "If-None-Match", "Last-Event-ID", "X-Forwarded-For", "X-Forwarded-Proto", "Range", "Expect"),
    *(
        "Accept-Language",
        "Connection",
        "Upgrade",
        "X-Request-ID",
        "Forwarded",
        "Via",
        "Cache-Control",
        "Transfer-Encoding",
    ),
]
VALUES = st.binary(max_size=300).map(lambda raw: bytes(byte for byte in raw if byte not in b"\r\n\x00"))
LIKELY = st.sampled_from(
    [b"Bearer", b"parley_session=", b"parley_session=a.b.c", b"null", b"gzip", b"*", b"0", b"https://"]
)


async def test_no_header_breaks_anything(server: Server, stage: Stage) -> None:
    paths = ["/me", "/events?wait=0", "/events/stream", "/conversations/{conversation_id}", "/session"]

    def look(client: httpx.Client) -> None:
        @drawn(150)
        @given(
            name=st.sampled_from(HEADERS),
            value=VALUES | st.builds(bytes.__add__, LIKELY, VALUES),
            path=st.sampled_from(paths),
        )
        def try_one(name: str, value: bytes, path: str) -> None:
            try:
                sent(client, "GET", path.format(**stage.names), {name: value}, None)
            except httpx.RemoteProtocolError:  # not HTTP any more: hung up
                assert name in ("Transfer-Encoding", "Connection", "Upgrade", "Expect")

        try_one()

    await tried(server, stage, look)


async def test_nothing_of_all_this_was_a_fault_of_ours(server: Server) -> None:
    """The last of this file: the log knows of faults that no answer told."""
    assert '"event": "failed"' not in server.log
    assert "Traceback" not in server.log
