"""PATCH and DELETE /messages/{id}: edit and unsend."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import asyncpg
import pytest

from tests.api.answers import FORBIDDEN, NOT_FOUND, conversation_of, draft, invalid, now, ok, refusal, send, told_since
from tests.harness import Cast, Person

WINDOW_OVER = (409, "edit_window_over")


async def said(cast: Cast, body: str = "Hte table", **more: Any) -> dict[str, Any]:
    """A message of bea's."""
    return dict((await cast.bea.say(cast.conversation_id, body, **more))["message"])


async def age(database: asyncpg.Connection[Any], message: dict[str, Any], interval: str) -> None:
    await database.execute(
        f"UPDATE message SET created_at = now() - interval '{interval}' WHERE id = $1", uuid.UUID(message["id"])
    )


# --- edit ----------------------------------------------------------------------------------------------------------


async def test_an_edit_changes_the_body_for_everyone(cast: Cast) -> None:
    message = await said(cast)
    async with cast.bea.stream(await now(cast.bea)) as beas, cast.sol.stream(await now(cast.sol)) as sols:
        edited = ok(await cast.bea.patch(f"/messages/{message['id']}", body="The table"))
        heard = [(await stream.next("message.edited")).data for stream in (beas, sols)]
    assert [{"conversation_id": cast.conversation_id, "message": edited}] * 2 == heard
    assert {**message, "body": "The table", "edited_at": edited["edited_at"]} == edited
    assert edited["edited_at"] > message["created_at"]
    assert edited == ok(await cast.sol.get(f"/messages/{message['id']}"))
    assert edited == (await conversation_of(cast.sol, cast.conversation_id))["last_message"]


async def test_an_edit_moves_no_conversation_up_and_makes_nothing_unread(cast: Cast) -> None:
    message = await said(cast)
    ok(await cast.sol.put(f"/conversations/{cast.conversation_id}/receipt", read_seq=1))
    before = await conversation_of(cast.sol, cast.conversation_id)
    ok(await cast.bea.patch(f"/messages/{message['id']}", body="The table"))
    after = await conversation_of(cast.sol, cast.conversation_id)
    assert {**before, "last_message": after["last_message"]} == after


async def test_the_same_body_again_is_no_edit(cast: Cast) -> None:
    message = await said(cast)
    cursor = await now(cast.bea)
    assert message == ok(await cast.bea.patch(f"/messages/{message['id']}", body=message["body"]))
    assert [] == await told_since(cast.bea, cursor)


@pytest.mark.parametrize("body", ["", "  ", "\u200b", "a\x00b", "x" * 4_001])
async def test_an_edit_must_be_a_body_too(cast: Cast, body: str) -> None:
    message = await said(cast)
    assert invalid("body") == refusal(await cast.bea.patch(f"/messages/{message['id']}", body=body))
    assert message == ok(await cast.bea.get(f"/messages/{message['id']}"))


async def test_a_cards_remark_may_be_taken_away(cast: Cast) -> None:
    about = {"kind": "listing", "id": cast.listing}
    card = ok(await send(cast.bea, cast.conversation_id, draft("Look", kind="card", context=about)), 201)["message"]
    edited = ok(await cast.bea.patch(f"/messages/{card['id']}", body=""))
    assert ("", card["context"]) == (edited["body"], edited["context"])


@pytest.mark.parametrize("who", ["sol", "shop", "mod"])
async def test_only_its_sender_edits_a_message(cast: Cast, who: str) -> None:
    message = await said(cast)
    assert FORBIDDEN == refusal(await getattr(cast, who).patch(f"/messages/{message['id']}", body="Mine"))
    assert message == ok(await cast.bea.get(f"/messages/{message['id']}"))


async def test_a_message_can_be_edited_for_15_minutes(cast: Cast, database: asyncpg.Connection[Any]) -> None:
    message = await said(cast)
    await age(database, message, "14 minutes 50 seconds")
    ok(await cast.bea.patch(f"/messages/{message['id']}", body="The table"))
    await age(database, message, "15 minutes 1 second")
    assert WINDOW_OVER == refusal(await cast.bea.patch(f"/messages/{message['id']}", body="A table"))


