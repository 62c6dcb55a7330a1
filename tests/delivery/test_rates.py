"""The common account of a rate limit: what it grants, and what two processes give away together, however their takes,
their tellings and what they hear fall together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import asyncpg
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import database
from app.delivery import rates as rates_module
from app.delivery.rates import ASK_SECONDS, DEBT_MAX, TELL, Rates, Scarcity
from app.errors import RateLimited
from app.limits import Buckets
from app.settings import Rate
from tests.conftest import NewDatabase

COUNT = 24
EIGHTH = COUNT // 8
DAY = 86_400


# --- what the account says -----------------------------------------------------------------------------------------


@pytest.fixture
async def account(new_database: NewDatabase) -> AsyncIterator[asyncpg.Connection[Any]]:
    connection = await asyncpg.connect(await new_database())
    yield connection
    await connection.close()


async def tell(account: asyncpg.Connection[Any], taken: int, asked: int) -> tuple[int, int] | None:
    """How many were granted and how many are left; nothing is said while more than half is."""
    rows = await account.fetch(TELL, ["bea"], [taken], [asked], DAY / COUNT, float(DAY), float(DEBT_MAX * DAY))
    return next(((row["granted"], round(COUNT - row["seconds"] * COUNT / DAY)) for row in rows), None)


async def test_the_account_grants_what_is_there(account: asyncpg.Connection[Any]) -> None:
    assert [None, (7, 11), (11, 0), (0, 0)] == [
        await tell(account, taken, asked) for taken, asked in ((3, 3), (0, 7), (0, 12), (0, 5))
    ]


async def test_what_was_taken_unasked_is_a_debt_that_has_an_end(account: asyncpg.Connection[Any]) -> None:
    assert [(0, -6), (0, -24), (0, -24), (0, -4), (2, 0)] == [
        await tell(account, taken, asked) for taken, asked in ((30, 0), (30, 4), (1, 1), (-20, 1), (-6, 3))
    ]


async def test_what_is_given_back_fills_no_bucket_beyond_its_count(account: asyncpg.Connection[Any]) -> None:
    assert [None, None, (24, 0)] == [
        await tell(account, taken, asked) for taken, asked in ((3, 0), (-10, 0), (0, COUNT + 6))
    ]


# --- two processes -------------------------------------------------------------------------------------------------


class Account:
    """The account of one bucket that is never refilled: it answers after a while, and sometimes not at all."""

    def __init__(self, pause: Any) -> None:
        self.pause = pause
        self.used = 0

    async def fetch(self, statement: str, ids: list[str], taken: list[int], asked: list[int], *_: float) -> Any:
        await self.pause()
        base = max(self.used, 0) + taken[0]
        granted = max(0, min(asked[0], COUNT - base))
        self.used = base + granted
        said = [{"id": ids[0], "granted": granted, "seconds": self.used * DAY / COUNT}]
        await self.pause()
        return said if self.used > COUNT / 2 else []


@given(seed=st.integers(0, 2**32), slowness=st.integers(1, 30))
async def test_a_burst_at_two_gets_all_there_is_and_an_eighth_more_at_most(seed: int, slowness: int) -> None:
    random = Random(seed)

    async def pause(turns: int = slowness) -> None:
        for _ in range(random.randrange(turns)):
            await asyncio.sleep(0)

    processes = [Rates(), Rates()]
    buckets = [Buckets(Rate(COUNT, DAY), "send") for _ in processes]
    news: list[asyncio.Task[None]] = []

    def signal(kind: str, data: str, audience: list[str]) -> None:
        said = msgspec.json.decode(data, type=Scarcity)
        [other] = [place for place, rates in enumerate(processes) if rates.process != said.process]

        async def arrive() -> None:
            await pause()
            buckets[other].hear("bea", said.levels["bea"])

        news.append(asyncio.create_task(arrive()))

    async def take(place: int) -> bool:
        await pause(60)
        try:
            await buckets[place].spend("bea")
        except RateLimited:
            return False
        return True

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rates_module, "DB", Account(pause))
        patch.setattr(rates_module.listener, "signal", signal)
        for rates, bucket in zip(processes, buckets, strict=True):
            bucket.ask = rates.ask
        taken = sum(await asyncio.gather(*(take(turn % 2) for turn in range(4 * COUNT))))
        await asyncio.gather(*news)
    assert COUNT <= taken <= COUNT + EIGHTH


async def test_who_is_granted_too_late_has_not_taken_twice(
    new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the account did not answer in time, the own one was right: so the common one gets it back."""
    url = await new_database()
    monkeypatch.setattr(rates_module, "ASK_SECONDS", ASK_SECONDS / 10)
    monkeypatch.setattr(database.DB, "config", database.connection_arguments(url))
    rates, bucket = Rates(), Buckets(Rate(1, DAY), "send")
    bucket.know("bea", 1)
    account = await asyncpg.connect(url)
    async with account.transaction():
        await account.execute("LOCK TABLE rate_bucket")
        assert await rates.ask(bucket, "bea")
        assert {"bea": 1} == bucket.owed
    await account.close()
    await asyncio.wait(rates.telling.values())
    assert {"bea": 0} == bucket.owed
