"""What tests of the door need beyond a cast: strangers, casts at other servers, and a look into the database."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import httpx
import pytest

from tests.api.answers import ok
from tests.harness import Cast, Person, Server, close_cast, gather_cast

NewPerson = Callable[..., Person]
CastAt = Callable[[Server], Awaitable[Cast]]


@pytest.fixture(scope="session")
async def bystanders(server: Server) -> AsyncIterator[Cast]:
    """A cast for calls that are refused or only look: nothing that happens here changes anything for the others. There
    is one message, and ada has been in the conversation and has left it."""
    cast = await gather_cast(server.url)
    await cast.bea.say(cast.conversation_id, "Is it still available?")
    path = f"/conversations/{cast.conversation_id}/participants"
    ok(await cast.shop.post(path, user_id=cast.ada.id, role="agent"), 201)
    assert 204 == (await cast.ada.delete(f"{path}/{cast.ada.id}")).status_code
    yield cast
    await close_cast(cast)


@pytest.fixture
async def new_person(server: Server) -> AsyncIterator[NewPerson]:
    """Somebody whom nobody knows: `new_person()`, `new_person("ada", name="Ada", ttl_seconds=2)`."""
    people: list[Person] = []

    def make(who: str = "ben", /, *, user_id: str | None = None, url: str | None = None, **claims: Any) -> Person:
        id_ = user_id or f"{who}-{uuid.uuid4().hex[:8]}"
        people.append(Person(url or server.url, id_, **claims))
        return people[-1]

    yield make
    for person in people:
        await person.close()


@pytest.fixture
async def cast_at() -> AsyncIterator[CastAt]:
    """The cast at a server that the test has started itself."""
    casts: list[Cast] = []

    async def gather(server: Server) -> Cast:
        casts.append(await gather_cast(server.url))
        return casts[-1]

    yield gather
    for cast in casts:
        await close_cast(cast)


@pytest.fixture(scope="session")
async def nobody(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody without a token."""
    async with httpx.AsyncClient(base_url=f"{server.url}/api/v1", verify=False, timeout=40) as client:
        yield client


@pytest.fixture(scope="session")
async def database(server: Server) -> AsyncIterator[asyncpg.Connection[Any]]:
    """A look into the shared server's database, and a hand to make things old."""
    connection = await asyncpg.connect(server.environment["PARLEY_DATABASE_URL"])
    yield connection
    await connection.close()
