"""GET /presence: who is online, told only to people who share an open conversation."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import asyncpg

from tests.api.answers import ok
from tests.api.conftest import NewPerson
from tests.harness import Cast, Event, Person, Stream, eventually


async def seen_by(person: Person, *others: Person) -> dict[str, bool]:
    """Who is online, of those whom the person may see."""
    query = {"user_id": [other.id for other in others]} if others else {}
    said = ok(await person.get("/presence", **query))["presence"]
    return {one["user_id"]: one["is_online"] for one in said}


async def is_online(person: Person, other: Person) -> None:
    async def look() -> bool:
        return (await seen_by(person, other)).get(other.id, False)

    await eventually(look)


async def told(stream: Stream, about: Person, is_online: bool) -> Event:
    """The first presence of somebody that says so."""

    def find(events: list[Event]) -> Event | None:
        return next(
            (
                event
                for event in events
                if event.type == "presence"
                and (event.data["user_id"], event.data["is_online"]) == (about.id, is_online)
            ),
            None,
        )

    event = await stream.until(find)
    assert event is not None
    return event


async def test_somebody_with_an_open_stream_is_online(cast: Cast) -> None:
    assert {cast.sol.id: False} == await seen_by(cast.bea)
    async with cast.sol.stream():
        await is_online(cast.bea, cast.sol)
        assert {cast.sol.id: True} == await seen_by(cast.bea)


async def test_a_poll_that_waits_is_as_good_as_a_stream(cast: Cast) -> None:
    async def look() -> bool:
        return (await seen_by(cast.bea)).get(cast.sol.id, False)

    polling = asyncio.create_task(cast.sol.get("/events", wait=5))
    await eventually(look, within=5)
    polling.cancel()


async def test_that_somebody_came_is_told_to_who_shares_a_conversation_with_them(cast: Cast) -> None:
    ok(await cast.ada.post("/conversations", participants=[{"user_id": cast.eve.id}]), 201)
    async with cast.bea.stream() as beas, cast.eve.stream() as eves:
        async with cast.sol.stream():
            event = await told(beas, cast.sol, True)
        async with cast.ada.stream():
            await told(eves, cast.ada, True)
    assert event.id is None
    about = {"user_id": cast.sol.id, "is_online": True, "last_seen_at": None}
    assert about == {key: event.data[key] for key in about}
    assert {cast.ada.id} == {event.data["user_id"] for event in eves.events if event.type == "presence"}
    assert cast.bea.id not in {event.data["user_id"] for event in beas.events if event.type == "presence"}


async def test_only_people_who_share_a_conversation_are_seen(cast: Cast) -> None:
    assert {} == await seen_by(cast.eve)
    assert {} == await seen_by(cast.eve, cast.bea, cast.sol)
    assert {cast.bea.id} == set(await seen_by(cast.sol, cast.bea, cast.eve, cast.ada))
    assert {} == await seen_by(cast.bea, cast.bea), "oneself is not somebody else"
    for overseer in (cast.shop, cast.mod):
        assert {} == await seen_by(overseer, cast.bea, cast.sol)


async def test_nobody_is_seen_through_a_closed_conversation_or_one_they_left(cast: Cast) -> None:
    path = f"/conversations/{cast.conversation_id}"
    ok(await cast.sol.patch(path, state="closed"))
    assert {} == await seen_by(cast.bea)
    ok(await cast.sol.patch(path, state="open"))
    assert {cast.sol.id} == set(await seen_by(cast.bea))
    assert 204 == (await cast.sol.delete(f"{path}/participants/{cast.sol.id}")).status_code
    assert {} == await seen_by(cast.bea)
    assert {} == await seen_by(cast.sol)


async def test_who_is_online_comes_first(cast: Cast, new_person: NewPerson) -> None:
    others = [new_person(name) for name in ("a", "b", "c")]
    for other in others:
        ok(await other.get("/me"))
        ok(await cast.bea.post("/conversations", participants=[{"user_id": other.id}]), 201)
    async with others[2].stream():
        await is_online(cast.bea, others[2])
        said = ok(await cast.bea.get("/presence"))["presence"]
    assert others[2].id == said[0]["user_id"]
    assert 4 == len(said)


async def test_away_and_a_text_are_shown_and_told(cast: Cast) -> None:
    async with cast.bea.stream() as beas, cast.sol.stream():
        await told(beas, cast.sol, True)
        ok(await cast.sol.patch("/me", status="away", status_text="Back at two"))
        event = await beas.until(
            lambda events: next((e for e in events if e.type == "presence" and e.data["status"] == "away"), None)
        )
        assert event is not None
    assert (cast.sol.id, True, "Back at two") == (
        event.data["user_id"],
        event.data["is_online"],
        event.data["status_text"],
    )
    [said] = ok(await cast.bea.get("/presence", user_id=cast.sol.id))["presence"]
    assert ("away", "Back at two") == (said["status"], said["status_text"])


async def test_who_is_invisible_looks_offline_to_all(cast: Cast) -> None:
    """And neither their coming nor their text tells of them."""
    ok(await cast.sol.patch("/me", status="invisible", status_text="I am here"))
    async with cast.bea.stream() as beas, cast.sol.stream(), cast.ada.stream():
        # ada comes after sol and is told of: by then sol would have been.
        ok(await cast.ada.post("/conversations", participants=[{"user_id": cast.bea.id}]), 201)
        await is_online(cast.bea, cast.ada)
        said = ok(await cast.bea.get("/presence", user_id=cast.sol.id))["presence"]
        assert [(cast.sol.id, False, "")] == [(one["user_id"], one["is_online"], one["status_text"]) for one in said]
        assert "invisible" not in str(said)
        assert {(False, None, "")} >= said_of(beas, cast.sol)
        ok(await cast.sol.patch("/me", status="online"))
        await told(beas, cast.sol, True)


def said_of(stream: Stream, person: Person) -> set[tuple[bool, str | None, str]]:
    """(online, last seen, text): all that a stream has been told of somebody."""
    data = [event.data for event in stream.events if event.type == "presence" and event.data["user_id"] == person.id]
    return {(one["is_online"], one["last_seen_at"], one["status_text"]) for one in data}


async def test_who_becomes_invisible_goes_offline_for_the_others_at_once(cast: Cast) -> None:
    async with cast.bea.stream() as beas, cast.sol.stream():
        await told(beas, cast.sol, True)
        ok(await cast.sol.patch("/me", status="invisible"))
        event = await told(beas, cast.sol, False)
        last_seen = event.data["last_seen_at"]
        assert abs((datetime.now(UTC) - datetime.fromisoformat(last_seen)).total_seconds()) < 60
        ok(await cast.sol.patch("/me", status="invisible"))
        [said] = ok(await cast.bea.get("/presence", user_id=cast.sol.id))["presence"]
        assert last_seen == said["last_seen_at"], "who is invisible is not seen again"
    assert "invisible" not in str(event.data)
    assert {cast.sol.id: False} == await seen_by(cast.bea)


async def test_who_leaves_is_offline_after_a_grace_and_was_last_seen_then(
    cast: Cast, database: asyncpg.Connection[Any]
) -> None:
    """Ten seconds, through which a page reloads. sol goes and so does ada, who is invisible: of her it is not even told
    when she was there."""
    ok(await cast.ada.post("/conversations", participants=[{"user_id": cast.bea.id}]), 201)
    ok(await cast.ada.patch("/me", status="invisible"))

    async def leases() -> int:
        people = [cast.sol.id, cast.ada.id]
        return int(await database.fetchval("SELECT count(*) FROM presence_lease WHERE user_id = ANY ($1)", people))

    async def are_leased() -> bool:
        return await leases() == 2

    async def are_gone() -> bool:
        return await leases() == 0

    async with cast.bea.stream() as beas:
        async with cast.sol.stream(), cast.ada.stream():
            await told(beas, cast.sol, True)
            await eventually(are_leased)
        event = await told(beas, cast.sol, False)
        await eventually(are_gone)
        said = {one["user_id"]: one for one in ok(await cast.bea.get("/presence"))["presence"]}
    assert event.data["last_seen_at"] == said[cast.sol.id]["last_seen_at"] is not None
    assert (False, None) == (said[cast.ada.id]["is_online"], said[cast.ada.id]["last_seen_at"])
    assert {(False, None, "")} >= said_of(beas, cast.ada)
