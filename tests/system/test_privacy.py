"""Invariant 5: nobody receives an event of a conversation they are not in, nor one after they left; a deleted body is
nowhere."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import asyncpg

from tests.harness import Cast, Event, Person
from tests.system.checker import position_of
from tests.system.conftest import Pair
from tests.system.operating import all_have_heard, database, head_cursor

ADA_COMES = {"role": "agent"}


async def told_since(person: Person, cursor: str, transport: str) -> list[Event]:
    """All that is replayed to somebody from a cursor on, up to the present."""
    if transport == "poll":
        events, _ = await person.catch_up(cursor)
        return [Event(event["cursor"], event["type"], event["data"]) for event in events]
    async with person.stream(cursor, method=transport) as stream:
        await stream.next("ready")
        return list(stream.durable)


async def everywhere(person: Person, pair: Pair, cursors: list[str]) -> list[Event]:
    """All that is replayed to somebody by any process, over any transport, from each of the cursors."""
    told: list[Event] = []
    await all_have_heard(pair.a, pair.b)
    for place in (person, person.at(pair.b.url)):
        for cursor in cursors:
            for transport in ("GET", "POST", "poll"):
                told += await told_since(place, cursor, transport)
    return told


async def test_who_has_left_receives_nothing_more(pair: Pair, cast_at_pair: Cast) -> None:
    """Invariant 5: ada is taken out while bea and sol talk without a pause. Her last event is her leaving, at every
    stream and in every replay; hers were all messages before it, and none after."""
    cast = cast_at_pair
    path = f"/conversations/{cast.conversation_id}"
    beginning = await head_cursor(pair.database_url)
    bea = cast.bea.at(pair.b.url)
    sent: list[int] = []
    is_over = False

    async def talk(person: Person) -> None:
        while not is_over:
            said = await person.say(cast.conversation_id, "Between us")
            sent.append(position_of(said["cursor"]))

    async with cast.ada.stream() as here, cast.ada.at(pair.b.url).stream(method="POST") as there:
        talking = [asyncio.create_task(talk(person)) for person in (bea, cast.sol)]
        assert 201 == (await cast.shop.post(f"{path}/participants", user_id=cast.ada.id, **ADA_COMES)).status_code
        await here.next("message.sent", 30)
        assert (await cast.shop.delete(f"{path}/participants/{cast.ada.id}")).status_code in (200, 204)
        for stream in (here, there):
            await stream.next("participant.left")
        count = len(sent)
        while len(sent) < count + 20:
            await asyncio.sleep(0)
        is_over = True
        await asyncio.gather(*talking)
        await bea.put(f"{path}/typing", is_typing=True)
        await bea.put(f"{path}/receipt", read_seq=10)
        for stream in (here, there):
            pings = sum(event.type == "ping" for event in stream.events)
            await stream.next("ping", pings + 2)
        for stream in (here, there):
            assert "participant.left" == stream.durable[-1].type
            assert [] == [event for event in stream.events if event.type == "typing"]
        came, left = (
            next(e for e in here.durable if e.type == kind) for kind in ("conversation.opened", "participant.left")
        )
    first, last = position_of(came.id or ""), position_of(left.id or "")
    live = [event for event in here.durable if event.data["conversation_id"] == cast.conversation_id]
    heard = {position_of(event.id or "") for event in live if event.type == "message.sent"}
    assert {position for position in sent if first < position < last} <= heard
    assert max(heard) < last
    await all_have_heard(pair.a, pair.b)
    for transport in ("GET", "POST", "poll"):
        for place in (cast.ada, cast.ada.at(pair.b.url)):
            assert here.durable == await told_since(place, beginning, transport)
    assert [] == await everywhere(cast.ada, pair, [left.id or "", f"{(left.id or '').split('-')[0]}-{last + 3}"])
    refused = [await cast.ada.get(f"{path}{rest}") for rest in ("", "/messages")]
    assert [404, 404] == [answer.status_code for answer in refused]


async def test_a_stranger_receives_nothing_and_finds_nothing(pair: Pair, cast_at_pair: Cast) -> None:
    """Invariant 5: eve listens everywhere while everything happens between bea and sol, and knows all their ids."""
    cast = cast_at_pair
    path = f"/conversations/{cast.conversation_id}"
    beginning = await head_cursor(pair.database_url)
    async with cast.eve.stream() as here, cast.eve.at(pair.b.url).stream(method="POST") as there:
        message = (await cast.bea.say(cast.conversation_id, "A word between us"))["message"]
        await cast.sol.at(pair.b.url).say(cast.conversation_id, "Yes?", reply_to=message["id"])
        await cast.bea.patch(f"/messages/{message['id']}", body="Another word")
        await cast.sol.put(f"{path}/receipt", read_seq=2)
        await cast.sol.put(f"{path}/typing", is_typing=True)
        await cast.bea.patch(path, state="closed")
        await cast.bea.patch(path, state="open")
        draft = {"client_id": str(uuid.uuid4()), "body": "Let me in"}
        tried = [
            await cast.eve.get(path),
            await cast.eve.get(f"{path}/messages"),
            await cast.eve.get(f"/messages/{message['id']}"),
            await cast.eve.patch(f"/messages/{message['id']}", body="Mine"),
            await cast.eve.delete(f"/messages/{message['id']}"),
            await cast.eve.post(f"{path}/messages", **draft),
            await cast.eve.patch(path, state="closed"),
            await cast.eve.put(f"{path}/receipt", read_seq=1),
            await cast.eve.put(f"{path}/typing", is_typing=True),
            await cast.eve.post(f"{path}/participants", user_id=cast.eve.id, role="agent"),
            await cast.eve.delete(f"{path}/participants/{cast.sol.id}"),
        ]
        for stream in (here, there):
            pings = sum(event.type == "ping" for event in stream.events)
            await stream.next("ping", pings + 2)
            assert [] == stream.durable
            assert {"hello", "ready", "ping"} == {event.type for event in stream.events}
    assert {(404, "not_found")} == {(answer.status_code, answer.json()["code"]) for answer in tried}
    assert [] == await everywhere(cast.eve, pair, [beginning])
    for question in ("/conversations", "/messages?box=inbox", "/messages?box=sent", "/presence", "/unread"):
        answer = (await cast.eve.http.get(question)).json()
        assert not any(value for name, value in answer.items() if isinstance(value, list)), answer


async def mentions(connection: asyncpg.Connection[Any], word: str) -> list[str]:
    """The tables with a row that has the word in any column."""
    tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return [
        table["tablename"]
        for table in tables
        if await connection.fetchval(
            f'SELECT EXISTS (SELECT 1 FROM "{table["tablename"]}" t WHERE t::text LIKE $1)', f"%{word}%"
        )
    ]


async def test_a_deleted_body_is_nowhere(pair: Pair, cast_at_pair: Cast) -> None:
    """Invariant 5: sent, repeated, edited twice, shown in lists, answered, and unsent while somebody still edits: then
    neither in a table, nor in a replay of any process from any cursor, nor in an answer, nor in a log file."""
    cast = cast_at_pair
    bea_at_b = cast.bea.at(pair.b.url)
    path = f"/conversations/{cast.conversation_id}"
    words = [f"secret{uuid.uuid4().hex}" for _ in range(4)]
    cursors = [await head_cursor(pair.database_url)]
    draft = {"client_id": str(uuid.uuid4()), "body": f"The key is under the {words[0]}"}
    async with cast.sol.stream(), cast.sol.at(pair.b.url).stream() as at_b:
        said = (await cast.bea.post(f"{path}/messages", **draft)).json()
        cursors.append(said["cursor"])
        message_id = said["message"]["id"]
        await cast.bea.patch(f"/messages/{message_id}", body=f"No: the {words[1]}")
        await bea_at_b.patch(f"/messages/{message_id}", body=f"No: the {words[2]}")
        cursors.append(await head_cursor(pair.database_url))
        await cast.sol.say(cast.conversation_id, "I see", reply_to=message_id)
        await cast.shop.post(f"{path}/participants", user_id=cast.ada.id, **ADA_COMES)
        async with database(pair.database_url) as connection:
            assert [] != await mentions(connection, words[0]), "else this would find nothing anyway"
            edits = [
                person.patch(f"/messages/{message_id}", body=f"No, no: the {words[3]}")
                for person in (cast.bea, bea_at_b, cast.bea)
            ]
            unsent, *edited = await asyncio.gather(cast.bea.delete(f"/messages/{message_id}"), *edits)
            assert 200 == unsent.status_code
            assert {answer.status_code for answer in edited} <= {200, 409}
            deleted = await at_b.next("message.deleted")
            assert {} == {word: tables for word in words if (tables := await mentions(connection, word))}
        cursors += [deleted.id or "", *(event.id or "" for event in at_b.durable)]
    again = await cast.bea.post(f"{path}/messages", **draft)
    assert (200, "") == (again.status_code, again.json()["message"]["body"])
    replayed = [
        str(event)
        for person in (cast.bea, cast.sol, cast.ada)
        for event in await everywhere(person, pair, sorted(set(cursors), key=position_of))
    ]
    answers = [
        (await person.http.get(question)).text
        for person in (cast.bea, cast.sol, cast.ada, cast.shop, cast.mod)
        for question in (
            *(path, f"{path}/messages", f"{path}/messages?around=1", f"/messages/{message_id}", "/conversations"),
            *("/messages?box=inbox", "/messages?box=sent", "/me"),
        )
    ]
    everything = "\n".join([*replayed, *answers, pair.a.log, pair.b.log])
    assert [] == [word for word in words if word in everything]
    assert len(replayed) > 100
    assert all("problem" not in answer for answer in answers[: len(answers) // 5]), "bea may ask all of this"
