"""/docs: every call and every event is described, with examples that are true."""

from __future__ import annotations

import re
from typing import Any

import httpx
import msgspec
import pytest

from app import schemas
from tests.api.answers import ok
from tests.harness import Cast, Server

ONE = "/conversations/{conversation_id}"

# Every call of the contract, with the query parameters that it names.
CALLS: dict[str, tuple[str, ...]] = {
    "get /me": (),
    "patch /me": (),
    "put /contexts/{kind}/{item_id}": (),
    "get /contexts/{kind}/{item_id}": (),
    "post /conversations": (),
    "get /conversations": ("as", "filter", "context", "with", "q", "before", "limit"),
    f"get {ONE}": (),
    f"patch {ONE}": (),
    f"post {ONE}/participants": (),
    f"delete {ONE}/participants/{{user_id}}": (),
    f"get {ONE}/messages": ("before", "after", "around", "limit"),
    f"post {ONE}/messages": (),
    "get /messages/{message_id}": (),
    "patch /messages/{message_id}": (),
    "delete /messages/{message_id}": (),
    "get /messages": ("box", "before"),
    f"put {ONE}/receipt": (),
    "put /receipts": (),
    "get /unread": ("context",),
    f"put {ONE}/typing": (),
    "get /presence": ("user_id",),
    "get /events/stream": ("cursor", "ticket"),
    "post /events/stream": ("cursor", "ticket"),
    "get /events": ("cursor", "wait"),
    "post /stream-tickets": (),
    "post /session": (),
    "delete /session": (),
}
OPEN = ("get /health/live", "get /health/ready", "get /metrics")
TWO_ANSWERS = (f"post {ONE}/messages", f"post {ONE}/participants", "post /conversations")

EVENTS: dict[str, type[msgspec.Struct]] = {
    "message.sent": schemas.MessageEvent,
    "message.edited": schemas.MessageEvent,
    "message.deleted": schemas.MessageEvent,
    "receipt.moved": schemas.Receipt,
    "conversation.opened": schemas.ConversationOpened,
    "conversation.changed": schemas.ConversationChanged,
    "participant.joined": schemas.ParticipantJoined,
    "participant.left": schemas.ParticipantLeft,
    "typing": schemas.Typing,
    "presence": schemas.Presence,
    "hello": schemas.Hello,
    "ready": schemas.Ready,
    "ping": schemas.Ping,
    "reset": schemas.Reset,
    "bye": schemas.Bye,
}

Description = dict[str, Any]


@pytest.fixture(scope="module")
async def described(server: Server) -> Description:
    async with httpx.AsyncClient(verify=False) as client:
        return dict(ok(await client.get(f"{server.url}/docs/openapi.json")))


@pytest.fixture(scope="module")
def operations(described: Description) -> dict[str, Description]:
    """By method and path; the paths of the contract without their prefix."""
    return {
        f"{method} {path.removeprefix('/api/v1')}": operation
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    }


def body_of(operation: Description) -> Description:
    return dict(operation["requestBody"]["content"]["application/json"])


def test_every_call_of_the_contract_is_described_and_no_other(operations: dict[str, Description]) -> None:
    assert {*CALLS, *OPEN} == set(operations)


@pytest.mark.parametrize("call", [*CALLS, *OPEN])
def test_a_call_says_in_words_what_it_does(operations: dict[str, Description], call: str) -> None:
    operation = operations[call]
    assert re.fullmatch(r"[A-Z].{2,60}", operation["summary"])
    assert operation["description"].strip().endswith((".", ")"))
    assert operation["tags"]


@pytest.mark.parametrize("call", [call for call, query in CALLS.items() if query])
def test_a_call_names_what_can_be_asked(operations: dict[str, Description], call: str) -> None:
    named = {parameter["name"] for parameter in operations[call]["parameters"] if parameter["in"] == "query"}
    assert set(CALLS[call]) <= named


@pytest.mark.parametrize("call", CALLS)
def test_what_is_in_a_path_has_an_example(operations: dict[str, Description], call: str) -> None:
    in_path = [one for one in operations[call].get("parameters", ()) if one["in"] == "path"]
    assert set(re.findall(r"\{(\w+)\}", call)) == {one["name"] for one in in_path}
    assert all(one["example"] for one in in_path)


