"""GET /unread: in all, per role, per conversation, of one item."""

from __future__ import annotations

from typing import Any

from tests.api.answers import invalid, ok, refusal
from tests.harness import Cast, Person


async def unread(person: Person, **query: Any) -> dict[str, Any]:
    return dict(ok(await person.get("/unread", **query)))


def totals(said: dict[str, Any]) -> tuple[int, int, int, int]:
    return said["total"], said["buyer"], said["seller"], said["agent"]


async def sells_too(cast: Cast) -> str:
    """bea sells a bike, and sol has asked about it."""
    ok(await cast.shop.put(f"/contexts/product/bike-{cast.listing}", title="Bike", seller_id=cast.bea.id))
    opened = ok(await cast.sol.post("/conversations", context={"kind": "product", "id": f"bike-{cast.listing}"}), 201)
    return str(opened["conversation"]["id"])


async def test_nothing_said_is_nothing_unread(cast: Cast) -> None:
    assert {"total": 0, "buyer": 0, "seller": 0, "agent": 0, "conversations": []} == await unread(cast.bea)


async def test_it_is_counted_in_all_per_role_and_per_conversation(cast: Cast) -> None:
    bike = await sells_too(cast)
    opened = ok(await cast.bea.post("/conversations", participants=[{"user_id": cast.ada.id, "role": "agent"}]), 201)
    for conversation_id, writer, count in ((cast.conversation_id, cast.sol, 3), (bike, cast.sol, 2)):
        for number in range(count):
            await writer.say(conversation_id, f"{number}")
    await cast.bea.say(opened["conversation"]["id"], "Help!")
    said = await unread(cast.bea)
    assert (5, 3, 2, 0) == totals(said)
    assert [
        {"conversation_id": bike, "role": "seller", "unread_count": 2},
        {"conversation_id": cast.conversation_id, "role": "buyer", "unread_count": 3},
    ] == said["conversations"]
    assert (1, 0, 0, 1) == totals(await unread(cast.ada))
    assert (5, 3, 2, 0) == tuple(ok(await cast.bea.get("/me"))["unread"].values())


async def test_it_can_be_asked_of_one_item(cast: Cast) -> None:
    bike = await sells_too(cast)
    await cast.sol.say(cast.conversation_id, "About the table")
    await cast.sol.say(bike, "About the bike")
    about = await unread(cast.bea, context=f"product:bike-{cast.listing}")
    assert (1, 0, 1, 0) == totals(about)
    assert [bike] == [one["conversation_id"] for one in about["conversations"]]
    assert (0, 0, 0, 0) == totals(await unread(cast.bea, context="product:nowhere"))
    assert (0, 0, 0, 0) == totals(await unread(cast.bea, context=f"listing:bike-{cast.listing}"))


async def test_of_an_item_it_counts_all_ones_conversations_about_it(cast: Cast) -> None:
    about = {"kind": "listing", "id": cast.listing}
    eves = ok(await cast.eve.post("/conversations", context=about), 201)["conversation"]["id"]
    await cast.bea.say(cast.conversation_id, "Mine?")
    await cast.eve.say(eves, "No, mine!")
    said = await unread(cast.sol, context=f"listing:{cast.listing}")
    assert (2, {eves, cast.conversation_id}) == (
        said["total"],
        {one["conversation_id"] for one in said["conversations"]},
    )


async def test_ones_own_message_reads_what_was_before_it(cast: Cast) -> None:
    await cast.bea.say(cast.conversation_id, "1")
    await cast.bea.say(cast.conversation_id, "2")
    await cast.sol.say(cast.conversation_id, "3")
    await cast.bea.say(cast.conversation_id, "4")
    assert [0, 1] == [(await unread(person))["total"] for person in (cast.bea, cast.sol)]


async def test_muted_and_archived_conversations_count_and_left_ones_do_not(cast: Cast) -> None:
    path = f"/conversations/{cast.conversation_id}"
    await cast.sol.say(cast.conversation_id, "Hello")
    ok(await cast.bea.patch(path, is_muted=True, is_archived=True))
    assert 1 == (await unread(cast.bea))["total"]
    assert 204 == (await cast.bea.delete(f"{path}/participants/{cast.bea.id}")).status_code
    assert 0 == (await unread(cast.bea))["total"]


async def test_nobody_sees_what_others_have_not_read(cast: Cast) -> None:
    await cast.bea.say(cast.conversation_id, "Hello")
    for person in (cast.eve, cast.ada, cast.shop, cast.mod):
        assert 0 == (await unread(person))["total"]
        assert 0 == (await unread(person, context=f"listing:{cast.listing}"))["total"]


async def test_an_item_that_is_none_is_refused(bystanders: Cast) -> None:
    for wrong in ("", "listing", ":", ":1", "auction:1", "listing:" + "x" * 129):
        assert invalid("context") == refusal(await bystanders.bea.get("/unread", context=wrong))


async def test_an_id_with_a_colon_is_an_id(cast: Cast) -> None:
    ok(await cast.shop.put(f"/contexts/product/a:b:{cast.listing}", title="x", seller_id=cast.sol.id))
    opened = ok(await cast.bea.post("/conversations", context={"kind": "product", "id": f"a:b:{cast.listing}"}), 201)
    await cast.bea.say(opened["conversation"]["id"], "Hello")
    assert 1 == (await unread(cast.sol, context=f"product:a:b:{cast.listing}"))["total"]
