"""A stage for attacks: one conversation, and everybody who could stand to it in some way."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple

import httpx
import pytest

from tests.api.answers import ok
from tests.api.conftest import NewPerson, cast_at, database, new_person, nobody  # noqa: F401  the fixtures
from tests.harness import Cast, Person, Server, close_cast, gather_cast


class Stage(NamedTuple):
    """bea has written to sol; amy is their agent, ada was it and has left; eve is a stranger, the shop is the back end,
    mod the moderator. `names` are what stands in braces in a path; `untouched` is how it was at first, as `seen`."""

    cast: Cast
    amy: Person
    nobody: httpx.AsyncClient
    names: dict[str, str]
    untouched: list[Any]

    def client(self, who: str) -> httpx.AsyncClient:
        """The HTTP client of whoever is called so in the table of the authorisation matrix."""
        return self.nobody if who == "anonymous" else self.people[who].http

    def id_of(self, who: str) -> str:
        return "nobody" if who == "anonymous" else self.people[who].id

    @property
    def people(self) -> dict[str, Person]:
        cast = self.cast
        inside = {"author": cast.bea, "participant": cast.sol, "agent": self.amy}
        return {**inside, "former": cast.ada, "stranger": cast.eve, "service": cast.shop, "admin": cast.mod}


NewStage = Callable[[], Awaitable[Stage]]


async def build_stage(server: Server, nobody: httpx.AsyncClient) -> Stage:  # noqa: F811
    cast = await gather_cast(server.url)
    amy = Person(server.url, f"amy-{uuid.uuid4().hex[:8]}", name="Amy")
    ok(await amy.get("/me"))
    message = (await cast.bea.say(cast.conversation_id, "Is it still available?"))["message"]
    people = f"/conversations/{cast.conversation_id}/participants"
    for agent in (cast.ada, amy):
        ok(await cast.shop.post(people, user_id=agent.id, role="agent"), 201)
    assert 204 == (await cast.ada.delete(f"{people}/{cast.ada.id}")).status_code
    order = f"order-{cast.listing}"
    ok(await cast.shop.put(f"/contexts/order/{order}", title="Order"))
    both = [{"user_id": cast.bea.id, "role": "buyer"}, {"user_id": amy.id, "role": "agent"}]
    ok(await cast.shop.post("/conversations", context={"kind": "order", "id": order}, participants=both), 201)
    names = {"conversation_id": cast.conversation_id, "message_id": message["id"], "item_id": cast.listing}
    names |= {"kind": "listing", "order_id": order, "bea": cast.bea.id, "sol": cast.sol.id, "eve": cast.eve.id}
    new = Stage(cast, amy, nobody, names, [])
    return new._replace(untouched=await seen(new))


async def seen(stage: Stage) -> list[Any]:
    """Everything on it that a call could have changed, as the moderator finds it."""
    names = stage.names
    one, items = f"/conversations/{names['conversation_id']}", "/contexts"
    paths = (one, f"{one}/messages", f"{items}/listing/{names['item_id']}", f"{items}/order/{names['order_id']}")
    return [ok(answer) for answer in await asyncio.gather(*(stage.cast.mod.get(path) for path in paths))]


@pytest.fixture
async def new_stage(server: Server, nobody: httpx.AsyncClient) -> AsyncIterator[NewStage]:  # noqa: F811
    """Builds a stage for calls that change something."""
    stages: list[Stage] = []

    async def build() -> Stage:
        stages.append(await build_stage(server, nobody))
        return stages[-1]

    yield build
    for stage in stages:
        await close_stage(stage)


@pytest.fixture(scope="session")
async def stage(server: Server, nobody: httpx.AsyncClient) -> AsyncIterator[Stage]:  # noqa: F811
    """A stage that all share who only look."""
    stage = await build_stage(server, nobody)
    yield stage
    await close_stage(stage)


async def close_stage(stage: Stage) -> None:
    await stage.amy.close()
    await close_cast(stage.cast)
