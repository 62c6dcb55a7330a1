"""/events: streams and polls, one cursor for all of them, exactly as the contract has them."""

from __future__ import annotations

import asyncio
import json
import re
import time
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from itertools import pairwise
from typing import Any

import asyncpg
import httpx
import jwt
import pytest

from tests.api.answers import UNAUTHENTICATED, invalid, now, ok, position, refusal, told_since
from tests.api.conftest import CastAt, NewPerson
from tests.conftest import NewDatabase
from tests.harness import Cast, Event, Person, Server, Stream, eventually, running_seconds

TRANSPORTS = ["GET", "POST", "poll"]
CURSOR = re.compile(r"[a-z0-9]{1,16}-\d+")


async def replay(person: Person, transport: str, cursor: str | None, **headers: str) -> list[Event]:
    """What somebody is told at once, up to the present, by a stream or by polling; control frames are left out, but
    for `reset`, and so are signals: others come and go meanwhile."""
    if transport != "poll":
        async with person.stream(cursor, method=transport, headers=headers) as stream:
            await stream.next("ready")
            return [event for event in stream.events if event.id and event.type not in ("hello", "ready", "ping")]
    found: list[Event] = []
    while True:
        query = {"wait": 0, **({"cursor": cursor} if cursor is not None else {})}
        answer = ok(await person.http.get("/events", params=query, headers=headers))
        found += [Event(event["cursor"], event["type"], event["data"]) for event in answer["events"]]
        cursor, headers = answer["cursor"], {}
        if not answer["more"]:
            return found


async def all_heard(person: Person) -> str:
    """Wait until the server's own tail is at the head of the log; its cursor."""
    cursor = await now(person)
    await told_since(person, cursor)
    return cursor


# --- the frames ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_stream_has_the_headers_of_one_and_no_others(cast: Cast, method: str) -> None:
    """No charset, no Connection (illegal in HTTP/2), no compression even for who would take it."""
    accept = {"Accept-Encoding": "gzip, deflate, br", "Accept": "text/event-stream"}
    async with cast.bea.stream(method=method, headers=accept) as stream:
        said = dict(stream.headers)
    said.pop("date", None)
    assert {
        "content-type": "text/event-stream",
        "cache-control": "no-store, no-transform",
        "x-accel-buffering": "no",
        "transfer-encoding": "chunked",
    } == said


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_first_bytes_are_hello_and_ready(cast: Cast, method: str) -> None:
    """To the letter: a native EventSource reads them."""
    cursor = await all_heard(cast.bea)
    text = ""
    async with cast.bea.http.stream(method, "/events/stream", params={"cursor": cursor}) as response:
        async for piece in response.aiter_text():
            text += piece
            if text.count("\n\n") == 2:
                break
    hello, ready, _ = text.split("\n\n")
    assert re.fullmatch(rf'retry: 1000\nid: {cursor}\nevent: hello\ndata: (\{{".*\}})', hello)
    assert f'id: {cursor}\nevent: ready\ndata: {{"cursor":"{cursor}"}}' == ready


async def test_of_two_cursors_every_call_takes_the_last(cast: Cast) -> None:
    older = await all_heard(cast.bea)
    newer = (await cast.sol.say(cast.conversation_id, "Hi"))["cursor"]
    for cursors in ([older, newer], [newer, older], [older, ""], ["", older]):
        begun = []
        for method in ("GET", "POST"):
            async with cast.bea.http.stream(method, "/events/stream", params={"cursor": cursors}) as response:
                async for line in response.aiter_lines():
                    if line.startswith("id: "):
                        begun.append(line.removeprefix("id: "))
                        break
        assert [cursors[-1] or newer] * 2 == begun
        polled = (await cast.bea.get("/events", cursor=cursors, wait=0)).json()["events"]
        assert bool(polled) is (cursors[-1] == older)


