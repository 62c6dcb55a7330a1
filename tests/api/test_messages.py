"""POST /conversations/{id}/messages: send. By both ways in: the short one for ordinary requests, and the other."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import httpx
import pytest

from tests.api.answers import (
    FORBIDDEN,
    NOT_FOUND,
    TOO_LARGE,
    bodies,
    conversation_of,
    draft,
    invalid,
    now,
    ok,
    participant,
    refusal,
    told_since,
)
from tests.api.conftest import NewPerson
from tests.harness import Cast, Person

Send = Callable[[Person, str, dict[str, Any] | bytes], Awaitable[httpx.Response]]


async def in_chunks(content: bytes) -> AsyncIterator[bytes]:
    yield content[: len(content) // 2]
    yield content[len(content) // 2 :]


@pytest.fixture(params=["ordinary", "chunked"])
def send(request: pytest.FixtureRequest) -> Send:
    """Sends a draft with its length stated (what every client does), or in chunks of unknown length: two ways through
    the server to one action, and nobody must be able to tell them apart."""

    async def sending(person: Person, conversation_id: str, said: dict[str, Any] | bytes) -> httpx.Response:
        content = said if isinstance(said, bytes) else json.dumps(said).encode()
        return await person.http.post(
            f"/conversations/{conversation_id}/messages",
            content=content if request.param == "ordinary" else in_chunks(content),
        )

    return sending


async def history(person: Person, conversation_id: str) -> list[dict[str, Any]]:
    return list(ok(await person.get(f"/conversations/{conversation_id}/messages", limit=100))["messages"])


async def test_a_message_reaches_both_streams_with_the_bytes_of_the_answer(cast: Cast, send: Send) -> None:
    async with cast.bea.stream() as beas, cast.sol.stream() as sols:
        sent = ok(await send(cast.bea, cast.conversation_id, draft("Is it still available?")), 201)
        heard = [await stream.next("message.sent") for stream in (beas, sols)]
    assert [sent["message"]] * 2 == [event.data["message"] for event in heard]
    assert [cast.conversation_id] * 2 == [event.data["conversation_id"] for event in heard]
    assert [sent["cursor"]] * 2 == [event.id for event in heard]


async def test_the_answer_is_the_message_as_anyone_reads_it_later(cast: Cast, send: Send) -> None:
    said = draft("Is it still available?")
    message = ok(await send(cast.bea, cast.conversation_id, said), 201)["message"]
    nothing = {"context": None, "reply_to": None, "edited_at": None, "deleted_at": None}
    given = {"conversation_id": cast.conversation_id, "seq": 1, "sender_id": cast.bea.id, "kind": "text"}
    assert {**said, **given, **nothing} == {
        key: value for key, value in message.items() if key not in ("id", "created_at")
    }
    assert message["created_at"].endswith("Z")
    assert message == ok(await cast.sol.get(f"/messages/{message['id']}"))
    assert [message] == await history(cast.sol, cast.conversation_id)
    assert message == (await conversation_of(cast.sol, cast.conversation_id))["last_message"]


async def test_sending_moves_the_senders_own_receipt(cast: Cast, send: Send) -> None:
    """Who answers has read what they answer."""
    await cast.bea.say(cast.conversation_id, "1")
    await cast.bea.say(cast.conversation_id, "2")
    ok(await send(cast.sol, cast.conversation_id, draft("3")), 201)
    seen = await conversation_of(cast.sol, cast.conversation_id)
    positions = [
        (participant(seen, person)["delivered_seq"], participant(seen, person)["read_seq"])
        for person in (cast.bea, cast.sol)
    ]
    assert [(2, 2), (3, 3)] == positions
    assert 0 == seen["unread_count"]


async def test_messages_are_numbered_without_gaps_and_doubles_whoever_sends(cast: Cast, send: Send) -> None:
    answers = await asyncio.gather(
        *(
            send(person, cast.conversation_id, draft(f"{number}"))
            for number in range(20)
            for person in (cast.bea, cast.sol)
        )
    )
    assert list(range(1, 41)) == sorted(ok(answer, 201)["message"]["seq"] for answer in answers)
    assert list(range(1, 41)) == [message["seq"] for message in await history(cast.sol, cast.conversation_id)]


async def test_one_persons_messages_one_after_another_stay_in_order(cast: Cast, send: Send) -> None:
    for number in range(10):
        ok(await send(cast.bea, cast.conversation_id, draft(f"{number}")), 201)
    assert [f"{number}" for number in range(10)] == bodies(await history(cast.sol, cast.conversation_id))


# --- bodies --------------------------------------------------------------------------------------------------------

KEPT = {
    "4,000 letters": "x" * 4_000,
    "4,000 emoji": "👍" * 4_000,
    "4,000 quotes": '"' * 4_000,
    "white space around": "  Hi \n",
    "lines and tabs": "a\nb\r\n\tc",
    "HTML": "<script>alert('1')</script> &amp; <b>",
    "quotes and backslashes": 'He said "\\n" \\ / \\u0041 {"a":1}',
    "an emoji of several characters": "👨\u200d👩\u200d👧",
    "right to left": "שלום \u200f!",
    "combining": "e\u0301 and é are not made one",
    "a line separator": "a\u2028b\u2029c",
    "what looks like a frame": "x\n\nevent: bye\ndata: {}\n\n",
    "what looks like the end of JSON": '"}}\n\nid: 1',
    "per cent and braces": "%s %(x)s {} {0} {{x}}",
    "characters beyond the first plane": "\U0001d518 \U0010fffd",
    "noncharacters": "a\ufffe\uffffb",
}


@pytest.mark.parametrize("body", KEPT.values(), ids=KEPT)
async def test_a_body_is_kept_and_told_exactly(cast: Cast, send: Send, body: str) -> None:
    async with cast.sol.stream() as stream:
        sent = ok(await send(cast.bea, cast.conversation_id, draft(body)), 201)["message"]
        heard = (await stream.next("message.sent")).data["message"]
    polled = [event for event in await told_since(cast.sol, stream.events[0].id or "") if "message" in event["data"]]
    assert [body] * 4 == bodies(
        [sent, heard, ok(await cast.sol.get(f"/messages/{sent['id']}")), polled[0]["data"]["message"]]
    )


BLANK = {
    "nothing": "",
    "spaces": "   ",
    "lines": "\n\t\r\n",
    "zero width": "\u200b\u200d\ufeff",
    "hangul filler": "\u3164",
}
TOO_LONG = {"4,001 letters": "x" * 4_001, "4,001 emoji": "👍" * 4_001}
CONTROLS = {
    "bell": "a\x07",
    "escape": "\x1b[31mred",
    "DEL": "a\x7f",
    "NUL": "a\x00b",
    "C1": "a\x85b",
    "vertical tab": "a\x0bb",
}


@pytest.mark.parametrize(
    "body", [*BLANK.values(), *TOO_LONG.values(), *CONTROLS.values()], ids=[*BLANK, *TOO_LONG, *CONTROLS]
)
async def test_a_body_that_shows_nothing_or_too_much_is_refused(bystanders: Cast, send: Send, body: str) -> None:
    assert invalid("body") == refusal(await send(bystanders.bea, bystanders.conversation_id, draft(body)))


@pytest.mark.parametrize("escape", [rb"\ud800", rb"\udc00 ", rb"\ud800A", rb"\udc00\ud800", rb"\ud83d"])
async def test_half_a_character_is_refused(bystanders: Cast, send: Send, escape: bytes) -> None:
    """A lone surrogate can be said in JSON and stored nowhere."""
    said = b'{"client_id": "%s", "body": "a%s"}' % (str(uuid.uuid4()).encode(), escape)
    assert invalid("body") == refusal(await send(bystanders.bea, bystanders.conversation_id, said))


async def test_bytes_that_are_no_utf_8_are_refused(bystanders: Cast, send: Send) -> None:
    for wrong in (b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xf5\x80\x80\x80"):
        said = b'{"client_id": "%s", "body": "a%s"}' % (str(uuid.uuid4()).encode(), wrong)
        answer = await send(bystanders.bea, bystanders.conversation_id, said)
        assert (400, "validation_failed") == refusal(answer)[:2]


@pytest.mark.parametrize("said", [b"", b"{", b"[]", b"null", b'"Hi"', b"{}", b'{"client_id": 1, "body": "Hi"}'])
async def test_what_is_no_draft_is_refused(bystanders: Cast, send: Send, said: bytes) -> None:
    answer = await send(bystanders.bea, bystanders.conversation_id, said)
    assert (400, "validation_failed") == refusal(answer)[:2]


async def test_a_draft_as_large_as_it_can_be_is_taken(cast: Cast, send: Send) -> None:
    """4,000 characters, each written in twelve, and everything else that a draft can have."""
    about = {"kind": "listing", "id": cast.listing}
    first = (await cast.bea.say(cast.conversation_id, "First"))["message"]["id"]
    said = json.dumps(draft("👍" * 4_000, context=about, reply_to=first, last_seen_seq=1), ensure_ascii=True).encode()
    assert len(said) > 48_000
    ok(await send(cast.bea, cast.conversation_id, said), 201)


@pytest.mark.parametrize("size", [64 * 1024 + 1, 1024 * 1024])
async def test_a_request_that_is_too_large_is_refused_before_it_is_read(
    bystanders: Cast, send: Send, size: int
) -> None:
    said = draft("Hi")
    content = json.dumps(said).encode().ljust(size)
    assert TOO_LARGE == refusal(await send(bystanders.bea, bystanders.conversation_id, content))
    assert 200 == (await bystanders.bea.get("/me")).status_code


async def test_a_request_of_just_the_size_is_taken(cast: Cast, send: Send) -> None:
    content = json.dumps(draft("Hi")).encode().ljust(64 * 1024)
    ok(await send(cast.bea, cast.conversation_id, content), 201)


# --- once ----------------------------------------------------------------------------------------------------------


async def test_the_same_draft_again_gives_the_first_result(cast: Cast, send: Send) -> None:
    said = draft("Once")
    first, again = [await send(cast.bea, cast.conversation_id, said) for _ in range(2)]
    assert (201, 200) == (first.status_code, again.status_code)
    assert first.json() == again.json()
    assert ["Once"] == bodies(await history(cast.sol, cast.conversation_id))


async def test_the_same_draft_many_times_at_once_is_one_message(cast: Cast, send: Send) -> None:
    said = draft("Once")
    cursor = await now(cast.sol)
    answers = await asyncio.gather(*(send(cast.bea, cast.conversation_id, said) for _ in range(12)))
    assert [200] * 11 + [201] == sorted(answer.status_code for answer in answers)
    assert 1 == len({answer.text for answer in answers})
    assert ["message.sent"] == [event["type"] for event in await told_since(cast.sol, cursor)]


async def test_a_repeated_draft_is_told_to_nobody_again_and_moves_nothing(cast: Cast, send: Send) -> None:
    said = draft("Once")
    ok(await send(cast.bea, cast.conversation_id, said), 201)
    await cast.sol.say(cast.conversation_id, "Answer")
    cursor = await now(cast.bea)
    ok(await send(cast.bea, cast.conversation_id, said))
    assert [] == await told_since(cast.bea, cursor)
    assert 1 == (await conversation_of(cast.bea, cast.conversation_id))["unread_count"]


@pytest.mark.parametrize(
    "change", [{"body": "Twice"}, {"kind": "card"}, {"reply_to": True}, {"context": None}], ids=str
)
async def test_the_same_client_id_with_other_content_is_a_conflict(
    cast: Cast, send: Send, change: dict[str, Any]
) -> None:
    first = (await cast.sol.say(cast.conversation_id, "First"))["message"]["id"]
    said = draft("Once", context={"kind": "listing", "id": cast.listing})
    ok(await send(cast.bea, cast.conversation_id, said), 201)
    other = {**said, **change, **({"reply_to": first} if "reply_to" in change else {})}
    assert (409, "message_conflict") == refusal(await send(cast.bea, cast.conversation_id, other))
    assert ["First", "Once"] == bodies(await history(cast.sol, cast.conversation_id))


async def test_the_same_client_id_in_another_conversation_is_a_conflict(cast: Cast, send: Send) -> None:
    elsewhere = ok(await cast.bea.post("/conversations", participants=[{"user_id": cast.ada.id}]), 201)["conversation"][
        "id"
    ]
    said = draft("Once")
    ok(await send(cast.bea, cast.conversation_id, said), 201)
    assert (409, "message_conflict") == refusal(await send(cast.bea, elsewhere, said))


async def test_two_people_may_choose_the_same_client_id(cast: Cast, send: Send) -> None:
    said = draft("Once each")
    answers = [ok(await send(person, cast.conversation_id, said), 201) for person in (cast.bea, cast.sol)]
    assert [1, 2] == [answer["message"]["seq"] for answer in answers]


async def test_a_repeated_draft_of_an_edited_message_gives_it_as_it_is_now(cast: Cast, send: Send) -> None:
    said = draft("Hte table")
    first = ok(await send(cast.bea, cast.conversation_id, said), 201)
    ok(await cast.bea.patch(f"/messages/{first['message']['id']}", body="The table"))
    again = ok(await send(cast.bea, cast.conversation_id, said))
    assert (first["message"]["id"], first["cursor"]) == (again["message"]["id"], again["cursor"])
    assert "The table" == again["message"]["body"]
    other = await send(cast.bea, cast.conversation_id, {**said, "body": "The table"})
    assert (409, "message_conflict") == refusal(other), "what was first sent counts"


async def test_a_repeated_draft_of_an_unsent_message_does_not_bring_it_back(cast: Cast, send: Send) -> None:
    said = draft("A mistake")
    first = ok(await send(cast.bea, cast.conversation_id, said), 201)["message"]
    ok(await cast.bea.delete(f"/messages/{first['id']}"))
    again = ok(await send(cast.bea, cast.conversation_id, said))["message"]
    assert (first["id"], "") == (again["id"], again["body"])
    assert again["deleted_at"]
    assert [""] == bodies(await history(cast.sol, cast.conversation_id))


async def test_a_draft_that_was_refused_may_be_sent_again_with_its_client_id(cast: Cast, send: Send) -> None:
    said = draft(" ")
    assert invalid("body") == refusal(await send(cast.bea, cast.conversation_id, said))
    ok(await send(cast.bea, cast.conversation_id, {**said, "body": "Hi"}), 201)


async def test_a_client_id_is_read_in_any_case(cast: Cast, send: Send) -> None:
    said = draft("Once")
    first = ok(await send(cast.bea, cast.conversation_id, said), 201)
    again = ok(await send(cast.bea, cast.conversation_id, {**said, "client_id": said["client_id"].upper()}))
    assert first == again


# --- the answer guard ----------------------------------------------------------------------------------------------


async def test_whoever_has_not_seen_the_newest_message_is_shown_it_first(cast: Cast, send: Send) -> None:
    """sol is about to say "sold" when bea raises her offer."""
    newer = [(await cast.bea.say(cast.conversation_id, f"{number}"))["message"] for number in range(1, 4)]
    answer = await send(cast.sol, cast.conversation_id, draft("Sold", last_seen_seq=1))
    assert (409, "conversation_moved") == refusal(answer)
    assert newer[1:] == answer.json()["messages"]
    assert 3 == (await conversation_of(cast.sol, cast.conversation_id))["last_seq"]
    ok(await send(cast.sol, cast.conversation_id, draft("Sold", last_seen_seq=3)), 201)


async def test_ones_own_newer_message_counts_too(cast: Cast, send: Send) -> None:
    """Sent from another device."""
    await cast.sol.say(cast.conversation_id, "From my phone")
    answer = await send(cast.sol, cast.conversation_id, draft("From my desk", last_seen_seq=0))
    assert ["From my phone"] == bodies(answer.json()["messages"])


async def test_the_draft_may_be_sent_again_with_the_same_client_id_after_reading(cast: Cast, send: Send) -> None:
    await cast.bea.say(cast.conversation_id, "Wait!")
    said = draft("Sold", last_seen_seq=0)
    assert (409, "conversation_moved") == refusal(await send(cast.sol, cast.conversation_id, said))
    ok(await send(cast.sol, cast.conversation_id, {**said, "last_seen_seq": 1}), 201)
    ok(await send(cast.sol, cast.conversation_id, said)), "repeated it is the first result, however old what was seen"


async def test_no_more_than_a_hundred_newer_messages_are_shown(cast: Cast, send: Send) -> None:
    await asyncio.gather(*(cast.bea.say(cast.conversation_id, f"{number}") for number in range(105)))
    answer = await send(cast.sol, cast.conversation_id, draft("Hi", last_seen_seq=0))
    shown = [message["seq"] for message in answer.json()["messages"]]
    assert 100 == len(shown)
    assert sorted(shown) == shown


async def test_of_many_guarded_answers_at_once_one_is_sent(cast: Cast, send: Send) -> None:
    """Two agents answer the same question at the same moment."""
    answers = await asyncio.gather(
        *(send(person, cast.conversation_id, draft("Mine", last_seen_seq=0)) for person in (cast.bea, cast.sol) * 4)
    )
    assert [201] + [409] * 7 == sorted(answer.status_code for answer in answers)


async def test_having_seen_more_than_there_is_does_no_harm(cast: Cast, send: Send) -> None:
    ok(await send(cast.bea, cast.conversation_id, draft("Hi", last_seen_seq=2**63 - 1)), 201)


# --- kinds, cards, replies -----------------------------------------------------------------------------------------


async def test_a_card_carries_the_item_as_it_is(cast: Cast, send: Send) -> None:
    about = {"kind": "listing", "id": cast.listing}
    sent = ok(await send(cast.sol, cast.conversation_id, draft("", kind="card", context=about)), 201)["message"]
    assert ok(await cast.bea.get(f"/contexts/listing/{cast.listing}")) == sent["context"]
    assert ("card", "") == (sent["kind"], sent["body"])


async def test_a_card_needs_an_item_that_exists(cast: Cast, send: Send) -> None:
    assert invalid("context") == refusal(await send(cast.sol, cast.conversation_id, draft("Look", kind="card")))
    nowhere = {"kind": "listing", "id": "nowhere"}
    assert NOT_FOUND == refusal(await send(cast.sol, cast.conversation_id, draft(kind="card", context=nowhere)))


@pytest.mark.parametrize(("who", "expected"), [("bea", FORBIDDEN), ("sol", FORBIDDEN), ("mod", FORBIDDEN)])
async def test_only_the_shop_sends_lines_of_the_system(bystanders: Cast, send: Send, who: str, expected: Any) -> None:
    answer = await send(getattr(bystanders, who), bystanders.conversation_id, draft("Paid", kind="system"))
    assert expected == refusal(answer)


async def test_the_shop_speaks_in_every_conversation_without_being_in_it(cast: Cast, send: Send) -> None:
    said = draft("Your order was sent", kind="system")
    sent = ok(await send(cast.shop, cast.conversation_id, said), 201)["message"]
    assert ("system", cast.shop.id) == (sent["kind"], sent["sender_id"])
    assert sent == ok(await send(cast.shop, cast.conversation_id, said))["message"]
    seen = await conversation_of(cast.bea, cast.conversation_id)
    assert 1 == seen["unread_count"]
    assert {cast.bea.id, cast.sol.id} == {one["user"]["id"] for one in seen["participants"]}
    ok(await send(cast.shop, cast.conversation_id, draft("And a text")), 201)


async def test_a_moderator_reads_and_does_not_speak(bystanders: Cast, send: Send) -> None:
    assert NOT_FOUND == refusal(await send(bystanders.mod, bystanders.conversation_id, draft()))


async def test_a_reply_names_a_message_of_the_same_conversation(cast: Cast, send: Send) -> None:
    first = (await cast.bea.say(cast.conversation_id, "Still there?"))["message"]["id"]
    sent = ok(await send(cast.sol, cast.conversation_id, draft("Yes", reply_to=first)), 201)["message"]
    assert first == sent["reply_to"]
    elsewhere = ok(await cast.bea.post("/conversations", participants=[{"user_id": cast.ada.id}]), 201)["conversation"][
        "id"
    ]
    for wrong, where in (
        (first, elsewhere),
        (str(uuid.uuid4()), cast.conversation_id),
        (sent["client_id"], cast.conversation_id),
    ):
        assert invalid("reply_to") == refusal(await send(cast.bea, where, draft("Yes", reply_to=wrong)))


async def test_a_reply_to_what_was_unsent_is_a_reply(cast: Cast, send: Send) -> None:
    first = (await cast.bea.say(cast.conversation_id, "Still there?"))["message"]["id"]
    ok(await cast.bea.delete(f"/messages/{first}"))
    ok(await send(cast.sol, cast.conversation_id, draft("What was that?", reply_to=first)), 201)


# --- who -----------------------------------------------------------------------------------------------------------


async def test_a_stranger_finds_nothing(cast: Cast, send: Send) -> None:
    for person in (cast.eve, cast.ada, cast.mod):
        assert NOT_FOUND == refusal(await send(person, cast.conversation_id, draft()))
    assert NOT_FOUND == refusal(await send(cast.bea, str(uuid.uuid4()), draft()))
    assert 0 == (await conversation_of(cast.bea, cast.conversation_id))["last_seq"]


async def test_a_stranger_learns_nothing_by_reusing_somebodys_client_id(cast: Cast, send: Send) -> None:
    said = draft("Between us")
    ok(await send(cast.bea, cast.conversation_id, said), 201)
    assert NOT_FOUND == refusal(await send(cast.eve, cast.conversation_id, said))


async def test_a_token_that_has_just_expired_sends_nothing(cast: Cast, send: Send, new_person: NewPerson) -> None:
    """Though the server remembers it."""
    bea = new_person(user_id=cast.bea.id, ttl_seconds=1.2)
    ok(await send(bea, cast.conversation_id, draft("In time")), 201)
    async with bea.stream() as stream:
        await stream.next("bye")
    assert (401, "token_expired") == refusal(await send(bea, cast.conversation_id, draft("Too late")))


async def test_a_session_that_was_ended_sends_nothing(cast: Cast, send: Send, new_person: NewPerson) -> None:
    bea = new_person(user_id=cast.bea.id, device="phone")
    ok(await send(bea, cast.conversation_id, draft("In time")), 201)
    assert 204 == (await bea.delete("/session")).status_code
    assert (401, "unauthenticated") == refusal(await send(bea, cast.conversation_id, draft("Too late")))


async def test_somebody_whose_first_request_is_a_message_may_send_it(
    cast: Cast, send: Send, new_person: NewPerson
) -> None:
    again = new_person(user_id=cast.bea.id, device="a new one")
    ok(await send(again, cast.conversation_id, draft("Hello from my new phone")), 201)


async def test_what_was_refused_left_no_trace(cast: Cast, send: Send, database: asyncpg.Connection[Any]) -> None:
    """Neither a message nor an event nor a number that is missing."""
    before = await database.fetchval(
        "SELECT count(*) FROM message WHERE conversation_id = $1", uuid.UUID(cast.conversation_id)
    )
    for said in (draft(" "), draft("Paid", kind="system"), draft("Re", reply_to=str(uuid.uuid4()))):
        assert (await send(cast.bea, cast.conversation_id, said)).status_code in (400, 403)
    sent = ok(await send(cast.bea, cast.conversation_id, draft("First")), 201)["message"]
    after = await database.fetchval(
        "SELECT count(*) FROM message WHERE conversation_id = $1", uuid.UUID(cast.conversation_id)
    )
    assert (1, before + 1) == (sent["seq"], after)


async def test_both_ways_in_answer_with_the_same_headers(cast: Cast) -> None:
    path = f"/conversations/{cast.conversation_id}/messages"
    ordinary = await cast.bea.http.post(path, json=draft("1"))
    chunked = await cast.bea.http.post(path, content=in_chunks(json.dumps(draft("2")).encode()))
    said = [
        {name: value for name, value in answer.headers.items() if name not in ("date", "content-length")}
        for answer in (ordinary, chunked)
    ]
    assert said[0] == said[1]
    assert "application/json" == ordinary.headers["content-type"]