async def test_what_was_unsent_is_not_edited(cast: Cast) -> None:
    message = await said(cast)
    ok(await cast.bea.delete(f"/messages/{message['id']}"))
    assert WINDOW_OVER == refusal(await cast.bea.patch(f"/messages/{message['id']}", body="Back again"))


async def test_a_line_that_says_who_came_is_not_edited_nor_unsent_by_them(cast: Cast) -> None:
    ok(
        await cast.shop.post(f"/conversations/{cast.conversation_id}/participants", user_id=cast.ada.id, role="agent"),
        201,
    )
    [notice] = ok(await cast.ada.get(f"/conversations/{cast.conversation_id}/messages"))["messages"]
    assert cast.ada.id == notice["sender_id"]
    assert FORBIDDEN == refusal(await cast.ada.patch(f"/messages/{notice['id']}", body="Ada was never here"))
    assert FORBIDDEN == refusal(await cast.ada.delete(f"/messages/{notice['id']}"))


async def test_edits_at_once_leave_one_body_that_everyone_sees(cast: Cast) -> None:
    message = await said(cast)
    async with cast.sol.stream(await now(cast.sol)) as stream:
        await asyncio.gather(*(cast.bea.patch(f"/messages/{message['id']}", body=f"{number}") for number in range(8)))
        await stream.next("message.edited", 8)
    final = ok(await cast.sol.get(f"/messages/{message['id']}"))
    assert final == stream.durable[-1].data["message"]


# --- unsend --------------------------------------------------------------------------------------------------------


async def everything(database: asyncpg.Connection[Any]) -> str:
    """All that the messages and the log say, as text."""
    rows = await database.fetch("SELECT m::text AS said FROM message m UNION ALL SELECT e::text FROM event e")
    return "\n".join(row["said"] for row in rows)


async def test_an_unsent_message_leaves_its_place_and_nothing_else(
    cast: Cast, database: asyncpg.Connection[Any]
) -> None:
    """Gone from the table, from the log and from every replay; edits and cards too."""
    mark, edit = f"secret{uuid.uuid4().hex}", f"secret{uuid.uuid4().hex}"
    about = {"kind": "listing", "id": cast.listing}
    cursor = await now(cast.sol)
    draft_ = draft(mark, kind="card", context=about)
    message = ok(await send(cast.bea, cast.conversation_id, draft_), 201)["message"]
    ok(await cast.bea.patch(f"/messages/{message['id']}", body=edit))
    edited_cursor = await now(cast.sol)
    await cast.sol.say(cast.conversation_id, "An answer", reply_to=message["id"])
    assert mark in await everything(database)
    async with cast.bea.stream(await now(cast.bea)) as beas, cast.sol.stream(await now(cast.sol)) as sols:
        unsent = ok(await cast.bea.delete(f"/messages/{message['id']}"))
        heard = [(await stream.next("message.deleted")).data for stream in (beas, sols)]
    assert [{"conversation_id": cast.conversation_id, "message": unsent}] * 2 == heard
    assert ("", None) == (unsent["body"], unsent["context"])
    kept = ("id", "conversation_id", "seq", "sender_id", "client_id", "kind", "created_at")
    assert {key: message[key] for key in kept} == {key: unsent[key] for key in kept}
    assert unsent["deleted_at"] > message["created_at"]
    said_now = await everything(database)
    assert (False, False) == (mark in said_now, edit in said_now)
    for start in (cursor, edited_cursor):
        events = await told_since(cast.sol, start)
        assert not any(word in str(events) for word in (mark, edit))
    replayed = [event["type"] for event in await told_since(cast.sol, cursor)]
    assert ["message.sent", "message.edited", "message.sent", "message.deleted"] == replayed


async def test_a_replay_of_an_unsent_message_shows_it_unsent(cast: Cast) -> None:
    """A client that missed it all must not show the body for a moment."""
    cursor = await now(cast.sol)
    message = await said(cast, "A mistake")
    unsent = ok(await cast.bea.delete(f"/messages/{message['id']}"))
    events = await told_since(cast.sol, cursor)
    assert [("message.sent", unsent), ("message.deleted", unsent)] == [
        (event["type"], event["data"]["message"]) for event in events
    ]