async def test_hello_says_where_the_client_is_and_where_the_log(cast: Cast) -> None:
    cursor = await all_heard(cast.bea)
    sent = await cast.sol.say(cast.conversation_id, "Hi")
    began = time.time()
    async with cast.bea.stream(cursor) as stream:
        hello = stream.events[0]
        ready = await stream.next("ready")
    assert ("hello", cursor) == (hello.type, hello.id)
    assert {"cursor", "head", "server_time", "heartbeat_ms", "max_age_ms"} == set(hello.data)
    assert (cursor, sent["cursor"]) == (hello.data["cursor"], hello.data["head"])
    assert (15_000, 3_600_000) == (hello.data["heartbeat_ms"], hello.data["max_age_ms"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", hello.data["server_time"])
    assert abs(_seconds(hello.data["server_time"]) - began) < 5
    assert (sent["cursor"], {"cursor": sent["cursor"]}) == (ready.id, ready.data)
    assert ["hello", "message.sent", "ready"] == [event.type for event in stream.events]


def _seconds(time_: str) -> float:
    return datetime.fromisoformat(time_).timestamp()


async def test_without_a_cursor_a_stream_begins_now(cast: Cast) -> None:
    await cast.sol.say(cast.conversation_id, "Before")
    await all_heard(cast.bea)
    async with cast.bea.stream() as stream:
        await stream.next("ready")
        await cast.sol.say(cast.conversation_id, "After")
        heard = await stream.next("message.sent")
    assert "After" == heard.data["message"]["body"]


async def test_an_event_is_a_frame_with_its_place_in_the_log(cast: Cast) -> None:
    cursor = await now(cast.bea)
    async with cast.bea.stream(cursor) as stream:
        await stream.next("ready")
        sent = await cast.sol.say(cast.conversation_id, "Hi")
        heard = await stream.next("message.sent")
    assert sent["cursor"] == heard.id
    assert {"conversation_id": cast.conversation_id, "message": sent["message"]} == heard.data
    assert CURSOR.fullmatch(sent["cursor"])


async def test_nothing_comes_twice_between_missed_and_live(cast: Cast) -> None:
    """Messages are sent while the stream is opening, again and again."""
    for _ in range(10):
        cursor = await now(cast.bea)
        sending = [cast.sol.say(cast.conversation_id, "Hi") for _ in range(8)]

        async def open_and_hear(cursor: str = cursor) -> list[str | None]:
            async with cast.bea.stream(cursor) as stream:
                await stream.next("message.sent", 8)
                return [event.id for event in stream.durable]

        heard, *sent = await asyncio.gather(open_and_hear(), *sending)
        assert sorted((one["cursor"] for one in sent), key=position) == heard


# --- the cursor ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_header_wins_over_the_query(cast: Cast, transport: str) -> None:
    """A native EventSource opens the same address again, and the header knows better."""
    cursors = [(await cast.sol.say(cast.conversation_id, f"{number}"))["cursor"] for number in range(3)]
    told = await replay(cast.bea, transport, cursors[0], **{"Last-Event-ID": cursors[1]})
    assert [cursors[2]] == [event.id for event in told]
    told = await replay(cast.bea, transport, None, **{"Last-Event-ID": cursors[0]})
    assert cursors[1:] == [event.id for event in told]
    told = await replay(cast.bea, transport, cursors[0], **{"Last-Event-ID": ""})
    assert cursors[1:] == [event.id for event in told]


async def test_the_same_cursor_gives_the_same_events_by_every_transport(cast: Cast) -> None:
    """Every kind of event, from every cursor on the way."""
    cursors = [await now(cast.sol)]
    message = (await cast.bea.say(cast.conversation_id, "Hte"))["message"]
    path = f"/conversations/{cast.conversation_id}"
    for doing in (
        lambda: cast.bea.patch(f"/messages/{message['id']}", body="The"),
        lambda: cast.sol.put(f"{path}/receipt", read_seq=1),
        lambda: cast.shop.post(f"{path}/participants", user_id=cast.ada.id, role="agent"),
        lambda: cast.sol.patch(path, is_muted=True),
        lambda: cast.bea.patch(path, state="closed"),
        lambda: cast.bea.patch(path, state="open"),
        lambda: cast.bea.delete(f"/messages/{message['id']}"),
        lambda: cast.ada.delete(f"{path}/participants/{cast.ada.id}"),
        lambda: cast.bea.post("/conversations", participants=[{"user_id": cast.sol.id}]),
    ):
        assert (await doing()).status_code in (200, 201, 204)
        cursors.append(await now(cast.sol))
    await all_heard(cast.sol)
    kinds: set[str] = set()
    for cursor in cursors:
        by_get, by_post, by_poll = [await replay(cast.sol, transport, cursor) for transport in TRANSPORTS]
        assert by_get == by_post == by_poll
        kinds |= {event.type for event in by_get}
    assert {
        "message.sent",
        "message.edited",
        "message.deleted",
        "receipt.moved",
        "conversation.opened",
        "conversation.changed",
        "participant.joined",
        "participant.left",
    } == kinds


async def test_a_cursor_of_a_control_frame_is_as_good_as_any(cast: Cast) -> None:
    async with cast.bea.stream(await now(cast.bea)) as stream:
        ready = await stream.next("ready")
    cursors = [event.id for event in stream.events]
    sent = await cast.sol.say(cast.conversation_id, "Hi")
    assert ready.id in cursors
    for cursor in cursors:
        assert [sent["cursor"]] == [event.id for event in await replay(cast.bea, "GET", cursor)]


# --- reset ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda epoch, head: f"zz{epoch[:6]}-{head}", "unknown_epoch"),
        (lambda epoch, head: "nonsense", "unknown_epoch"),
        (lambda epoch, head: f"{epoch}-", "unknown_epoch"),
        (lambda epoch, head: f"{epoch}-{head}x", "unknown_epoch"),
        (lambda epoch, head: f"A{epoch[1:]}-{head}", "unknown_epoch"),
        (lambda epoch, head: f"{epoch}-{head + 1_000_000}", "beyond_head"),
        (lambda epoch, head: f"{epoch}-{'9' * 18}", "beyond_head"),
    ],
)
async def test_a_cursor_that_cannot_be_continued_is_answered_with_reset(
    cast: Cast, transport: str, make: Callable[[str, int], str], reason: str
) -> None:
    """And the stream goes on from the cursor that it names."""
    epoch, head = (await all_heard(cast.bea)).split("-")
    [reset] = await replay(cast.bea, transport, make(epoch, int(head)))
    assert ("reset", reason) == (reset.type, reset.data["reason"])
    assert reset.id == reset.data["cursor"]
    assert position(reset.data["cursor"]) >= int(head)
    sent = await cast.sol.say(cast.conversation_id, "Hi")
    assert sent["cursor"] in [event.id for event in await replay(cast.bea, transport, reset.data["cursor"])]


