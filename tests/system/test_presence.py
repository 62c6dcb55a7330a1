"""Presence when a process dies: its people go offline for those at other processes, unless they came back elsewhere."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.conftest import NewServer
from tests.harness import Event, Stream, eventually, running_seconds
from tests.system.conftest import CastAt, NewPair
from tests.system.operating import database, database_url

AGE = "SELECT now() - last_seen_at FROM users WHERE id = $1"


def about(events: list[Event], user_id: str, *, is_online: bool) -> list[Any]:
    return [
        event.data
        for event in events
        if event.type == "presence" and event.data["user_id"] == user_id and event.data["is_online"] == is_online
    ]


async def comes(stream: Stream, user_id: str, *, is_online: bool, within: float) -> Any:
    return await stream.until(lambda events: about(events, user_id, is_online=is_online), within)


async def test_people_of_a_killed_process_go_offline_within_thirty_seconds(new_pair: NewPair, cast_at: CastAt) -> None:
    """sol and ada are at A, bea at B. A is killed: ada comes back at B and is never said to be gone; sol does not, and
    bea hears so within 30 s. (About 25 s: a lease is that long.)"""
    a, b, _ = await new_pair()
    cast = await cast_at(a.url)
    await cast.shop.post(f"/conversations/{cast.conversation_id}/participants", user_id=cast.ada.id, role="agent")
    bea = cast.bea.at(b.url)
    async with bea.stream() as stream:
        async with cast.sol.stream() as sols, cast.ada.stream() as adas:
            for person in (cast.sol, cast.ada):
                await comes(stream, person.id, is_online=True, within=5)
            a.kill()
            began = running_seconds()
            await sols.end()
            await adas.end()
        async with cast.ada.at(b.url).stream():
            [gone] = await comes(stream, cast.sol.id, is_online=False, within=30)
            assert running_seconds() - began < 30
            assert gone["last_seen_at"] is not None
            assert [] == about(stream.events, cast.ada.id, is_online=False)
            seen = (await bea.get("/presence")).json()["presence"]
            assert {cast.ada.id: True, cast.sol.id: False} == {one["user_id"]: one["is_online"] for one in seen}


async def test_after_an_outage_people_were_last_seen_before_it(new_server: NewServer, cast_at: CastAt) -> None:
    """All processes were killed, and the first one that comes back hours later says who is gone."""
    a = await new_server()
    cast = await cast_at(a.url)
    url = database_url(a)
    async with cast.bea.stream() as stream, cast.sol.stream() as sols:
        await comes(stream, cast.sol.id, is_online=True, within=5)
        a.kill()
        await sols.end()
        await stream.end()
    async with database(url) as connection:
        await connection.execute("UPDATE process SET expires_at = expires_at - interval '3 hours'")
        await new_server(database_url=url)

        async def age() -> Any:
            return await connection.fetchval(AGE, cast.sol.id)

        await eventually(age)
        assert await age() > timedelta(hours=2)