async def test_unsending_twice_is_harmless(cast: Cast) -> None:
    message = await said(cast)
    first = ok(await cast.bea.delete(f"/messages/{message['id']}"))
    cursor = await now(cast.bea)
    assert first == ok(await cast.bea.delete(f"/messages/{message['id']}"))
    assert [] == await told_since(cast.bea, cursor)


async def test_unsending_moves_no_conversation_up_and_leaves_the_count_of_unread(cast: Cast) -> None:
    message = await said(cast)
    before = await conversation_of(cast.sol, cast.conversation_id)
    unsent = ok(await cast.bea.delete(f"/messages/{message['id']}"))
    assert {**before, "last_message": unsent} == await conversation_of(cast.sol, cast.conversation_id)


@pytest.mark.parametrize("who", ["sol", "shop"])
async def test_only_its_sender_unsends_a_message(cast: Cast, who: str) -> None:
    message = await said(cast)
    assert FORBIDDEN == refusal(await getattr(cast, who).delete(f"/messages/{message['id']}"))
    assert message == ok(await cast.bea.get(f"/messages/{message['id']}"))


async def test_a_message_can_be_unsent_for_24_hours_and_by_a_moderator_for_ever(
    cast: Cast, database: asyncpg.Connection[Any]
) -> None:
    young, old = await said(cast, "Young"), await said(cast, "Old")
    await age(database, young, "23 hours 59 minutes")
    await age(database, old, "24 hours 1 second")
    assert "" == ok(await cast.bea.delete(f"/messages/{young['id']}"))["body"]
    assert WINDOW_OVER == refusal(await cast.bea.delete(f"/messages/{old['id']}"))
    assert "" == ok(await cast.mod.delete(f"/messages/{old['id']}"))["body"]


async def test_who_has_left_can_no_more_change_what_they_wrote(cast: Cast) -> None:
    message = await said(cast)
    assert (
        204 == (await cast.bea.delete(f"/conversations/{cast.conversation_id}/participants/{cast.bea.id}")).status_code
    )
    assert NOT_FOUND == refusal(await cast.bea.patch(f"/messages/{message['id']}", body="x"))
    assert NOT_FOUND == refusal(await cast.bea.delete(f"/messages/{message['id']}"))


async def test_the_shop_unsends_its_own_system_line(cast: Cast) -> None:
    sent = ok(await send(cast.shop, cast.conversation_id, draft("Paid", kind="system")), 201)["message"]
    assert FORBIDDEN == refusal(await cast.shop.patch(f"/messages/{sent['id']}", body="Not paid"))
    assert "" == ok(await cast.shop.delete(f"/messages/{sent['id']}"))["body"]


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_what_does_not_exist_cannot_be_changed(bystanders: Cast, method: str) -> None:
    for person in (bystanders.bea, bystanders.shop, bystanders.mod):
        answer = await person.http.request(method, f"/messages/{uuid.uuid4()}", json={"body": "x"})
        assert NOT_FOUND == refusal(answer)


async def test_editing_and_unsending_at_once_ends_unsent(cast: Cast, database: asyncpg.Connection[Any]) -> None:
    """Whichever comes first, no body is left anywhere."""
    marks = [f"secret{uuid.uuid4().hex}" for _ in range(5)]
    message = await said(cast, marks[0])
    people: list[Person] = [cast.bea] * 4
    edits = [
        person.patch(f"/messages/{message['id']}", body=mark) for person, mark in zip(people, marks[1:], strict=True)
    ]
    answers = await asyncio.gather(*edits[:2], cast.bea.delete(f"/messages/{message['id']}"), *edits[2:])
    assert {answer.status_code for answer in answers} <= {200, 409}
    text = await everything(database)
    assert [] == [mark for mark in marks if mark in text]
    assert "" == ok(await cast.sol.get(f"/messages/{message['id']}"))["body"]
