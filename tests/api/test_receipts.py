"""Receipts: how far somebody's messages were delivered to them and read by them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.api.answers import (
    NOT_FOUND,
    conversation_of,
    draft,
    invalid,
    now,
    ok,
    participant,
    refusal,
    send,
    told_since,
)
from tests.harness import Cast, Person


async def talk(cast: Cast, count: int) -> None:
    """bea says so many things."""
    for number in range(1, count + 1):
        await cast.bea.say(cast.conversation_id, f"{number}")


async def move(person: Person, conversation_id: str, **positions: Any) -> tuple[int, int]:
    """(delivered, read), as the answer has it."""
    receipt = ok(await person.put(f"/conversations/{conversation_id}/receipt", **positions))
    assert (conversation_id, person.id) == (receipt["conversation_id"], receipt["user_id"])
    return receipt["delivered_seq"], receipt["read_seq"]


async def positions_of(person: Person, conversation_id: str) -> tuple[int, int]:
    one = participant(await conversation_of(person, conversation_id), person)
    return one["delivered_seq"], one["read_seq"]


async def test_a_receipt_is_seen_by_everyone(cast: Cast) -> None:
    await talk(cast, 3)
    async with cast.bea.stream(await now(cast.bea)) as beas, cast.sol.stream(await now(cast.sol)) as sols:
        assert (3, 2) == await move(cast.sol, cast.conversation_id, delivered_seq=3, read_seq=2)
        heard = [(await stream.next("receipt.moved")).data for stream in (beas, sols)]
    moved = {"conversation_id": cast.conversation_id, "user_id": cast.sol.id, "delivered_seq": 3, "read_seq": 2}
    assert [moved] * 2 == heard
    seen = participant(await conversation_of(cast.bea, cast.conversation_id), cast.sol)
    assert (3, 2) == (seen["delivered_seq"], seen["read_seq"])


STEPS = [
    ({"read_seq": 2}, (2, 2), "what was read was delivered"),
    ({"delivered_seq": 4}, (4, 2), "delivered alone"),
    ({"delivered_seq": 1, "read_seq": 1}, (4, 2), "never backwards"),
    ({"delivered_seq": 0, "read_seq": 0}, (4, 2), "nothing moves nothing"),
    ({"delivered_seq": 3, "read_seq": 3}, (4, 3), "each for itself"),
    ({"delivered_seq": None, "read_seq": 3}, (4, 3), "null is not said"),
    ({"read_seq": 1_000}, (5, 5), "never past the last message"),
    ({"delivered_seq": 2**63 - 1}, (5, 5), "however far"),
]


async def test_receipts_only_ever_move_forward_and_never_past_the_last_message(cast: Cast) -> None:
    await talk(cast, 5)
    for positions, expected, why in STEPS:
        assert expected == await move(cast.sol, cast.conversation_id, **positions), why
        assert expected == await positions_of(cast.sol, cast.conversation_id), why


async def test_a_receipt_that_moves_nothing_is_no_news(cast: Cast) -> None:
    await talk(cast, 2)
    await move(cast.sol, cast.conversation_id, read_seq=2)
    cursor = await now(cast.bea)
    for positions in ({"read_seq": 2}, {"read_seq": 1}, {"delivered_seq": 2}, {"read_seq": 99}):
        assert (2, 2) == await move(cast.sol, cast.conversation_id, **positions)
    assert [] == await told_since(cast.bea, cursor)


async def test_a_receipt_where_nothing_was_said_yet_is_at_nothing(cast: Cast) -> None:
    assert (0, 0) == await move(cast.sol, cast.conversation_id, read_seq=5)


async def test_many_receipts_at_once_end_at_the_highest(cast: Cast) -> None:
    await talk(cast, 20)
    cursor = await now(cast.bea)
    moving = [move(cast.sol, cast.conversation_id, read_seq=number) for number in range(1, 21)]
    await asyncio.gather(*moving)
    assert (20, 20) == await positions_of(cast.sol, cast.conversation_id)
    told = [event["data"]["read_seq"] for event in await told_since(cast.bea, cursor)]
    assert sorted(set(told)) == told, "each one a step forward"
    assert 20 == told[-1]


async def test_a_receipt_makes_what_was_unread_read(cast: Cast) -> None:
    await talk(cast, 3)
    assert 3 == (await conversation_of(cast.sol, cast.conversation_id))["unread_count"]
    await move(cast.sol, cast.conversation_id, delivered_seq=3)
    assert 3 == (await conversation_of(cast.sol, cast.conversation_id))["unread_count"], "delivered is not read"
    await move(cast.sol, cast.conversation_id, read_seq=2)
    assert 1 == (await conversation_of(cast.sol, cast.conversation_id))["unread_count"]


@pytest.mark.parametrize("who", ["shop", "mod"])
async def test_who_looks_on_has_no_receipt(bystanders: Cast, who: str) -> None:
    answer = await getattr(bystanders, who).put(f"/conversations/{bystanders.conversation_id}/receipt", read_seq=1)
    assert NOT_FOUND == refusal(answer)


@pytest.mark.parametrize("said", [{}, {"read_seq": None}, {"delivered_seq": None, "read_seq": None}])
async def test_a_receipt_says_something(bystanders: Cast, said: dict[str, None]) -> None:
    answer = await bystanders.bea.put(f"/conversations/{bystanders.conversation_id}/receipt", **said)
    assert invalid("read_seq") == refusal(answer)


# --- much at once --------------------------------------------------------------------------------------------------


async def with_ada(cast: Cast) -> str:
    opened = ok(await cast.sol.post("/conversations", participants=[{"user_id": cast.ada.id}]), 201)
    return str(opened["conversation"]["id"])


async def test_everything_up_to_a_cursor_is_read_and_what_came_later_is_not(cast: Cast) -> None:
    """sol presses "mark all as read" while bea is writing."""
    other = await with_ada(cast)
    await talk(cast, 2)
    await cast.ada.say(other, "From ada")
    cursor = await now(cast.sol)
    await cast.bea.say(cast.conversation_id, "Came later")
    answer = ok(await cast.sol.put("/receipts", cursor=cursor))
    moved = {receipt["conversation_id"]: receipt["read_seq"] for receipt in answer["receipts"]}
    assert {cast.conversation_id: 2, other: 1} == moved
    unread = ok(await cast.sol.get("/unread"))
    assert [(cast.conversation_id, 1)] == [
        (one["conversation_id"], one["unread_count"]) for one in unread["conversations"]
    ]
    assert answer["cursor"]


async def test_everyone_hears_of_each_receipt_that_moved(cast: Cast) -> None:
    await talk(cast, 2)
    cursor = await now(cast.sol)
    ok(await cast.sol.put("/receipts", cursor=cursor))
    [event] = await told_since(cast.bea, cursor)
    assert ("receipt.moved", cast.sol.id, 2) == (event["type"], event["data"]["user_id"], event["data"]["read_seq"])


async def test_the_cursor_of_a_sent_message_reads_up_to_it(cast: Cast) -> None:
    cursors = [(await cast.bea.say(cast.conversation_id, f"{number}"))["cursor"] for number in range(3)]
    ok(await cast.sol.put("/receipts", cursor=cursors[1]))
    assert (2, 2) == await positions_of(cast.sol, cast.conversation_id)


async def test_an_order_is_marked_read_and_nothing_else(cast: Cast) -> None:
    about = {"kind": "order", "id": cast.listing}
    ok(await cast.shop.put(f"/contexts/order/{cast.listing}", title="Order", seller_id=cast.sol.id))
    people = [{"user_id": cast.bea.id, "role": "buyer"}, {"user_id": cast.sol.id, "role": "seller"}]
    opened = ok(await cast.shop.post("/conversations", context=about, participants=people), 201)
    order = opened["conversation"]["id"]
    await talk(cast, 2)
    await cast.bea.say(order, "Where is it?")
    assert 1 == ok(await cast.sol.get("/unread", context=f"order:{cast.listing}"))["total"]
    answer = ok(await cast.sol.put("/receipts", context=f"order:{cast.listing}"))
    assert [order] == [receipt["conversation_id"] for receipt in answer["receipts"]]
    assert 0 == ok(await cast.sol.get("/unread", context=f"order:{cast.listing}"))["total"]
    assert 2 == ok(await cast.sol.get("/unread"))["total"]


async def test_a_cursor_and_an_item_together_are_both_meant(cast: Cast) -> None:
    other = await with_ada(cast)
    await cast.ada.say(other, "From ada")
    cursor = (await cast.bea.say(cast.conversation_id, "1"))["cursor"]
    await cast.bea.say(cast.conversation_id, "2")
    answer = ok(await cast.sol.put("/receipts", cursor=cursor, context=f"listing:{cast.listing}"))
    assert [(cast.conversation_id, 1)] == [(one["conversation_id"], one["read_seq"]) for one in answer["receipts"]]


async def test_nothing_unread_is_nothing_moved(cast: Cast) -> None:
    cursor = await now(cast.sol)
    assert [] == ok(await cast.sol.put("/receipts", cursor=cursor))["receipts"]
    assert [] == ok(await cast.sol.put("/receipts", context="listing:nowhere"))["receipts"]
    assert [] == await told_since(cast.sol, cursor)


async def test_an_old_cursor_takes_nothing_back(cast: Cast) -> None:
    cursor = await now(cast.sol)
    await talk(cast, 2)
    await move(cast.sol, cast.conversation_id, read_seq=2)
    assert [] == ok(await cast.sol.put("/receipts", cursor=cursor))["receipts"]
    assert (2, 2) == await positions_of(cast.sol, cast.conversation_id)


async def test_a_cursor_of_another_log_is_refused(bystanders: Cast) -> None:
    for cursor in ("zzzzzzzz-5", "nonsense", "", f"{(await now(bystanders.bea)).split('-')[0]}-x"):
        assert invalid("cursor") == refusal(await bystanders.bea.put("/receipts", cursor=cursor))


async def test_a_line_that_nobody_typed_is_read_like_any_other(cast: Cast) -> None:
    ok(
        await cast.shop.post(f"/conversations/{cast.conversation_id}/participants", user_id=cast.ada.id, role="agent"),
        201,
    )
    cursor = await now(cast.sol)
    assert [1] == [receipt["read_seq"] for receipt in ok(await cast.sol.put("/receipts", cursor=cursor))["receipts"]]


async def test_receipts_go_on_in_a_closed_conversation_and_in_an_archived_one(cast: Cast) -> None:
    await talk(cast, 2)
    path = f"/conversations/{cast.conversation_id}"
    ok(await cast.sol.patch(path, is_archived=True, is_muted=True))
    ok(await cast.sol.patch(path, state="closed"))
    assert (2, 2) == await move(cast.sol, cast.conversation_id, read_seq=2)


async def test_sending_at_once_with_receipts_ends_with_everything_read(cast: Cast) -> None:
    await talk(cast, 5)
    said = [send(cast.sol, cast.conversation_id, draft("Hi")) for _ in range(5)]
    await asyncio.gather(*said, *(move(cast.sol, cast.conversation_id, read_seq=5) for _ in range(5)))
    assert (10, 10) == await positions_of(cast.sol, cast.conversation_id)
