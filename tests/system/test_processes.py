"""Two processes on one database are one service: what happens at one is heard at the other."""

from __future__ import annotations

import asyncio
import socket
import uuid
from contextlib import AsyncExitStack

import httpx
import pytest

from tests.conftest import NewServer
from tests.harness import Cast, Event, Stream, eventually, frames, running_seconds
from tests.system.conftest import Pair
from tests.system.operating import kill, workers_of


async def test_a_message_sent_at_one_process_is_heard_at_the_other_within_a_second(
    pair: Pair, cast_at_pair: Cast
) -> None:
    """Invariant 1, across processes: the same frame, and soon."""
    cast = cast_at_pair
    async with cast.sol.stream() as here, cast.sol.at(pair.b.url).stream() as there:
        for number in range(5):
            began = running_seconds()
            sent = await cast.bea.say(cast.conversation_id, f"Message {number}")
            heard = await there.next("message.sent", number + 1)
            assert running_seconds() - began < 1
            assert sent == {"message": heard.data["message"], "cursor": heard.id}
        await here.next("message.sent", 5)
        # A stream begins where its process is: the other one may just hear of the conversation's opening.
        assert of_kind(here, "message.sent") == of_kind(there, "message.sent")


async def test_typing_is_seen_at_the_other_process_by_the_others_alone(pair: Pair, cast_at_pair: Cast) -> None:
    """Invariant 5: a signal goes to the live streams of the others in the conversation, and is never stored."""
    cast = cast_at_pair
    eve, sol = cast.eve.at(pair.b.url), cast.sol.at(pair.b.url)
    async with cast.bea.stream() as beas, sol.stream() as sols, eve.stream() as eves:
        told = await cast.bea.put(f"/conversations/{cast.conversation_id}/typing", is_typing=True)
        assert told.status_code == 204, told.text
        typing = await sols.next("typing", within=2)
        await cast.bea.say(cast.conversation_id, "Here it is")
        await beas.next("message.sent")
        await sols.next("message.sent")
        await eves.next("ping", 2)
    expected = {
        "conversation_id": cast.conversation_id,
        "user_id": cast.bea.id,
        "is_typing": True,
        "expires_in_ms": 6_000,
    }
    assert Event(None, "typing", expected) == typing
    assert ([], []) == (of_kind(beas, "typing"), of_kind(eves, "typing"))
    polled, _ = await sol.catch_up(sols.events[0].id or "")
    assert ["message.sent"] == [event["type"] for event in polled]


async def test_presence_is_seen_at_the_other_process_by_those_who_share_a_conversation(
    pair: Pair, cast_at_pair: Cast
) -> None:
    """Invariant 5: sol comes online at A; bea hears it at B; eve, who shares nothing with sol, hears nothing."""
    cast = cast_at_pair
    bea, eve = cast.bea.at(pair.b.url), cast.eve.at(pair.b.url)
    async with bea.stream() as beas, eve.stream() as eves, cast.sol.stream():
        heard = await beas.until(
            lambda events: [e for e in events if e.type == "presence" and e.data["user_id"] == cast.sol.id]
        )
        assert heard[0].data["is_online"]
        seen = (await bea.get("/presence", user_id=cast.sol.id)).json()["presence"]
        assert [(cast.sol.id, True)] == [(one["user_id"], one["is_online"]) for one in seen]
        assert [] == (await eve.get("/presence", user_id=cast.sol.id)).json()["presence"]
        await eves.next("ping", 2)
        assert [] == of_kind(eves, "presence")


async def test_a_ticket_issued_at_one_process_opens_one_stream_at_the_other(pair: Pair, cast_at_pair: Cast) -> None:
    """A ticket is known everywhere and good once."""
    cast = cast_at_pair
    ticket = (await cast.sol.post("/stream-tickets")).json()["ticket"]
    async with httpx.AsyncClient(verify=False) as nobody:
        places = [f"{url}/api/v1/events/stream" for url in pair.urls]
        async with nobody.stream("GET", places[1], params={"ticket": ticket}, timeout=10) as response:
            assert 200 == response.status_code
            sent = await cast.bea.say(cast.conversation_id, "Do you hear me?")
            async for event in frames(response.aiter_lines()):
                if event.type == "message.sent":
                    assert sent["cursor"] == event.id
                    break
        for place in places:
            async with nobody.stream("GET", place, params={"ticket": ticket}) as again:
                assert 401 == again.status_code


async def test_a_cursor_just_issued_at_one_process_is_good_at_the_other(pair: Pair, cast_at_pair: Cast) -> None:
    """Invariant 3: a cursor ahead of a process's own tail is waited for, not taken for an invented one."""
    cast = cast_at_pair
    sol = cast.sol.at(pair.b.url)
    for number in range(40):
        sent = await cast.bea.say(cast.conversation_id, f"Message {number}")
        polled = (await sol.get("/events", cursor=sent["cursor"], wait=0)).json()
        assert ([], False) == (polled["events"], polled["more"])


async def test_a_change_at_one_process_is_seen_in_the_state_of_the_other_at_once(
    pair: Pair, cast_at_pair: Cast
) -> None:
    """There is no memory of state in a process: what was answered at A is read at B."""
    cast = cast_at_pair
    bea = cast.bea.at(pair.b.url)
    sent = await cast.sol.say(cast.conversation_id, "Yes, it is")
    page = (await bea.get("/conversations")).json()["conversations"]
    assert sent["message"] == page[0]["last_message"]
    read = await bea.put(f"/conversations/{cast.conversation_id}/receipt", read_seq=sent["message"]["seq"])
    assert 200 == read.status_code
    assert 0 == (await cast.bea.get("/unread")).json()["total"]
    again = await bea.post(
        f"/conversations/{cast.conversation_id}/messages", client_id=str(uuid.uuid4()), body="Lovely", last_seen_seq=0
    )
    assert (409, "conversation_moved") == (again.status_code, again.json()["code"])


async def test_on_one_port_connections_are_dealt_out_evenly(new_server: NewServer) -> None:
    """Whoever is quicker does not take all. By dice, 30 of 120 at one of two is a thing of once in twenty million."""
    server = await new_server("--workers", "2", DRAIN_SECONDS="0")
    workers = workers_of(server)

    def served() -> list[int]:
        """How many connections each worker has."""
        return [
            sum(one.status == "ESTABLISHED" and one.laddr.port == server.port for one in worker.net_connections())
            for worker in workers
        ]

    async def are_all_served() -> bool:
        return sum(served()) >= 120

    async def have_both() -> bool:
        async with httpx.AsyncClient(base_url=server.url) as client:
            await asyncio.gather(*(client.get("/health/live") for _ in range(20)))
            return min(served()) > 0

    await eventually(have_both)
    async with AsyncExitStack() as stack:
        workers[0].suspend()
        stack.callback(workers[0].resume)
        for _ in range(120):
            _, connection = await asyncio.open_connection("127.0.0.1", server.port)
            stack.callback(connection.close)

        async def has_the_quick_one_served() -> bool:
            return served()[1] > 30

        await eventually(has_the_quick_one_served)
        workers[0].resume()
        await eventually(are_all_served)
        assert min(counts := served()) > 30, counts


async def test_nobody_else_gets_the_port_while_no_worker_listens(new_server: NewServer) -> None:
    """Both are dead, and their successors not yet there."""
    server = await new_server("--workers", "2", DRAIN_SECONDS="0")
    for worker in workers_of(server):
        kill(worker)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", server.port)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", server.port))


def of_kind(stream: Stream, kind: str) -> list[Event]:
    return [event for event in stream.events if event.type == kind]
