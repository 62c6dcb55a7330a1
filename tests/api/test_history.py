"""GET /conversations/{id}/messages and /messages/{id}: the history, by pages."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.api.answers import ok
from tests.harness import Cast, Person, close_cast, gather_cast

COUNT = 25


@pytest.fixture(scope="module")
async def long(bystanders: Cast) -> Any:
    """A cast with 25 messages, numbered in their bodies."""
    cast = await gather_cast(bystanders.bea.url)
    for number in range(1, COUNT + 1):
        await (cast.bea if number % 3 else cast.sol).say(cast.conversation_id, f"{number}")
    yield cast
    await close_cast(cast)


async def page(person: Person, conversation_id: str, **query: int) -> tuple[list[int], bool]:
    """(the numbers, whether there is more)."""
    answer = ok(await person.get(f"/conversations/{conversation_id}/messages", **query))
    numbers = [message["seq"] for message in answer["messages"]]
    assert [str(number) for number in numbers] == [message["body"] for message in answer["messages"]]
    return numbers, answer["has_more"]


def span(first: int, last: int) -> list[int]:
    return list(range(first, last + 1))


CASES: list[tuple[dict[str, int], list[int], bool]] = [
    ({}, span(1, 25), False),
    ({"limit": 10}, span(16, 25), True),
    ({"limit": 25}, span(1, 25), False),
    ({"limit": 100}, span(1, 25), False),
    ({"limit": 1}, [25], True),
    ({"before": 16, "limit": 10}, span(6, 15), True),
    ({"before": 6, "limit": 10}, span(1, 5), False),
    ({"before": 11, "limit": 10}, span(1, 10), False),
    ({"before": 1}, [], False),
    ({"before": 0}, [], False),
    ({"before": 1000, "limit": 2}, [24, 25], True),
    ({"before": 2**63 - 1, "limit": 2}, [24, 25], True),
    ({"after": 0, "limit": 10}, span(1, 10), True),
    ({"after": 10, "limit": 10}, span(11, 20), True),
    ({"after": 20, "limit": 10}, span(21, 25), False),
    ({"after": 15, "limit": 10}, span(16, 25), False),
    ({"after": 25}, [], False),
    ({"after": 2**63 - 1}, [], False),
    ({"around": 13, "limit": 5}, span(11, 15), True),
    ({"around": 13, "limit": 4}, span(11, 14), True),
    ({"around": 1, "limit": 4}, [1, 2], False),
    ({"around": 3, "limit": 100}, span(1, 25), False),
    ({"around": 25, "limit": 4}, span(22, 25), True),
    ({"around": 13, "limit": 1}, [13], True),
    ({"around": 1, "limit": 1}, [1], False),
    ({"around": 0, "limit": 4}, [1, 2], False),
    ({"around": 1000, "limit": 4}, span(22, 25), True),
]


@pytest.mark.parametrize(("query", "numbers", "has_more"), CASES, ids=[str(case[0]) for case in CASES])
async def test_a_page_is_what_was_asked_for_in_ascending_order(
    long: Cast, query: dict[str, int], numbers: list[int], has_more: bool
) -> None:
    assert (numbers, has_more) == await page(long.bea, long.conversation_id, **query)


@pytest.mark.parametrize("limit", [1, 4, 7, 24, 25, 26])
async def test_reading_backwards_and_forwards_gives_everything_once(long: Cast, limit: int) -> None:
    backwards: list[int] = []
    has_more, before = True, 2**62
    while has_more:
        numbers, has_more = await page(long.sol, long.conversation_id, before=before, limit=limit)
        backwards = numbers + backwards
        before = numbers[0]
    forwards: list[int] = []
    has_more = True
    while has_more:
        numbers, has_more = await page(
            long.sol, long.conversation_id, after=forwards[-1] if forwards else 0, limit=limit
        )
        forwards += numbers
    assert span(1, COUNT) == backwards == forwards


async def test_an_empty_history_is_an_empty_page(cast: Cast) -> None:
    assert ([], False) == await page(cast.bea, cast.conversation_id)


async def test_reading_moves_no_receipt(cast: Cast) -> None:
    await cast.bea.say(cast.conversation_id, "1")
    await page(cast.sol, cast.conversation_id)
    assert 1 == ok(await cast.sol.get("/unread"))["total"]


async def test_pages_read_while_others_write_have_no_holes(cast: Cast) -> None:
    writing = asyncio.gather(*(cast.bea.say(cast.conversation_id, str(number)) for number in range(60)))
    seen: list[int] = []
    while len(seen) < 60:
        answer = ok(await cast.sol.get(f"/conversations/{cast.conversation_id}/messages", after=len(seen), limit=7))
        seen += [message["seq"] for message in answer["messages"]]
        assert span(1, len(seen)) == seen
    await writing


async def test_one_message_is_for_its_people_and_for_those_who_oversee(long: Cast) -> None:
    [message] = ok(await long.bea.get(f"/conversations/{long.conversation_id}/messages", limit=1))["messages"]
    for person in (long.bea, long.sol, long.shop, long.mod):
        assert message == ok(await person.get(f"/messages/{message['id']}"))
    for person in (long.eve, long.ada):
        assert 404 == (await person.get(f"/messages/{message['id']}")).status_code