async def test_after_a_reset_the_stream_is_live(cast: Cast) -> None:
    async with cast.bea.stream("zzz-1") as stream:
        await stream.next("ready")
        sent = await cast.sol.say(cast.conversation_id, "Hi")
        assert sent["cursor"] == (await stream.next("message.sent")).id
    assert ["hello", "reset", "ready"] == [event.type for event in stream.events[:3]]


@pytest.mark.parametrize(
    ("body", "field"), [('{"cursor": "x-1"}', "cursor"), ("cursor=x-1", "body"), ("[]", "body"), (" ", "body")]
)
async def test_a_stream_by_post_refuses_a_body_that_says_something(cast: Cast, body: str, field: str) -> None:
    """A cursor in it was not seen: the stream began now, and what had been missed was lost."""
    headers = {"Content-Type": "application/json"}
    async with cast.bea.http.stream("POST", "/events/stream", content=body, headers=headers) as answer:
        assert 400 == answer.status_code
        await answer.aread()
    assert invalid(field) == refusal(answer)


@pytest.mark.parametrize("body", ["", "{}"])
async def test_a_stream_by_post_takes_a_body_that_says_nothing(cast: Cast, body: str) -> None:
    async with cast.bea.http.stream("POST", "/events/stream", content=body) as answer:
        assert (200, "text/event-stream") == (answer.status_code, answer.headers["content-type"])


