"""A line: one connection, opened when it is needed and again when it was lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from app.database import AWAY, DB, connection_arguments
from app.delivery.line import Line
from tests.conftest import NewDatabase

WHO = "SELECT pg_backend_pid() AS pid"


@pytest.fixture
async def line(new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Line]:
    monkeypatch.setattr(DB, "config", connection_arguments(await new_database()))
    line = Line()
    yield line
    line.close()


async def who(line: Line) -> int:
    [row] = await line.fetch(WHO)
    return int(row["pid"])


async def test_a_line_is_kept(line: Line) -> None:
    assert await who(line) == await who(line)


async def test_a_line_that_was_cut_is_lost_for_one_statement_at_most(line: Line) -> None:
    first = await who(line)
    other = await asyncpg.connect(**DB.config)
    await other.execute("SELECT pg_terminate_backend($1)", first)
    await other.close()
    with pytest.raises(AWAY):
        await who(line)
    assert first != await who(line)


async def test_nothing_is_asked_on_a_line_whose_answer_was_not_waited_for(line: Line) -> None:
    first = await who(line)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await line.fetch("SELECT pg_sleep(10)")
    assert first != await who(line)


async def test_a_refused_statement_leaves_the_line_as_it_was(line: Line) -> None:
    first = await who(line)
    with pytest.raises(asyncpg.DivisionByZeroError):
        await line.fetch("SELECT 1 / 0")
    assert first == await who(line)


async def test_a_line_that_was_closed_can_be_opened_again(line: Line) -> None:
    first = await who(line)
    line.close()
    assert first != await who(line)