@pytest.mark.parametrize("call", CALLS)
def test_every_body_has_an_example(operations: dict[str, Description], call: str) -> None:
    method, path = call.split(" ", 1)
    takes_body = method in ("put", "patch") or (
        method == "post" and not path.endswith(("stream", "session", "tickets"))
    )
    assert takes_body == ("requestBody" in operations[call])
    if takes_body:
        assert body_of(operations[call])["example"]


@pytest.mark.parametrize("call", [*CALLS, *OPEN])
def test_a_call_says_what_it_answers(operations: dict[str, Description], call: str) -> None:
    answers = operations[call]["responses"]
    good = {status for status in answers if status.startswith("2")}
    assert good
    if call in TWO_ANSWERS:
        assert {"200", "201"} == good
    for status in good - {"204"}:
        assert answers[status]["content"]
        assert answers[status]["description"]


@pytest.mark.parametrize("call", CALLS)
def test_a_call_says_how_it_refuses(operations: dict[str, Description], call: str) -> None:
    refusals = {name: one for name, one in operations[call]["responses"].items() if not name.startswith("2")}
    assert refusals
    for refusal in refusals.values():
        problem = refusal["content"]["application/problem+json"]
        assert {"type", "title", "status", "code", "detail"} <= set(problem["example"])


@pytest.mark.parametrize("call", ["get /events/stream", "post /events/stream"])
def test_a_stream_is_described_as_one(operations: dict[str, Description], call: str) -> None:
    assert {"text/event-stream"} == set(operations[call]["responses"]["200"]["content"])
    headers = [one["name"] for one in operations[call]["parameters"] if one["in"] == "header"]
    assert ["Last-Event-ID"] == headers


def test_the_token_is_described_and_not_asked_of_load_balancers(
    described: Description, operations: dict[str, Description]
) -> None:
    assert "bearer" in described["components"]["securitySchemes"]
    assert [{"bearer": []}] == described["security"]
    assert all(operations[call]["security"] == [] for call in OPEN)


def names_in(value: Any) -> Any:
    """The names of an example, through all its depth."""
    if isinstance(value, dict):
        return {name: names_in(inner) for name, inner in value.items()}
    return [names_in(inner) for inner in value] if isinstance(value, list) else None


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_is_described_with_an_example_of_its_form(described: Description, event: str) -> None:
    said = described["x-events"][event]
    assert said["description"].strip()
    again = msgspec.to_builtins(msgspec.convert(said["example"], EVENTS[event], strict=False))
    assert names_in(again) == names_in(said["example"])


def test_no_event_is_described_that_does_not_exist(described: Description) -> None:
    assert set(EVENTS) == set(described["x-events"])


async def test_the_examples_can_be_sent_as_they_are(
    cast: Cast, operations: dict[str, Description], described: Description
) -> None:
    """Each of them, in order, by who may: nothing is refused for its form."""
    message = (await cast.bea.say(cast.conversation_id, "Is it?"))["message"]
    path_names = {
        "kind": "listing",
        "item_id": cast.listing,
        "conversation_id": cast.conversation_id,
        "message_id": message["id"],
        "user_id": cast.ada.id,
    }
    for call in CALLS:
        if "requestBody" not in operations[call]:
            continue
        method, path = call.split(" ", 1)
        person = cast.shop if "contexts" in path or "participants" in path else cast.bea
        answer = await person.http.request(method, path.format(**path_names), json=body_of(operations[call])["example"])
        assert answer.status_code != 400, f"{call}: {answer.text}"
        # The people and items of the examples are not there; the cursor is of another log.
        assert answer.is_success or answer.status_code in (403, 404), f"{call}: {answer.text}"


async def test_the_page_is_served_and_loads_nothing_from_elsewhere(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.url, verify=False) as client:
        page = await client.get("/docs")
        assert 200 == page.status_code
        assert page.headers["content-type"].startswith("text/html")
        loaded = re.findall(r'(?:src|href)="([^"#]+)"', page.text)
        assert loaded
        assert [] == [address for address in loaded if "//" in address]
        for address in loaded:
            answer = await client.get(address)
            assert 200 == answer.status_code, address
    assert "'self'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]
