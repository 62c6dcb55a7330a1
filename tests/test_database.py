"""What counts as a database that is away, and what does not."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest

from app.database import AWAY, DB, Unreachable, connection_arguments, dial
from app.delivery.line import Line
from app.delivery.writer import Writer
from tests.conftest import NewDatabase

TWICE = "SELECT $1::int * 2 AS twice"


async def test_where_nothing_listens_the_server_is_unreachable(tmp_path: Path) -> None:
    """No socket, a file in its place, nobody at the port: all the same to whoever asks."""
    (tmp_path / ".s.PGSQL.5432").touch()
    for place in (f"/parley?host={tmp_path}/no", f"/parley?host={tmp_path}", "127.0.0.1:1/parley"):
        with pytest.raises(Unreachable):
            await dial(**connection_arguments(f"postgresql://{place}"), timeout=2)


def test_other_trouble_with_files_and_sockets_is_not_the_databases() -> None:
    assert not isinstance(PermissionError("a file that a handler reads"), AWAY)
    assert isinstance(Unreachable("the database"), AWAY)


async def test_a_value_that_does_not_fit_is_refused_alone_and_at_once(
    new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not taken for a lost connection, which would be tried again until everybody's patience is over."""
    monkeypatch.setattr(DB, "config", connection_arguments(await new_database()))
    line, tries = Line(), 0

    async def commit(batch: list[int]) -> list[int]:
        nonlocal tries
        tries += 1
        return [(await line.fetch(TWICE, number))[0]["twice"] for number in batch]

    writer = Writer("test", commit, lambda batch, rows: rows)
    assert 4 == await writer.write(2)
    with pytest.raises(asyncpg.DataError):
        await writer.write(10**12)
    assert 2 == tries
    assert 6 == await writer.write(3)
    await writer.finish()
    line.close()