@pytest.mark.parametrize("cursor", ["", "x" * 65, "%00"])
async def test_an_odd_cursor_is_answered_alike_by_every_transport(cast: Cast, cursor: str) -> None:
    """By whatever way a request takes through the server."""
    said = []
    for method, path in (("GET", "/events/stream"), ("POST", "/events/stream"), ("GET", "/events")):
        async with cast.bea.http.stream(
            method, f"{path}?cursor={cursor}&wait=0"[: None if path == "/events" else -7]
        ) as response:
            if response.status_code != 200:
                await response.aread()
                said.append(str(refusal(response)))
                continue
            text = ""
            async for piece in response.aiter_text():
                text += piece
                if "ready" in text or path == "/events":
                    break
            said.append("reset" if '"reason"' in text else "from now")
    assert 1 == len(set(said)), said


# --- a long history ------------------------------------------------------------------------------------------------

FLOOR, HEAD, TAIL = 100, 25_000, 20_000
THEIRS: dict[str, Callable[[int], bool]] = {
    "seldom": lambda n: n % 1000 == 0,
    "busy": lambda n: n % 5 == 0,
    "early": lambda n: n <= 3000 and n % 4 == 0,
    "never": lambda n: False,
}


@pytest.fixture(scope="module")
async def historic(new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server whose log has 25,000 events; what was before the 100th is trimmed, and 20,000 are kept in memory."""
    url = await new_database()
    connection = await asyncpg.connect(url)
    conversation = uuid.uuid4()
    await connection.execute("INSERT INTO users (id) SELECT unnest($1::text[])", list(THEIRS))
    await connection.execute(
        "INSERT INTO conversation (id, opening_key) VALUES ($1, $2)", conversation, conversation.bytes
    )
    await connection.execute(
        "INSERT INTO participant (conversation_id, user_id, role) SELECT $1, unnest($2::text[]), 'agent'",
        conversation,
        list(THEIRS),
    )
    rows = [
        (
            number,
            conversation,
            "conversation.changed",
            [name for name, is_theirs in THEIRS.items() if is_theirs(number)],
            json.dumps({"conversation_id": str(conversation), "state": "open", "number": number}),
        )
        for number in range(FLOOR + 1, HEAD + 1)
    ]
    columns = ["position", "conversation_id", "kind", "audience", "data"]
    await connection.copy_records_to_table("event", records=rows, columns=columns)
    await connection.execute("UPDATE log_head SET position = $1, floor = $2", HEAD, FLOOR)
    await connection.close()
    server = Server(url, tmp_path_factory.mktemp("historic"), DRAIN_SECONDS="0")
    yield await server.start()
    await server.close()


@pytest.fixture
async def reader(historic: Server) -> AsyncIterator[Callable[[str], Person]]:
    """Somebody of the history: `reader("seldom")`."""
    people: list[Person] = []

    def make(name: str) -> Person:
        people.append(Person(historic.url, name))
        return people[-1]

    yield make
    for person in people:
        await person.close()


async def epoch_of(person: Person) -> str:
    return (await now(person)).split("-")[0]


LONG_CASES = [
    ("seldom", FLOOR, "from the floor, most of it in the table and the rest in memory"),
    ("seldom", HEAD - TAIL - 1, "from just below the tail"),
    ("seldom", HEAD - TAIL, "from the tail's very floor"),
    ("seldom", 12_345, "from memory alone"),
    ("seldom", HEAD, "nothing is missed"),
    ("early", FLOOR, "two pages of the table and nothing else"),
    ("early", 2_000, "one page of the table"),
    ("early", 3_000, "the table has nothing more"),
    ("busy", HEAD - 9_999, "1,999 from memory"),
    ("busy", HEAD - 10_000, "2,000, which is as many as may be"),
    ("never", FLOOR, "a quiet person's cursor does not grow too old by others talking"),
]


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(("name", "after", "why"), LONG_CASES, ids=[case[2] for case in LONG_CASES])
async def test_from_any_cursor_the_replay_is_exactly_what_was_missed(
    reader: Callable[[str], Person], transport: str, name: str, after: int, why: str
) -> None:
    person = reader(name)
    told = await replay(person, transport, f"{await epoch_of(person)}-{after}")
    expected = [number for number in range(after + 1, HEAD + 1) if THEIRS[name](number)]
    assert expected == [event.data["number"] for event in told], why
    assert expected == [position(event.id or "") for event in told]


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(
    ("name", "after", "reason"),
    [
        ("seldom", FLOOR - 1, "too_old"),
        ("never", 0, "too_old"),
        ("busy", HEAD - 10_001 - 5, "too_far_behind"),
        ("busy", HEAD - TAIL - 1, "too_far_behind"),
    ],
)
async def test_who_is_too_far_behind_starts_anew_and_is_told_nothing_in_part(
    reader: Callable[[str], Person], transport: str, name: str, after: int, reason: str
) -> None:
    person = reader(name)
    epoch = await epoch_of(person)
    [reset] = await replay(person, transport, f"{epoch}-{after}")
    assert ("reset", reason, f"{epoch}-{HEAD}") == (reset.type, reset.data["reason"], reset.data["cursor"])


async def test_before_a_long_replay_there_is_a_small_frame(reader: Callable[[str], Person]) -> None:
    """So that a client can tell a proxy that holds back from a server that is reading."""
    person = reader("early")
    async with person.stream(f"{await epoch_of(person)}-{FLOOR}") as stream:
        await stream.next("ready")
    assert ["hello", "ping", "conversation.changed"] == [event.type for event in stream.events[:3]]


async def test_a_poll_gives_so_many_at_once_and_says_that_there_is_more(reader: Callable[[str], Person]) -> None:
    person = reader("busy")
    epoch = await epoch_of(person)
    first = ok(await person.get("/events", cursor=f"{epoch}-{HEAD - 4_000}", wait=25))
    assert (500, True, 0) == (len(first["events"]), first["more"], first["retry_ms"])
    assert (first["events"][-1]["cursor"], f"{epoch}-{HEAD}") == (first["cursor"], first["head"])
    rest = ok(await person.get("/events", cursor=first["cursor"], wait=25))
    assert (300, False, f"{epoch}-{HEAD}") == (len(rest["events"]), rest["more"], rest["cursor"])


# --- ping ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
async def brief(new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server with a quick heartbeat, whose streams last two seconds."""
    options = {"HEARTBEAT_SECONDS": "0.3", "STREAM_MAX_AGE_SECONDS": "2", "DRAIN_SECONDS": "0"}
    server = Server(await new_database(), tmp_path_factory.mktemp("brief"), **options)
    yield await server.start()
    await server.close()


async def test_a_ping_carries_a_quiet_persons_cursor_along(brief: Server, cast_at: CastAt) -> None:
    """Its id is the place up to which the stream is complete, though none of that was for eve."""
    cast = await cast_at(brief)
    async with cast.eve.stream() as stream:
        assert 300 == stream.events[0].data["heartbeat_ms"]
        sent = await cast.bea.say(cast.conversation_id, "Not for eve")
        ping = await stream.until(
            lambda events: next(
                (e for e in events if e.type == "ping" and position(e.id or "") >= position(sent["cursor"])), None
            )
        )
    assert ping is not None
    assert {"server_time", "head"} == set(ping.data)
    assert ping.id == ping.data["head"]
    assert [] == stream.durable
    assert [] == await replay(cast.eve, "GET", ping.id)


async def test_pings_come_about_as_often_as_hello_says(brief: Server, cast_at: CastAt) -> None:
    cast = await cast_at(brief)
    times = []
    async with cast.eve.stream() as stream:
        for number in range(1, 4):
            await stream.next("ping", number)
            times.append(time.monotonic())
    assert all(0.1 < later - earlier < 1.0 for earlier, later in pairwise(times)), times


# --- bye -----------------------------------------------------------------------------------------------------------


async def goodbye(stream: Stream) -> Event:
    """The last frame of a stream that has ended by itself."""
    bye = await stream.next("bye")
    await stream.end()
    assert bye == stream.events[-1]
    assert {"reason", "retry_ms"} == set(bye.data)
    assert bye.id is None, "the cursor stays what it was"
    return bye


async def test_a_stream_grows_no_older_than_hello_says(brief: Server, cast_at: CastAt) -> None:
    cast = await cast_at(brief)
    began = running_seconds()
    async with cast.bea.stream() as stream:
        assert 2_000 == stream.events[0].data["max_age_ms"]
        assert "max_age" == (await goodbye(stream)).data["reason"]
    assert 1.5 < running_seconds() - began < 3.5


async def test_a_stream_ends_with_its_token(cast: Cast, new_person: NewPerson) -> None:
    brief_ = new_person(user_id=cast.bea.id, ttl_seconds=2)
    async with brief_.stream() as stream:
        assert "token_expired" == (await goodbye(stream)).data["reason"]
    assert 0 <= time.time() - _expiry(brief_) < 2
    assert (401, "token_expired") == refusal(await brief_.get("/events"))


def _expiry(person: Person) -> float:
    return float(jwt.decode(person.token, options={"verify_signature": False})["exp"])


async def test_ending_the_session_ends_its_streams_and_polls_and_no_others(cast: Cast, new_person: NewPerson) -> None:
    lost = new_person(user_id=cast.bea.id, device="lost phone")
    async with lost.stream() as one, lost.stream(method="POST") as two, cast.bea.stream() as kept:
        polling = asyncio.create_task(lost.get("/events", wait=20))
        began = running_seconds()
        assert 204 == (await lost.delete("/session")).status_code
        reasons = [(await goodbye(stream)).data["reason"] for stream in (one, two)]
        await asyncio.wait_for(polling, 5)
        assert running_seconds() - began < 1.5
        assert ["token_revoked"] * 2 == reasons
        sent = await cast.sol.say(cast.conversation_id, "Still here?")
        assert sent["cursor"] == (await kept.next("message.sent")).id
    assert UNAUTHENTICATED == refusal(await lost.get("/me"))
    assert UNAUTHENTICATED == refusal(await lost.get("/events/stream"))


async def test_one_tab_too_many_ends_the_oldest(cast: Cast) -> None:
    async with cast.eve.stream() as oldest:
        opened: list[Any] = []
        try:
            for _ in range(50):
                context = cast.eve.stream()
                opened.append((context, await context.__aenter__()))
            assert "too_many" == (await goodbye(oldest)).data["reason"]
            assert not any(stream.is_over for _, stream in opened)
        finally:
            for context, _ in opened:
                await context.__aexit__(None, None, None)


# --- polls ---------------------------------------------------------------------------------------------------------


async def test_a_poll_that_waits_wakes_at_once(cast: Cast) -> None:
    cursor = await all_heard(cast.bea)
    polling = asyncio.create_task(cast.bea.get("/events", cursor=cursor, wait=20))
    await asyncio.wait([polling], timeout=0.2)
    assert not polling.done()
    began = running_seconds()
    sent = await cast.sol.say(cast.conversation_id, "Hi")
    answer = ok(await polling)
    assert running_seconds() - began < 1
    assert [sent["cursor"]] == [event["cursor"] for event in answer["events"]]
    assert (sent["cursor"], sent["cursor"], False, 0) == (
        answer["cursor"],
        answer["head"],
        answer["more"],
        answer["retry_ms"],
    )
    assert {"conversation_id": cast.conversation_id, "message": sent["message"]} == answer["events"][0]["data"]


async def test_a_poll_that_nothing_comes_for_answers_empty_in_time(cast: Cast) -> None:
    """With a cursor that has come along, past what was said to others."""
    cursor = await all_heard(cast.eve)
    sent = await cast.bea.say(cast.conversation_id, "Not for eve")
    began = running_seconds()
    answer = ok(await cast.eve.get("/events", cursor=cursor, wait=0.5))
    assert 0.4 < running_seconds() - began < 2
    assert ([], False) == (answer["events"], answer["more"])
    assert position(answer["cursor"]) >= position(sent["cursor"])
    assert set(answer) == {"events", "cursor", "head", "more", "retry_ms"}


async def test_a_poll_that_does_not_wait_answers_at_once(cast: Cast) -> None:
    began = running_seconds()
    answer = ok(await cast.eve.get("/events", cursor=await all_heard(cast.eve), wait=0))
    assert [] == answer["events"]
    assert running_seconds() - began < 1


async def test_what_was_missed_is_answered_without_waiting(cast: Cast) -> None:
    cursor = await now(cast.bea)
    sent = await cast.sol.say(cast.conversation_id, "Hi")
    began = running_seconds()
    answer = ok(await cast.bea.get("/events", cursor=cursor, wait=20))
    assert running_seconds() - began < 2
    assert [sent["cursor"]] == [event["cursor"] for event in answer["events"]]


async def test_polling_without_a_cursor_begins_now(cast: Cast) -> None:
    await cast.sol.say(cast.conversation_id, "Before")
    await all_heard(cast.bea)
    answer = ok(await cast.bea.get("/events", wait=0))
    assert [] == answer["events"]
    sent = await cast.sol.say(cast.conversation_id, "After")
    after = ok(await cast.bea.get("/events", cursor=answer["cursor"], wait=5))
    assert [sent["cursor"]] == [event["cursor"] for event in after["events"]]


async def test_two_polls_and_a_stream_with_one_cursor_all_get_it(cast: Cast) -> None:
    """A cursor is the client's: nothing is used up by reading."""
    cursor = await all_heard(cast.bea)
    polling = [asyncio.create_task(cast.bea.get("/events", cursor=cursor, wait=20)) for _ in range(2)]
    async with cast.bea.stream(cursor) as stream:
        sent = await cast.sol.say(cast.conversation_id, "Hi")
        told = [ok(await poll)["events"][0]["cursor"] for poll in polling]
        assert [sent["cursor"]] * 3 == [*told, (await stream.next("message.sent")).id]


async def test_a_poll_is_not_kept_by_any_cache(cast: Cast) -> None:
    answer = await cast.bea.get("/events", wait=0)
    assert "no-store" in answer.headers.get("cache-control", "")


# --- tickets -------------------------------------------------------------------------------------------------------


async def ticket_of(person: Person) -> str:
    said = ok(await person.post("/stream-tickets"), 201)
    assert 30_000 == said["expires_in_ms"]
    return str(said["ticket"])


async def status_with(nobody: httpx.AsyncClient, ticket: str, method: str = "GET") -> int:
    async with nobody.stream(method, "/events/stream", params={"ticket": ticket}) as response:
        return response.status_code


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_ticket_opens_one_stream_without_a_token(nobody: httpx.AsyncClient, cast: Cast, method: str) -> None:
    ticket = await ticket_of(cast.bea)
    cursor = await now(cast.bea)
    sent = await cast.sol.say(cast.conversation_id, "Hi")
    query = {"ticket": ticket, "cursor": cursor}
    text = ""
    async with nobody.stream(method, "/events/stream", params=query) as response:
        assert "text/event-stream" == response.headers["content-type"]
        async for piece in response.aiter_text():
            text += piece
            if "event: ready" in text:
                break
    assert f"id: {sent['cursor']}\nevent: message.sent\n" in text
    assert 401 == await status_with(nobody, ticket), "once"


async def test_of_two_who_come_with_one_ticket_one_comes_in(nobody: httpx.AsyncClient, cast: Cast) -> None:
    ticket = await ticket_of(cast.bea)
    assert [200, 401, 401, 401] == sorted(await asyncio.gather(*(status_with(nobody, ticket) for _ in range(4))))


async def test_a_ticket_grows_old(nobody: httpx.AsyncClient, cast: Cast, database: asyncpg.Connection[Any]) -> None:
    ticket = await ticket_of(cast.bea)
    kept = await database.fetchrow("SELECT t::text AS row FROM stream_ticket t WHERE user_id = $1", cast.bea.id)
    assert kept is not None
    assert ticket not in kept["row"], "only its digest is kept"
    age = "UPDATE stream_ticket SET expires_at = expires_at - interval '31 seconds' WHERE user_id = $1"
    await database.execute(age, cast.bea.id)
    assert 401 == await status_with(nobody, ticket)


async def test_a_ticket_is_no_token(nobody: httpx.AsyncClient, cast: Cast) -> None:
    ticket = await ticket_of(cast.bea)
    headers = {"Authorization": f"Bearer {ticket}"}
    assert UNAUTHENTICATED == refusal(await nobody.get("/me", headers=headers))
    assert UNAUTHENTICATED == refusal(await nobody.get("/me", params={"ticket": ticket}))
    assert UNAUTHENTICATED == refusal(await nobody.get("/events", params={"ticket": ticket, "wait": 0}))
    assert 200 == await status_with(nobody, ticket), "nor is it used up by trying"


@pytest.mark.parametrize("ticket", ["", "x", "x" * 64, "é", "' OR 1=1 --", "%00"])
async def test_what_is_no_ticket_opens_nothing(nobody: httpx.AsyncClient, ticket: str) -> None:
    assert await status_with(nobody, ticket) in (400, 401)


async def test_a_ticket_lives_no_longer_than_its_session(
    nobody: httpx.AsyncClient, cast: Cast, new_person: NewPerson
) -> None:
    phone = new_person(user_id=cast.bea.id, device="phone")
    ticket, opened = [await ticket_of(phone) for _ in range(2)]
    async with nobody.stream("GET", "/events/stream", params={"ticket": opened}) as response:
        pieces = response.aiter_text()
        assert "event: hello" in await anext(pieces)
        assert 204 == (await phone.delete("/session")).status_code
        rest = "".join([piece async for piece in pieces])
    assert "token_revoked" in rest
    assert 401 == await status_with(nobody, ticket)


async def test_a_stream_opened_by_ticket_ends_with_the_token_it_came_from(
    nobody: httpx.AsyncClient, cast: Cast, new_person: NewPerson
) -> None:
    phone = new_person(user_id=cast.bea.id, ttl_seconds=1.5)
    async with nobody.stream("GET", "/events/stream", params={"ticket": await ticket_of(phone)}) as response:
        text = "".join([piece async for piece in response.aiter_text()])
    assert '"reason":"token_expired"' in text


async def test_a_reader_that_goes_away_is_forgotten(cast: Cast, database: asyncpg.Connection[Any]) -> None:
    """The server notices without writing anything: the gauge of streams goes down again."""

    async def streams() -> float:
        async with httpx.AsyncClient(verify=False) as client:
            text = (await client.get(f"{cast.bea.url}/metrics")).text
        return float(re.findall(r"^parley_streams(?:\{.*\})? (\S+)$", text, re.MULTILINE)[0])

    async def is_quiet() -> bool:
        return await streams() == 0

    await eventually(is_quiet)
    async with cast.eve.stream(), cast.eve.stream(method="POST"), cast.eve.stream():
        assert 3 == await streams()
    await eventually(is_quiet)
