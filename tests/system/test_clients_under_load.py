"""Invariants 1, 4, 9 and 10: readers that are slow or stop, and senders who go away in mid-request and come again,
while everyone talks."""

from __future__ import annotations

import asyncio
import json
import random
import uuid
from collections.abc import AsyncIterator

from tests.harness import eventually, frames, lines
from tests.system.checker import position_of
from tests.system.conftest import Connect, Pair
from tests.system.crowd import Crowd, Follower, Member, following
from tests.system.operating import head_cursor, head_of, pool_of
from tests.system.raw import Connection
from tests.system.raw import head_of as request_head
from tests.system.talking import after, talking

SIP_BYTES = 512  # what a slow reader takes at a time
SIPS_PER_SECOND = 100
GOINGS = 80


class SlowReader(Follower):
    """Follows over one connection whose window is small; as long as it is slow it sips."""

    is_slow = True
    connection: Connection

    async def run(self) -> None:
        async for event in frames(lines(self._sips())):
            self._take(event)

    async def _sips(self) -> AsyncIterator[str]:
        while data := await self.connection.reader.read(SIP_BYTES if self.is_slow else 65_536):
            yield data.decode().replace("\r", "")
            if self.is_slow:
                await asyncio.sleep(1 / SIPS_PER_SECOND)  # that is what slow means


async def slow_reader(crowd: Crowd, member: Member, place: int, connection: Connection, cursor: str) -> SlowReader:
    name = f"{member.id}, slowly"
    account = crowd.checker.account(name, member.id, member.conversations, after=position_of(cursor))
    reader = SlowReader(member, account, ["get"], cursor=cursor, rng=crowd.random, change_after=None)
    reader.connection = connection
    connection.write(request_head(member.at[place], "GET", f"/events/stream?cursor={cursor}"))
    return reader


async def test_slow_and_stopped_readers_are_complete_in_the_end(pair: Pair, connect: Connect) -> None:
    """Invariants 1 and 9: six streams sip 50 KB a second, six take nothing while everyone talks. Once they all read as
    they should, each has everything, once and in order, on the same connection."""
    async with talking(pair, seed=81) as (crowd, _):
        cursor = await head_cursor(pair.database_url)
        readers = [
            await slow_reader(
                crowd, member, place, await connect((pair.a, pair.b)[place], receive_buffer=4_096), cursor
            )
            for member in crowd.members
            for place in (0, 1)
        ]
        await crowd.late.enter_async_context(following(readers, lambda: head_of(pair.database_url)))
        for reader in readers[::2]:
            reader.connection.stop_reading()
        await after(crowd, 150)
        for reader in readers:
            reader.is_slow = False
            reader.connection.read_again()


async def test_senders_who_leave_in_mid_request_and_come_again(pair: Pair) -> None:
    """Invariants 4 and 10: 80 sends are left off at every point, in the head, in the body, before the answer, and said
    again with the same `client_id` at the other process until they are answered. Each is one message, and the pools are
    whole."""
    async with talking(pair, seed=82) as (crowd, _):
        dice = random.Random(82)
        for start in range(0, GOINGS, 20):
            await asyncio.gather(*(leave_and_return(crowd, dice, pair) for _ in range(start, start + 20)))
        assert [] == crowd.refusals

    async def are_whole() -> bool:
        return all(size == idle for size, idle in [await pool_of(server) for server in (pair.a, pair.b)])

    await eventually(are_whole)


async def leave_and_return(crowd: Crowd, dice: random.Random, pair: Pair) -> None:
    talk = dice.choice(crowd.talks)
    sender = dice.choice(talk.members)
    draft = {"client_id": str(uuid.uuid4()), "body": "Who left and came again"}
    crowd.checker.attempt(draft["client_id"], talk.id, draft["body"])
    body = json.dumps(draft).encode()
    path = f"/conversations/{talk.id}/messages"
    whole = request_head(sender.at[0], "POST", path, body=body) + body
    connection = await Connection.open(pair.a)
    connection.write(whole[: dice.choice([dice.randrange(len(whole)), len(whole), len(whole)])])
    for _ in range(dice.randrange(6)):  # leave at another moment each time
        await asyncio.sleep(0.001)
    connection.vanish()
    answer = await sender.at[1].http.post(path, json=draft)
    assert answer.status_code in (200, 201), answer.text
    crowd.checker.acknowledge(answer.json())
