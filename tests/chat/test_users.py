"""Users: those who come together are met together."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest

from app.chat import users
from app.identity import Caller

PEOPLE = "SELECT id, name, avatar_url FROM users ORDER BY id"
CROWD = 200


@pytest.fixture
def batches(own_database: asyncpg.Connection[Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many were met with each statement. Nobody has been met before, nor after."""
    sizes: list[int] = []
    commit = users.MEETINGS.commit

    async def counted(batch: list[users.Person]) -> list[users.Person]:
        sizes.append(len(batch))
        return await commit(batch)

    monkeypatch.setattr(users.MEETINGS, "commit", counted)
    users.forget()
    yield sizes
    users.forget()


def caller(user_id: str, name: str, avatar_url: str | None = None) -> Caller:
    return Caller(id=user_id, name=name, avatar_url=avatar_url, role="user", expires_at=0.0, digest=b"")


async def test_a_crowd_that_comes_at_once_costs_a_few_statements(
    own_database: asyncpg.Connection[Any], batches: list[int]
) -> None:
    crowd = [caller(f"user-{number:03}", f"Name {number}", f"/{number}.png") for number in range(CROWD)]
    for _ in range(2):
        await asyncio.gather(*map(users.meet, crowd))
        assert sum(batches) == CROWD
        assert len(batches) < CROWD / 10
    assert [(one.id, one.name, one.avatar_url) for one in crowd] == [
        tuple(row) for row in await own_database.fetch(PEOPLE)
    ]


async def test_who_comes_at_once_under_two_names_has_the_last_one(
    own_database: asyncpg.Connection[Any], batches: list[int]
) -> None:
    await asyncio.gather(*(users.meet(caller("sol", name)) for name in ("Sol", "Solomon")))
    assert [2] == batches
    assert [("sol", "Solomon", None)] == [tuple(row) for row in await own_database.fetch(PEOPLE)]
    await users.meet(caller("sol", "Solomon"))
    assert [2] == batches


@pytest.mark.parametrize("names", [("Sol", ""), ("", "Sol")])
async def test_who_comes_at_once_with_a_name_and_without_has_it(
    own_database: asyncpg.Connection[Any], batches: list[int], names: tuple[str, str]
) -> None:
    await asyncio.gather(*(users.meet(caller("sol", name)) for name in names))
    assert [2] == batches
    assert [("sol", "Sol", None)] == [tuple(row) for row in await own_database.fetch(PEOPLE)]
    await asyncio.gather(*(users.meet(caller("sol", name)) for name in ("", "", "Sól")))
    assert [("sol", "Sól", None)] == [tuple(row) for row in await own_database.fetch(PEOPLE)]


async def test_one_who_cannot_be_written_down_fails_alone(
    own_database: asyncpg.Connection[Any], batches: list[int]
) -> None:
    told = await asyncio.gather(
        *(users.meet(caller(user_id, "")) for user_id in ("bea", "\0", "sol")), return_exceptions=True
    )
    assert [None, asyncpg.CharacterNotInRepertoireError, None] == [one and type(one) for one in told]
    assert ["bea", "sol"] == [row["id"] for row in await own_database.fetch(PEOPLE)]
