"""GET /messages?box=…: what came in and what went out, across all conversations."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.answers import bodies, draft, ok, send
from tests.api.conftest import NewPerson
from tests.harness import Cast, Person


async def box(person: Person, which: str, **query: Any) -> list[str]:
    return bodies(ok(await person.get("/messages", box=which, limit=100, **query))["messages"])


async def pages(person: Person, which: str, limit: int) -> list[list[dict[str, Any]]]:
    found, before = [], None
    while True:
        query = {"before": before} if before else {}
        page = ok(await person.get("/messages", box=which, limit=limit, **query))
        found.append(page["messages"])
        before = page["next"]
        if before is None:
            return found


async def with_ada(cast: Cast) -> str:
    """bea's conversation with ada."""
    opened = ok(await cast.bea.post("/conversations", participants=[{"user_id": cast.ada.id}]), 201)
    return str(opened["conversation"]["id"])


async def test_the_boxes_are_across_conversations_newest_first(cast: Cast) -> None:
    other = await with_ada(cast)
    await cast.sol.say(cast.conversation_id, "from sol")
    await cast.bea.say(other, "to ada")
    await cast.ada.say(other, "from ada")
    await cast.bea.say(cast.conversation_id, "to sol")
    await cast.sol.say(cast.conversation_id, "from sol again")
    assert ["from sol again", "from ada", "from sol"] == await box(cast.bea, "inbox")
    assert ["to sol", "to ada"] == await box(cast.bea, "sent")
    assert [] == await box(cast.eve, "inbox") + await box(cast.eve, "sent")


async def test_lines_that_nobody_typed_are_in_neither(cast: Cast) -> None:
    ok(await send(cast.shop, cast.conversation_id, draft("Paid", kind="system")), 201)
    ok(
        await cast.shop.post(f"/conversations/{cast.conversation_id}/participants", user_id=cast.ada.id, role="agent"),
        201,
    )
    assert [] == await box(cast.bea, "inbox") + await box(cast.ada, "sent")


async def test_the_shop_finds_what_it_said_in_none_of_its_conversations(cast: Cast) -> None:
    """It is in no conversation."""
    ok(await send(cast.shop, cast.conversation_id, draft("A text of the shop's")), 201)
    assert [] == await box(cast.shop, "sent")
    assert ["A text of the shop's"] == await box(cast.bea, "inbox")


async def test_what_was_edited_or_unsent_is_as_it_is_now(cast: Cast) -> None:
    first, second = [(await cast.sol.say(cast.conversation_id, body))["message"]["id"] for body in ("Hte", "Oops")]
    ok(await cast.sol.patch(f"/messages/{first}", body="The"))
    ok(await cast.sol.delete(f"/messages/{second}"))
    assert ["", "The"] == await box(cast.bea, "inbox") == await box(cast.sol, "sent")


async def test_what_one_has_left_is_in_neither(cast: Cast) -> None:
    await cast.sol.say(cast.conversation_id, "Hello")
    await cast.bea.say(cast.conversation_id, "Bye")
    assert (
        204 == (await cast.bea.delete(f"/conversations/{cast.conversation_id}/participants/{cast.bea.id}")).status_code
    )
    assert [] == await box(cast.bea, "inbox") + await box(cast.bea, "sent")


@pytest.mark.parametrize("limit", [1, 2, 5, 7, 100])
async def test_paging_misses_nothing_and_gives_nothing_twice(cast: Cast, new_person: NewPerson, limit: int) -> None:
    """Over several conversations: one very busy, some quiet, taking turns."""
    conversations = [cast.conversation_id, await with_ada(cast)]
    ben = new_person()
    ok(await ben.get("/me"))
    opened = ok(await cast.bea.post("/conversations", participants=[{"user_id": ben.id}]), 201)
    conversations.append(opened["conversation"]["id"])
    writers = [cast.sol, cast.ada, ben]
    turns = [0, 1, 2, 0, 0, 0, 0, 1, 0, 0, 2, 0, 1, 1, 0, 0, 0, 2]
    for number, turn in enumerate(turns):
        await writers[turn].say(conversations[turn], f"in {number}")
        await cast.bea.say(conversations[turn], f"out {number}")
    for which, word in (("inbox", "in"), ("sent", "out")):
        found = await pages(cast.bea, which, limit)
        assert [f"{word} {number}" for number in reversed(range(len(turns)))] == [
            message["body"] for page in found for message in page
        ]
        assert all(len(page) == limit for page in found[:-1])


async def test_what_comes_while_one_pages_does_not_shift_the_pages(cast: Cast) -> None:
    for number in range(4):
        await cast.sol.say(cast.conversation_id, f"{number}")
    first = ok(await cast.bea.get("/messages", box="inbox", limit=2))
    await cast.sol.say(cast.conversation_id, "new")
    rest = ok(await cast.bea.get("/messages", box="inbox", limit=2, before=first["next"]))
    assert ["3", "2", "1", "0"] == bodies(first["messages"] + rest["messages"])
    assert rest["next"] is None
