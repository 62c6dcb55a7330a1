"""PUT /conversations/{id}/typing: a signal to the others, never stored."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from tests.api.answers import CLOSED, NOT_FOUND, now, ok, refusal, told_since
from tests.harness import Cast


def path(cast: Cast) -> str:
    return f"/conversations/{cast.conversation_id}/typing"


async def test_only_the_others_hear_that_somebody_types(cast: Cast) -> None:
    ok(
        await cast.shop.post(f"/conversations/{cast.conversation_id}/participants", user_id=cast.ada.id, role="agent"),
        201,
    )
    async with (
        cast.bea.stream() as beas,
        cast.sol.stream() as sols,
        cast.ada.stream() as adas,
        cast.eve.stream() as eves,
    ):
        answer = await cast.bea.put(path(cast), is_typing=True)
        assert (204, "") == (answer.status_code, answer.text)
        heard = [await stream.next("typing") for stream in (sols, adas)]
        # What comes after it on every stream: had it been for bea or eve too, they would have it by now.
        await cast.sol.put(path(cast), is_typing=True)
        await beas.next("typing")
        eve_is_spoken_to = ok(await cast.sol.post("/conversations", participants=[{"user_id": cast.eve.id}]), 201)
        await cast.sol.put(f"/conversations/{eve_is_spoken_to['conversation']['id']}/typing", is_typing=True)
        await eves.next("typing")
    signal = {
        "conversation_id": cast.conversation_id,
        "user_id": cast.bea.id,
        "is_typing": True,
        "expires_in_ms": 6_000,
    }
    assert [signal] * 2 == [event.data for event in heard]
    assert [None] * 2 == [event.id for event in heard], "a signal has no place in the log"
    assert [cast.sol.id] == [event.data["user_id"] for event in beas.events if event.type == "typing"]
    assert [eve_is_spoken_to["conversation"]["id"]] == [
        event.data["conversation_id"] for event in eves.events if event.type == "typing"
    ]


async def test_that_somebody_stopped_is_heard_after_that_they_began(cast: Cast) -> None:
    async with cast.sol.stream() as stream:
        for is_typing in (True, False, True, False):
            await cast.bea.put(path(cast), is_typing=is_typing)
        await stream.next("typing", 4)
    assert [True, False, True, False] == [event.data["is_typing"] for event in stream.events if event.type == "typing"]


async def test_who_has_sent_does_not_type_any_more(cast: Cast) -> None:
    """A bot says that it types and sends at once: signals travel for a moment longer than messages."""
    async with cast.sol.stream() as stream:
        await cast.bea.put(path(cast), is_typing=True)
        await stream.next("typing")
        for _ in range(3):
            await cast.bea.put(path(cast), is_typing=True)
            await cast.bea.say(cast.conversation_id, "Sent.")
        await cast.bea.put(path(cast), is_typing=False)
        await stream.next("typing", 2)
    assert [True, False] == [event.data["is_typing"] for event in stream.events if event.type == "typing"]


async def test_a_signal_is_stored_nowhere_and_replayed_to_nobody(cast: Cast, database: asyncpg.Connection[Any]) -> None:
    cursor = await now(cast.sol)
    async with cast.sol.stream() as stream:
        await cast.bea.put(path(cast), is_typing=True)
        await stream.next("typing")
    assert [] == await told_since(cast.sol, cursor)
    assert 0 == await database.fetchval("SELECT count(*) FROM event WHERE kind = 'typing'")
    async with cast.sol.stream(cursor) as stream:
        await stream.next("ready")
        assert "typing" not in [event.type for event in stream.events]


async def test_a_poll_that_waits_hears_it_too(cast: Cast) -> None:
    cursor = await now(cast.sol)
    polling = asyncio.create_task(cast.sol.get("/events", cursor=cursor, wait=10))

    async with asyncio.timeout(10):
        while not polling.done():  # a signal that comes before the poll waits is gone
            await cast.bea.put(path(cast), is_typing=True)
            await asyncio.wait([polling], timeout=0.1)
    [event, *_] = ok(await polling)["events"]
    assert (None, "typing", cast.bea.id) == (event["cursor"], event["type"], event["data"]["user_id"])


async def test_nobody_types_in_a_closed_conversation(cast: Cast) -> None:
    ok(await cast.sol.patch(f"/conversations/{cast.conversation_id}", state="closed"))
    assert CLOSED == refusal(await cast.bea.put(path(cast), is_typing=True))


@pytest.mark.parametrize("who", ["shop", "mod"])
async def test_who_looks_on_does_not_type(bystanders: Cast, who: str) -> None:
    assert NOT_FOUND == refusal(await getattr(bystanders, who).put(path(bystanders), is_typing=True))


async def test_who_has_left_hears_no_more_of_it(cast: Cast) -> None:
    people = f"/conversations/{cast.conversation_id}/participants"
    ok(await cast.shop.post(people, user_id=cast.ada.id, role="agent"), 201)
    async with cast.ada.stream() as adas, cast.sol.stream() as sols:
        assert 204 == (await cast.ada.delete(f"{people}/{cast.ada.id}")).status_code
        await cast.bea.put(path(cast), is_typing=True)
        await sols.next("typing")
        await cast.shop.post(people, user_id=cast.ada.id, role="agent")
        await cast.sol.put(path(cast), is_typing=True)
        await adas.next("typing")
    assert [cast.sol.id] == [event.data["user_id"] for event in adas.events if event.type == "typing"]
