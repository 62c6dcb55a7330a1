"""Invariant 11: an expired or revoked token ends its streams within a second, at every process."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.conftest import NewServer
from tests.harness import Cast, Person, Stream, eventually
from tests.system.conftest import CastAt, NewPair, NewPerson, Pair


async def bye_of(stream: Stream, within: float) -> tuple[str, float]:
    """(the reason, when it came). The stream must be over then."""
    bye = await stream.next("bye", within=within)
    came_at = time.time()
    await stream.end(within=1)
    return bye.data["reason"], came_at


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_stream_ends_within_a_second_of_its_tokens_end(
    pair: Pair, cast_at_pair: Cast, new_person: NewPerson, method: str
) -> None:
    """Invariant 11, at both processes, with two seconds to live; and the token opens nothing after that."""
    expires_at = time.time() + 2
    people = [new_person(url, cast_at_pair.sol.id, ttl_seconds=2) for url in pair.urls]
    async with people[0].stream(method=method) as one, people[1].stream(method=method) as other:
        told = await asyncio.gather(bye_of(one, 5), bye_of(other, 5))
    assert ["token_expired"] * 2 == [reason for reason, _ in told]
    assert all(-0.1 < came_at - expires_at < 1 for _, came_at in told), told
    refused = [await person.get("/me") for person in people]
    assert [(401, "token_expired")] * 2 == [(answer.status_code, answer.json()["code"]) for answer in refused]


async def test_a_busy_stream_ends_with_its_token_too(pair: Pair, cast_at_pair: Cast, new_person: NewPerson) -> None:
    """Invariant 11: while messages keep coming."""
    cast = cast_at_pair
    sol = new_person(pair.b.url, cast.sol.id, ttl_seconds=2)
    expires_at = time.time() + 2

    async def talk() -> None:
        while not stream.is_over:
            await cast.bea.say(cast.conversation_id, "And another thing")

    async with sol.stream() as stream:
        talking = asyncio.create_task(talk())
        reason, came_at = await bye_of(stream, 5)
        await talking
    assert "token_expired" == reason
    assert came_at - expires_at < 1


async def test_a_long_poll_does_not_outlive_its_token(pair: Pair, cast_at_pair: Cast, new_person: NewPerson) -> None:
    """Invariant 11: a poll that waits is answered when its token ends."""
    sol = new_person(pair.a.url, cast_at_pair.sol.id, ttl_seconds=2)
    expires_at = time.time() + 2
    answer = await sol.get("/events", wait=20)
    assert time.time() - expires_at < 1
    assert [] == answer.json().get("events", [])


async def test_ending_a_session_ends_its_streams_everywhere_within_a_second(
    pair: Pair, cast_at_pair: Cast, new_person: NewPerson
) -> None:
    """Invariant 11: the session is ended at A; its streams and polls at A and B end, and it is refused at both. The
    person's other sessions go on."""
    sol = cast_at_pair.sol
    ending, lasting = (new_person(pair.a.url, sol.id, device=device) for device in ("lost phone", "desk"))
    at_b = ending.at(pair.b.url)
    async with ending.stream() as here, at_b.stream(method="POST") as there, lasting.stream() as others:
        polling = asyncio.create_task(at_b.get("/events", wait=20))
        began = time.time()
        assert 204 == (await ending.delete("/session")).status_code
        told = await asyncio.gather(bye_of(here, 2), bye_of(there, 2))
        await asyncio.wait_for(polling, 2)
        assert ["token_revoked"] * 2 == [reason for reason, _ in told]
        assert all(came_at - began < 1 for _, came_at in told)
        await others.next("ping", 2)
        assert not others.is_over
    refused = [await person.get("/me") for person in (ending, at_b)]
    assert [401, 401] == [answer.status_code for answer in refused]
    assert 401 == (await at_b.get("/events/stream")).status_code


async def test_a_ticket_of_an_ended_session_opens_nothing(
    pair: Pair, cast_at_pair: Cast, new_person: NewPerson
) -> None:
    """Invariant 11: a ticket lives no longer than the session it was issued in."""
    sol = new_person(pair.a.url, cast_at_pair.sol.id, device="lost phone")
    ticket = (await sol.post("/stream-tickets")).json()["ticket"]
    assert 204 == (await sol.delete("/session")).status_code
    for url in pair.urls:
        refused = await sol.http.get(f"{url}/api/v1/events/stream", params={"ticket": ticket}, timeout=2)
        assert 401 == refused.status_code


async def test_a_stream_opened_while_its_session_ends_does_not_live_on(
    pair: Pair, cast_at_pair: Cast, new_person: NewPerson
) -> None:
    """Invariant 11: whichever comes first, the stream or the end, no stream is left after a second."""
    for attempt in range(15):
        sol = new_person(pair.a.url, cast_at_pair.sol.id, device=f"phone {attempt}")
        at_b = sol.at(pair.b.url)
        assert 200 == (await at_b.get("/me")).status_code

        async def read(person: Person) -> str:
            async with person.http.stream("GET", "/events/stream", timeout=3) as response:
                return (await response.aread()).decode()

        reading = [asyncio.create_task(read(person)) for person in (sol, at_b, at_b, sol)]
        await asyncio.sleep(0.0005 * attempt)  # not a wait: a different moment every time
        assert 204 == (await sol.delete("/session")).status_code
        for text in await asyncio.gather(*reading):
            assert "token_revoked" in text or "unauthenticated" in text


async def test_an_ended_session_is_ended_everywhere_though_its_process_dies(
    new_server: NewServer, new_pair: NewPair, cast_at: CastAt
) -> None:
    """Invariants 7 and 11: A is killed as soon as it has answered; the streams at B end all the same, and a process
    that starts later refuses the token."""
    a, b, url = await new_pair()
    cast = await cast_at(a.url)
    sol = cast.sol.at(b.url)
    async with sol.stream() as stream:
        assert 204 == (await cast.sol.delete("/session")).status_code
        a.kill()
        reason, _ = await bye_of(stream, 5)
    assert "token_revoked" == reason
    again = await new_server(database_url=url)
    assert 401 == (await sol.at(again.url).get("/me")).status_code


async def test_a_killed_process_comes_back_refusing_what_it_refused(
    pair: Pair, cast_at_pair: Cast, new_person: NewPerson
) -> None:
    """A session ended at B is refused at A by memory alone: `/me` there needs no look at the table."""
    sol = new_person(pair.b.url, cast_at_pair.sol.id, device="lost phone")
    at_a = sol.at(pair.a.url)
    assert 200 == (await at_a.get("/me")).status_code
    assert 204 == (await sol.delete("/session")).status_code

    async def is_refused() -> bool:
        return (await at_a.get("/me")).status_code == 401

    await eventually(is_refused, within=1)
