"""Invariant 7: kill -9 of a process anywhere: no loss, no double, back to normal by itself."""

from __future__ import annotations

import asyncio

import psutil

from tests.conftest import NewServer
from tests.harness import Server, eventually
from tests.system import talking
from tests.system.conftest import CastAt, NewPair
from tests.system.crowd import TRANSPORTS, Crowd, following, gathered
from tests.system.operating import (
    all_have_heard,
    continue_process,
    database_url,
    head_cursor,
    head_of,
    is_ready,
    kill,
    kill_server,
    metric,
    process_of,
    stop_process,
    workers_of,
)
from tests.system.talking import after


async def assert_faultless(crowd: Crowd, url: str) -> None:
    await talking.assert_faultless(crowd, url)
    assert [] == [refusal for refusal in crowd.refusals if refusal.startswith("5")]


async def test_kill_9_while_everyone_sends_loses_and_doubles_nothing(new_server: NewServer, new_pair: NewPair) -> None:
    """Invariants 3, 4 and 7: one of two processes is killed twice in the middle of sends and streams. Outboxes repeat
    what was not answered, with the same `client_id`, at whichever process answers; followers go on where they were."""
    a, b, url = await new_pair()
    async with gathered([a.url, b.url], people=8, conversations=16, seed=11) as crowd:
        cursor = await head_cursor(url)
        mixed = [crowd.follower(member, TRANSPORTS, cursor=cursor, change_after=20) for member in crowd.members]
        steady = [crowd.follower(member, ["get"], cursor=cursor) for member in crowd.members]
        async with following([*mixed, *steady], lambda: head_of(url)):
            chatting = asyncio.create_task(crowd.chatter())
            for _ in range(2):
                await after(crowd, 100)
                a.kill()
                await after(crowd, 100)
                a = await new_server(database_url=url, port=a.port)
            await after(crowd, 100)
            crowd.is_hushed = True
            await chatting
        await assert_faultless(crowd, url)
    assert sum(follower.cuts for follower in mixed + steady) > 0
    assert len(crowd.refusals) > 0, "else nothing was interrupted"


async def test_a_killed_worker_is_replaced_and_its_clients_resume(new_server: NewServer) -> None:
    """Invariant 7: under a supervisor one worker dies in the middle of sends and streams. The others go on, a new one
    comes by itself, nothing is lost or doubled, and the metrics forget the dead one."""
    server = await new_server("--workers", "2")
    url = database_url(server)
    async with gathered([server.url], people=8, conversations=16, seed=12) as crowd:
        cursor = await head_cursor(url)
        followers = [
            crowd.follower(member, [transport], cursor=cursor)
            for member in crowd.members
            for transport in ("get", "post", "poll")
        ]
        async with following(followers, lambda: head_of(url)):
            chatting = asyncio.create_task(crowd.chatter())
            await after(crowd, 100)
            victim = workers_of(server)[0]
            kill(victim)
            await after(crowd, 100)

            async def is_replaced() -> bool:
                workers = workers_of(server)
                return len(workers) == 2 and victim not in workers

            await eventually(is_replaced)
            await after(crowd, 100)
            crowd.is_hushed = True
            await chatting
            assert 16 == await metric(server, "parley_streams"), "of the living only: 8 people by GET, 8 by POST"
        await assert_faultless(crowd, url)
    assert "a worker ended" in server.log


async def test_a_killed_supervisor_takes_its_workers_along(new_server: NewServer, cast_at: CastAt) -> None:
    """Invariant 7: orphaned workers end by themselves, with `bye`; the port is free, and a restart serves again."""
    server = await new_server("--workers", "2")
    cast = await cast_at(server.url)
    workers = workers_of(server)
    async with cast.sol.stream() as stream:
        kill(process_of(server))
        assert "draining" == (await stream.next("bye")).data["reason"]

    async def are_gone() -> bool:
        return not any(psutil.pid_exists(worker.pid) for worker in workers)

    await eventually(are_gone)
    await new_server(database_url=database_url(server), port=server.port)
    await cast.bea.say(cast.conversation_id, "Here again")


async def test_a_process_that_hangs_does_not_hold_up_the_other(new_pair: NewPair) -> None:
    """Invariant 7: SIGSTOP of one process in the middle of its sends and edits. The other goes on sending into the same
    conversations, for no lock is kept over a round trip; when the first wakes it has everything."""
    a, b, url = await new_pair()
    async with gathered([a.url, b.url], people=6, conversations=6, seed=13) as crowd:
        cursor = await head_cursor(url)
        followers = [crowd.follower(member, ["get"], cursor=cursor) for member in crowd.members]
        async with following(followers, lambda: head_of(url)):
            chatting = asyncio.create_task(crowd.chatter(150))
            await eventually(lambda: crowd.have_sent(50))
            stop_process(a)
            try:
                talk = crowd.talks[0]
                said = [talk.members[0].at[1].say(talk.id, f"Without a, {number}") for number in range(20)]
                answers = await asyncio.wait_for(asyncio.gather(*said), 2)
            finally:
                continue_process(a)
            for answer in answers:
                message = answer["message"]
                crowd.checker.attempt(message["client_id"], message["conversation_id"], message["body"])
                crowd.checker.acknowledge(answer)
            await chatting
        await assert_faultless(crowd, url)
        await all_have_heard(a, b)
    assert await is_ready(a)


async def test_kill_9_of_everything_forgets_nothing_that_was_acknowledged(new_server: NewServer) -> None:
    """Invariant 7: the only process is killed and started again; what was acknowledged is there, streams resume."""
    server: Server = await new_server("--workers", "2")
    url = database_url(server)
    async with gathered([server.url], people=4, conversations=6, seed=14) as crowd:
        cursor = await head_cursor(url)
        followers = [crowd.follower(member, ["get", "poll"], cursor=cursor) for member in crowd.members]
        async with following(followers, lambda: head_of(url)):
            chatting = asyncio.create_task(crowd.chatter())
            await after(crowd, 100)
            kill_server(server)
            await new_server(database_url=url, port=server.port)
            await after(crowd, 50)
            crowd.is_hushed = True
            await chatting
        await assert_faultless(crowd, url)
