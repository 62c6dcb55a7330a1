"""Reading answers: a refusal as (status, code, *fields), checked to be the problem document that was promised."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable
from typing import Any

import httpx

from tests.harness import Person

FORBIDDEN = (403, "forbidden")
NOT_FOUND = (404, "not_found")
UNAUTHENTICATED = (401, "unauthenticated")
TOO_LARGE = (413, "payload_too_large")
CLOSED = (409, "conversation_closed")

Refusal = tuple[int | str, ...]


def invalid(*fields: str) -> Refusal:
    """400, with these fields named."""
    return (400, "validation_failed", *fields)


def refusal(answer: httpx.Response) -> Refusal:
    """(status, code), and the fields of `errors` where there are some."""
    assert answer.status_code >= 400, f"{answer.status_code}, not refused: {answer.text[:300]}"
    assert "application/problem+json" == answer.headers["content-type"].split(";")[0], answer.text
    said = answer.json()
    assert {"type", "title", "status", "code", "detail"} <= set(said)
    assert answer.status_code == said["status"]
    assert f"urn:parley:problem:{said['code']}" == said["type"]
    assert said["title"]
    assert said["detail"]
    errors = said.get("errors", [])
    assert all({"field", "message"} == set(error) and error["field"] and error["message"] for error in errors)
    assert (said["code"] == "validation_failed") == ("errors" in said)
    if answer.status_code in (429, 503):
        assert int(answer.headers["retry-after"]) >= 1
    return (answer.status_code, said["code"], *(error["field"] for error in errors))


def ok(answer: httpx.Response, status: int = 200) -> Any:
    """The JSON of an answer that must not be a refusal."""
    assert status == answer.status_code, answer.text
    return answer.json()


def draft(body: str = "Hi", **more: Any) -> dict[str, Any]:
    """A new message, with a `client_id` of its own."""
    return {"client_id": str(uuid.uuid4()), "body": body, **more}


def bodies(messages: Iterable[dict[str, Any]]) -> list[str]:
    return [message["body"] for message in messages]


def ids(things: Iterable[dict[str, Any]]) -> list[str]:
    return [thing["id"] for thing in things]


async def send(person: Person, conversation_id: str, said: dict[str, Any]) -> httpx.Response:
    """Send a draft, whatever comes of it."""
    return await person.http.post(f"/conversations/{conversation_id}/messages", json=said)


async def conversation_of(person: Person, conversation_id: str) -> dict[str, Any]:
    return dict(ok(await person.get(f"/conversations/{conversation_id}")))


def participant(conversation: dict[str, Any], person: Person) -> dict[str, Any]:
    """What a conversation says of one person."""
    [found] = [one for one in conversation["participants"] if one["user"]["id"] == person.id]
    return dict(found)


def position(cursor: str) -> int:
    return int(cursor.rsplit("-", 1)[1])


async def now(person: Person) -> str:
    """The cursor of this moment: a server's own tail may still be a moment behind."""
    return str(ok(await person.get("/me"))["cursor"])


async def told_since(person: Person, since: str) -> list[dict[str, Any]]:
    """Everything that the log has for somebody after a cursor, up to this moment."""
    head = position(await now(person))
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(20):
        while True:
            events, since = await person.catch_up(since)
            found += events
            if position(since) >= head:
                return found
