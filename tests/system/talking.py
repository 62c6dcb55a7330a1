"""A crowd that talks while something breaks, and what is asked of it afterwards."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from tests.harness import Person, eventually, running_seconds
from tests.system.checker import FAULTLESS, faults_of_log, read_log
from tests.system.conftest import Pair
from tests.system.crowd import Crowd, Follower, following, gathered
from tests.system.operating import database, head_cursor, head_of, is_ready

REFUSED_WITHIN = 3.0
BACK_WITHIN = 3.0
MESSAGES_AROUND = 30  # acknowledged before the fault and after it


async def after(crowd: Crowd, more: int) -> None:
    """Wait until so many more messages were acknowledged."""
    count = len(crowd.checker.promises) + more
    await eventually(lambda: crowd.have_sent(count))


async def assert_faultless(crowd: Crowd, url: str) -> None:
    """Nothing lost, doubled or out of order, by what was promised and by the log; the log itself is in order."""
    async with database(url) as connection:
        crowd.checker.compare_with(await read_log(connection))
        assert {} == await faults_of_log(connection)
    report = crowd.checker.report()
    assert FAULTLESS == report, [[fault[:300] for fault in faults[:2]] for faults in report]


@asynccontextmanager
async def talking(pair: Pair, seed: int, *, is_cut: bool = False) -> AsyncIterator[tuple[Crowd, list[Follower]]]:
    """A crowd that talks without a pause until it is hushed at the end, everyone following by a stream and half of them
    by polls, at both servers; then nothing may be lost or doubled and no cursor reset. Unless `is_cut` says that the
    fault does so, no stream may have been cut."""
    async with gathered(pair.urls, people=6, conversations=9, seed=seed) as crowd:
        cursor = await head_cursor(pair.database_url)
        ways = itertools.cycle(("get", "post"))
        streams = [crowd.follower(member, [next(ways)], cursor=cursor) for member in crowd.members]
        polls = [crowd.follower(member, ["poll"], cursor=cursor) for member in crowd.members[::2]]
        async with following([*streams, *polls], lambda: head_of(pair.database_url)), crowd.late:
            chatting = asyncio.create_task(crowd.chatter())
            await after(crowd, MESSAGES_AROUND)
            try:
                yield crowd, streams
            finally:
                await after(crowd, MESSAGES_AROUND)
                crowd.is_hushed = True
                await chatting
        await assert_faultless(crowd, pair.database_url)
        assert is_cut or [] == [follower.account.name for follower in streams if follower.cuts or follower.byes]


async def refused(person: Person, conversation_id: str) -> tuple[httpx.Response, float]:
    """A send that finds no database, and how long that took."""
    began = running_seconds()
    answer = await person.post(f"/conversations/{conversation_id}/messages", client_id=str(uuid.uuid4()), body="Hello?")
    return answer, running_seconds() - began


async def assert_unavailable(crowd: Crowd) -> None:
    """Sends at both processes are refused in time, with the word and the time to wait."""
    people = [person for talk in crowd.talks[:4] for person in talk.members[0].at]
    answers = await asyncio.gather(
        *(refused(person, crowd.talks[number // 2].id) for number, person in enumerate(people))
    )
    for answer, seconds in answers:
        assert (503, "unavailable") == (answer.status_code, answer.json()["code"]), answer.text
        assert int(answer.headers["retry-after"]) >= 1
        assert seconds < REFUSED_WITHIN


async def assert_back(crowd: Crowd, pair: Pair, since: float) -> None:
    """Sends succeed again within 3 s, at both processes, and both become ready."""
    for person in crowd.talks[0].members[0].at:

        async def is_sent(person: Person = person) -> bool:
            answer, _ = await refused(person, crowd.talks[0].id)
            return answer.status_code == 201

        await eventually(is_sent, within=max(0.1, since + BACK_WITHIN - running_seconds()))
    for server in (pair.a, pair.b):
        await eventually(lambda server=server: is_ready(server), within=5)  # type: ignore[misc]


def forgive(crowd: Crowd) -> None:
    """What `refused` sent was not entered into the books."""
    for account in crowd.checker.accounts:
        for _, message in account.messages:
            if message["body"] == "Hello?":
                crowd.checker.attempt(message["client_id"], message["conversation_id"], message["body"])
