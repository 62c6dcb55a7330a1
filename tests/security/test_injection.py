"""Injection through every text that comes from outside: what comes out is exactly what went in, or it was a 400.

Out means: the answer, every call that reads it, the log by poll, and the stream, where one event stays one frame.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import quote

import asyncpg
import httpx
import pytest

from tests.api.answers import draft, ok, refusal
from tests.api.conftest import NewPerson
from tests.harness import Cast, Person, Server, Stream, close_cast, gather_cast

TEXTS: dict[str, str] = {
    "SQL that ends a text": "'; DROP TABLE message; --",
    "SQL that is always true": "' OR '1'='1' --",
    "SQL with a backslash": "\\'; SELECT pg_sleep(30); --",
    "SQL in dollars": "$$; DELETE FROM users; $$",
    "SQL for a pattern": "%_\\%",
    "places to be filled in": "{} {0} {conversation_id} %s %(id)s $1 :id ?",
    "a script": "<script>alert(document.cookie)</script>",
    "a picture that fails": '"><img src=x onerror="alert(1)">',
    "a script's end": "</script><!--<script>",
    "entities": "&lt;b&gt; &amp;amp; &#0;",
    "a template": "{{7*7}} ${7*7} #{7*7} <%= 7*7 %>",
    "JSON": '","sender_id":"sol","x":"',
    "JSON's end": '"}}\\u0022}',
    "a backslash at its end": "\\",
    "a frame": "x\n\nid: 1-1\nevent: reset\ndata: {}\n\n",
    "a frame with carriage returns": "x\r\revent: bye\rdata: {}\r\r",
    "a frame with both": "x\r\n\r\ndata: {}\r\n\r\n",
    "a field": "data: {}",
    "a header": "x\r\nSet-Cookie: parley_session=evil\r\n\r\n<html>",
    "line separators": "a\u2028event: reset\u2029data: {}\u0085b",
    "a vertical tab and a form feed": "a\x0bb\x0cc",
    "a NUL": "a\x00b",
    "an escape": "\x1b]0;owned\x07\x1b[2J",
    "C1 controls": "a\x9b31mb",
    "a delete": "a\x7fb",
    "half a character": "a\ud800b",
    "the other half": "\udfff",
    "halves in the wrong order": "\udc00\ud800",
    "written backwards": "\u202egpj.exe\u2066x\u2069",
    "hidden": "a\u200bb\u2060c\ufeffd",
    "a mark at its beginning": "\ufeffa",
    "no characters": "\uffff\ufffe\U0010ffff",
    "two ways to write one letter": "é e\u0301 ﬁ Å",
    "a tower of marks": "a" + "\u0301" * 100,
    "beyond the basic plane": "\U0001d4b3 \U0001f469\u200d\U0001f467 \U0001f3f3\ufe0f\u200d\U0001f308",
    "a path": "../../../../etc/passwd",
    "a format": "%n%n%n%p%x",
    "white space around": "  a  ",
}
EVENT_TYPES = {"hello", "ready", "ping", "message.sent", "message.edited", "conversation.changed", "receipt.moved"}
EVENT_TYPES |= {"conversation.opened", "presence", "typing"}


@pytest.fixture(params=TEXTS)
def text(request: pytest.FixtureRequest) -> str:
    return TEXTS[request.param]


@pytest.fixture(scope="module")
async def cast(server: Server) -> AsyncIterator[Cast]:
    """One cast for all texts: what one of them breaks, the next one finds broken."""
    cast = await gather_cast(server.url)
    yield cast
    await close_cast(cast)


@pytest.fixture(scope="module")
async def stream(cast: Cast) -> AsyncIterator[Stream]:
    """sol listens all the time."""
    async with cast.sol.stream() as stream:
        yield stream


async def write(person: Person, method: str, path: str, body: Any) -> Any:
    """The JSON of the answer, or None when the text was refused as what it is. Half characters are written as JSON may:
    no UTF-8 could carry them."""
    headers = {"Content-Type": "application/json"}
    answer = await person.http.request(method, path, content=json.dumps(body).encode(), headers=headers)
    if answer.status_code == 400:
        assert "validation_failed" == refusal(answer)[1]
        return None
    assert answer.is_success, answer.text
    return answer.json()


async def the_event(stream: Stream, kind: str, is_it: Callable[[Any], bool]) -> Any:
    """The data of the one event that this is about; nothing that is no event of ours has come meanwhile."""
    found = await stream.until(lambda events: [e for e in events if e.type == kind and is_it(e.data)])
    assert 1 == len(found)
    assert EVENT_TYPES >= {event.type for event in stream.events}
    return found[0].data


async def test_a_body_comes_out_as_it_went_in(cast: Cast, stream: Stream, text: str) -> None:
    path = f"/conversations/{cast.conversation_id}"
    said = draft(text)
    since = stream.events[-1].id or stream.events[0].data["cursor"]
    answer = await write(cast.bea, "POST", f"{path}/messages", said)
    if answer is None:
        return
    id_ = answer["message"]["id"]
    polled = (await cast.sol.catch_up(since))[0]
    seen = {
        "the answer": answer["message"],
        "the repeated answer": (await write(cast.bea, "POST", f"{path}/messages", said))["message"],
        "one message": ok(await cast.sol.get(f"/messages/{id_}")),
        "the history": ok(await cast.sol.get(f"{path}/messages"))["messages"][-1],
        "the conversation": ok(await cast.sol.get(path))["last_message"],
        "the inbox": ok(await cast.sol.get("/messages", box="inbox"))["messages"][0],
        "the sent box": ok(await cast.bea.get("/messages", box="sent"))["messages"][0],
        "the poll": next(e["data"]["message"] for e in polled if e["data"].get("message", {}).get("id") == id_),
        "the stream": (await the_event(stream, "message.sent", lambda data: data["message"]["id"] == id_))["message"],
    }
    assert dict.fromkeys(seen, text) == {where: message["body"] for where, message in seen.items()}
    assert {cast.bea.id} == {message["sender_id"] for message in seen.values()}


async def test_an_edit_comes_out_as_it_went_in(cast: Cast, stream: Stream, text: str) -> None:
    id_ = (await cast.bea.say(cast.conversation_id, "First"))["message"]["id"]
    answer = await write(cast.bea, "PATCH", f"/messages/{id_}", {"body": text})
    if answer is None:
        assert "First" == ok(await cast.sol.get(f"/messages/{id_}"))["body"]
        return
    told = await the_event(stream, "message.edited", lambda data: data["message"]["id"] == id_)
    read = ok(await cast.sol.get(f"/messages/{id_}"))
    assert [text] * 3 == [answer["body"], told["message"]["body"], read["body"]]


@pytest.mark.parametrize("field", ["title", "state", "attributes", "url"])
async def test_an_item_comes_out_as_the_shop_told_it(cast: Cast, stream: Stream, field: str, text: str) -> None:
    values: dict[str, Any] = {"attributes": {text: text}, "url": f"/{text}"}
    name, value = field, values.get(field, text)
    told = {"title": "Table", "seller_id": cast.sol.id, "attributes": {"mark": uuid.uuid4().hex}, name: value}
    answer = await write(cast.shop, "PUT", f"/contexts/listing/{cast.listing}", told)
    if answer is None:
        return
    read = ok(await cast.bea.get(f"/contexts/listing/{cast.listing}"))
    inside = ok(await cast.bea.get(f"/conversations/{cast.conversation_id}"))["context"]
    assert [value] * 3 == [answer[name], read[name], inside[name]]
    assert EVENT_TYPES >= {event.type for event in stream.events}


async def test_a_card_keeps_what_it_showed(cast: Cast, stream: Stream, text: str) -> None:
    told = {"title": text, "seller_id": cast.sol.id}
    if await write(cast.shop, "PUT", f"/contexts/listing/{cast.listing}", told) is None:
        return
    card = {**draft(""), "kind": "card", "context": {"kind": "listing", "id": cast.listing}}
    answer = await write(cast.bea, "POST", f"/conversations/{cast.conversation_id}/messages", card)
    id_ = answer["message"]["id"]
    sent = await the_event(stream, "message.sent", lambda data: data["message"]["id"] == id_)
    read = ok(await cast.sol.get(f"/messages/{id_}"))
    assert [text] * 3 == [message["context"]["title"] for message in (answer["message"], sent["message"], read)]


async def test_a_subject_comes_out_as_it_went_in(cast: Cast, new_person: NewPerson, text: str) -> None:
    ben = new_person()
    ok(await ben.get("/me"))
    answer = await write(cast.eve, "POST", "/conversations", {"participants": [{"user_id": ben.id}], "subject": text})
    if answer is None:
        return
    listed = ok(await ben.get("/conversations"))["conversations"][0]
    assert [text] * 2 == [answer["conversation"]["subject"], listed["subject"]]


async def test_a_status_comes_out_as_it_went_in(cast: Cast, text: str) -> None:
    answer = await write(cast.bea, "PATCH", "/me", {"status_text": text})
    if answer is None:
        return
    [presence] = ok(await cast.sol.get("/presence", user_id=cast.bea.id))["presence"]
    assert [text] * 2 == [answer["status_text"], presence["status_text"]]


async def test_a_name_has_nothing_in_it_that_moves_or_cannot_be_shown(
    cast: Cast, new_person: NewPerson, text: str
) -> None:
    """A name comes by the shop's token, which is not refused for it: control characters become spaces, and what is no
    character a question mark."""
    ben = new_person(name=text)
    name = ok(await ben.get("/me"))["user"]["name"]
    shown = re.sub(r"[\x00-\x1f\x7f]", " ", text.encode("utf-8", "replace").decode()).strip()
    assert (shown or ben.id) == name


async def test_an_id_of_a_person_comes_out_as_it_went_in(server: Server, text: str) -> None:
    person = Person(server.url, text)
    answer = await person.get("/me")
    await person.close()
    if answer.status_code == 401:
        assert re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", text) or not text.strip()
        return
    assert text == ok(answer)["user"]["id"]


async def test_an_id_of_an_item_comes_out_as_it_went_in(cast: Cast, text: str) -> None:
    """In the address, where it is one part or several."""
    path = f"/contexts/listing/{quote(text.encode('utf-8', 'replace').decode(), safe='')}"
    answer = await cast.shop.http.put(path, json={"title": "Table", "seller_id": cast.sol.id})
    if answer.status_code in (400, 404):
        return
    said = ok(answer)["id"]
    assert text.encode("utf-8", "replace").decode() == said
    opened = ok(await write_raw(cast.eve, {"context": {"kind": "listing", "id": said}}), 201)
    assert said == opened["conversation"]["context"]["id"]
    found = ok(await cast.eve.get("/conversations", context=f"listing:{said}"))["conversations"]
    assert [opened["conversation"]["id"]] == [one["id"] for one in found]


async def write_raw(person: Person, body: Any) -> httpx.Response:
    return await person.http.post("/conversations", json=body)


QUESTIONS = [
    *(("/conversations", name) for name in ("q", "with", "context", "before", "limit", "filter", "as")),
    *(("/messages", name) for name in ("box", "before")),
    *(("/events", name) for name in ("cursor", "wait")),
    ("/presence", "user_id"),
    ("/unread", "context"),
]


async def test_a_question_finds_nothing_of_others_and_breaks_nothing(cast: Cast, text: str) -> None:
    value = text.encode("utf-8", "replace").decode()
    for path, name in QUESTIONS:
        needed = {"/messages": {"box": "inbox"}, "/events": {"wait": "0"}}.get(path, {})
        params = {**needed, name: f"listing:{value}" if name == "context" else value}
        answer = await cast.mod.http.get(path, params=params)
        assert answer.status_code in (200, 400), answer.text
        assert cast.conversation_id not in answer.text


async def test_after_all_this_everything_is_where_it_was(cast: Cast, database: asyncpg.Connection[Any]) -> None:
    """The last of this file: no table has gone, nobody has become somebody else."""
    tables = {row["tablename"] for row in await database.fetch("SELECT tablename FROM pg_tables")}
    assert {"users", "message", "conversation", "participant", "event", "log_head"} <= tables
    people = ok(await cast.sol.get(f"/conversations/{cast.conversation_id}"))["participants"]
    assert {(cast.bea.id, "Bea"), (cast.sol.id, "Sol")} == {(one["user"]["id"], one["user"]["name"]) for one in people}
    assert await database.fetchval("SELECT position = (SELECT max(position) FROM event) FROM log_head")
