"""Invariants 3 and 7: a database restored to an older state, or another server in its place, is another history: every
cursor of the old one is `reset`, and nothing of the new one is lost."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from tests.harness import Cast, Event, Person, eventually
from tests.system.checker import position_of
from tests.system.conftest import CastAt, NewPair, NewPerson, NewServer, Place
from tests.system.crowd import Crowd, Follower, Member, following, gathered
from tests.system.operating import (
    TERMINATE_LISTENERS,
    all_have_heard,
    continue_process,
    database,
    errors_of,
    head_cursor,
    head_of,
    kill_server,
    stop_process,
)
from tests.system.talking import after, assert_faultless

# The log, the messages and the people as they were some messages ago.
REWIND = """
WITH gone AS (DELETE FROM message WHERE position > (SELECT position - {0} FROM log_head)),
untold AS (DELETE FROM event WHERE position > (SELECT position - {0} FROM log_head)),
unmet AS (
    DELETE FROM users WHERE created_at > (
        SELECT created_at FROM event WHERE position = (SELECT position - {0} FROM log_head))
)
UPDATE log_head SET position = position - {0}
"""

RESTORED = {
    "another server": "UPDATE log_head SET system_identifier = 'another'",
    "another timeline": "UPDATE log_head SET timeline = timeline + 1",
    "an older backup": REWIND.format(2),
}


async def test_a_restored_database_is_another_history(new_pair: NewPair, cast_at: CastAt) -> None:
    """Invariants 3 and 7: after a restore or a failover the old cursors mean nothing: open streams, resumed ones and
    polls are `reset`, none is given a part of either history, and all go on live."""
    pair = await new_pair()
    for what, restore in RESTORED.items():
        cast = await cast_at(pair.a.url)
        async with cast.sol.stream() as here, cast.sol.at(pair.b.url).stream(method="POST") as there:
            old = [(await cast.bea.say(cast.conversation_id, f"Message {number}"))["cursor"] for number in range(4)]
            for stream in (here, there):
                await stream.next("message.sent", 4)
            async with database(pair.database_url) as connection:
                await connection.execute(restore)
                assert await connection.fetch(TERMINATE_LISTENERS)
            resets = [await stream.next("reset") for stream in (here, there)]
            assert ["unknown_epoch"] * 2 == [reset.data["reason"] for reset in resets], what
            assert {old[0].split("-")[0]}.isdisjoint(reset.data["cursor"].split("-")[0] for reset in resets)
            sent = await cast.bea.say((await renewed(cast))["id"], "A new history")
            for stream in (here, there):
                heard = await stream.until(lambda events, sent=sent: [e for e in events if e.id == sent["cursor"]])  # type: ignore[misc]
                assert "message.sent" == heard[0].type
            for person in (cast.sol, cast.sol.at(pair.b.url)):
                events, _ = await person.catch_up(old[1])
                assert ["reset"] == [event["type"] for event in events]


async def renewed(cast: Cast) -> dict[str, str]:
    """A conversation of bea and sol that no backup has missed."""
    answer = await cast.bea.post("/conversations", participants=[{"user_id": cast.sol.id}])
    assert 201 == answer.status_code, answer.text
    return answer.json()["conversation"]  # type: ignore[no-any-return]


async def test_a_history_that_has_grown_past_the_old_one_is_another_all_the_same(
    new_pair: NewPair, new_server: NewServer, cast_at: CastAt
) -> None:
    """Invariant 3: A hangs while an older state is put back and a process that knows nothing writes more than there
    was. When A wakes, every position it knows is there again, but it is not what A knows."""
    a, b, url = await new_pair()
    kill_server(b)
    cast = await cast_at(a.url)
    async with cast.sol.stream() as stream, database(url) as connection:
        for number in range(4):
            await cast.bea.say(cast.conversation_id, f"Message {number}")
        await stream.next("message.sent", 4)
        stop_process(a)
        try:
            await connection.execute(REWIND.format(4))
            c = await new_server(database_url=url)
            bea = cast.bea.at(c.url)
            grown = [(await bea.say(cast.conversation_id, f"Another {number}"))["cursor"] for number in range(6)]
        finally:
            continue_process(a)
        reset = await stream.next("reset", within=8)
        assert "unknown_epoch" == reset.data["reason"]
        assert grown[0].split("-")[0] != reset.data["cursor"].split("-")[0]
        for person in (cast.sol, cast.sol.at(c.url)):
            await eventually(lambda person=person: _is_reset(person, grown[0]))  # type: ignore[misc]


# What somebody may do first where nobody knows them any more.
FIRST: dict[str, Callable[[Person, str], Awaitable[httpx.Response]]] = {
    "looks at themselves": lambda person, _: person.get("/me"),
    "sets a status": lambda person, _: person.patch("/me", status="away"),
    "asks for a ticket": lambda person, _: person.post("/stream-tickets"),
    "speaks as the shop": lambda person, id_: person.post(
        f"/conversations/{id_}/messages", client_id=str(uuid.uuid4()), body="Hi"
    ),
}


async def test_people_whom_the_backup_does_not_know_are_met_anew(
    new_pair: NewPair, cast_at: CastAt, new_person: NewPerson
) -> None:
    """Both processes have met them, and would believe it for as long as they run. At A they come before it has noticed
    anything: that works, at once or when it is tried again. At B they come after it has."""
    pair = await new_pair()
    for number, (what, do) in enumerate(FIRST.items()):
        cast = await cast_at(pair.a.url)
        for turn in range(4):
            await cast.bea.say(cast.conversation_id, f"Message {turn}")
        claims = {"role": "service"} if "shop" in what else {}
        early, late = new_person(pair.a.url, f"e{number}", name="Gus", **claims), new_person(pair.b.url, f"l{number}")
        for url in pair.urls:
            for person in (early, late):
                assert 200 == (await person.at(url).get("/me")).status_code
        async with cast.sol.at(pair.b.url).stream() as stream:
            async with database(pair.database_url) as connection:
                await connection.execute(REWIND.format(4))
            await eventually(lambda early=early, do=do, id_=cast.conversation_id: _is_done(do(early, id_)))  # type: ignore[misc]
            seen = (await early.get("/me")).json()
            assert ("Gus", "away" if "status" in what else "online") == (seen["user"]["name"], seen["status"])
            await stream.next("reset")
        opened = await late.post("/conversations", participants=[{"user_id": cast.sol.id}])
        assert 201 == opened.status_code, opened.text
    assert [] == [*errors_of(pair.a), *errors_of(pair.b)]


async def _is_done(call: Awaitable[httpx.Response]) -> bool:
    answer = await call
    assert answer.is_success or 503 == answer.status_code, answer.text
    return answer.is_success


async def _is_reset(person: Person, cursor: str) -> bool:
    events, _ = await person.catch_up(cursor)
    return ["reset"] == [event["type"] for event in events]


class Reloading(Follower):
    """Does on `reset` what a page does: it loads its state anew, and a new account begins."""

    def __init__(self, crowd: Crowd, member: Member, transport: str, cursor: str) -> None:
        account = crowd.checker.account(f"{member.id} over {transport}", member.id, member.conversations)
        super().__init__(member, account, [transport], cursor=cursor, rng=crowd.random, change_after=None)
        self.crowd = crowd
        self.was_reset: list[Any] = []

    def _take(self, event: Event) -> None:
        if event.type == "reset":
            self.was_reset.append(event.data["reason"])
            old, after = self.account, position_of(event.data["cursor"])
            self.account = self.crowd.checker.account(old.name, old.user_id, old.conversations, after)
            self.crowd.checker.accounts.remove(old)
            self._move(event.data["cursor"])
        else:
            super()._take(event)


async def all_are_refused(crowd: Crowd) -> None:
    """Wait until the last answers of before have come: each has one message under way at a time."""
    crowd.refused.clear()
    people = {member.id for member in crowd.members}

    async def are_refused() -> bool:
        return people <= crowd.refused

    await eventually(are_refused)


async def test_an_older_backup_put_back_while_everyone_talks(place: Place) -> None:
    """Invariants 3 and 7: the data folder of a while ago is put in the place of today's, on the same server, and the
    outboxes at once write over the positions that the backup had not had. Everyone is `reset`, and from there on has
    everything, once and in order."""
    postgres, pair = place
    async with gathered(pair.urls, people=6, conversations=9, seed=61) as crowd:
        cursor = await head_cursor(pair.database_url)
        followers = [
            Reloading(crowd, member, way, cursor) for member in crowd.members for way in ("get", "post", "poll")
        ]
        async with following(followers, lambda: head_of(pair.database_url)):
            chatting = asyncio.create_task(crowd.chatter())
            await after(crowd, 60)
            await postgres.stop("fast")
            await postgres.back_up()
            await postgres.start()
            await after(crowd, 60)
            await postgres.stop("immediate")
            await all_are_refused(crowd)
            crowd.checker.promises.clear()  # what the backup does not have is lost, and said so by `reset`
            await postgres.restore()
            await postgres.start()

            async def all_are_reset() -> bool:
                return all(follower.was_reset for follower in followers)

            await eventually(all_are_reset)
            await after(crowd, 60)
            crowd.is_hushed = True
            await chatting
            await all_have_heard(pair.a, pair.b)
        await assert_faultless(crowd, pair.database_url)
    assert {"unknown_epoch"} == {reason for follower in followers for reason in follower.was_reset}
    assert cursor.split("-")[0] != (await head_cursor(pair.database_url)).split("-")[0]
