"""POST /conversations: open a conversation, or get the one that exists."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.api.answers import (
    FORBIDDEN,
    NOT_FOUND,
    conversation_of,
    draft,
    ids,
    invalid,
    now,
    ok,
    participant,
    refusal,
    told_since,
)
from tests.api.conftest import CastAt, NewPerson
from tests.conftest import NewServer
from tests.harness import Cast, Person


def roles(opened: dict[str, Any]) -> dict[str, str]:
    return {one["user"]["id"]: one["role"] for one in opened["conversation"]["participants"]}


async def item(cast: Cast, kind: str, owner: Person | None) -> dict[str, str]:
    """A new item of somebody's."""
    id_ = f"{kind}-{cast.listing}"
    ok(await cast.shop.put(f"/contexts/{kind}/{id_}", title=kind, seller_id=owner.id if owner else None))
    return {"kind": kind, "id": id_}


async def conversations_of(person: Person) -> list[dict[str, Any]]:
    return list(ok(await person.get("/conversations", limit=100))["conversations"])


# --- what it may be about ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "opener", "owner"),
    [
        ("listing", "buyer", "seller"),
        ("product", "buyer", "seller"),
        ("service", "buyer", "seller"),
        ("request", "seller", "buyer"),
    ],
)
async def test_whoever_asks_about_an_item_is_with_its_owner(cast: Cast, kind: str, opener: str, owner: str) -> None:
    """The roles turn with a request: its owner is the one who buys."""
    about = await item(cast, kind, cast.sol)
    opened = ok(await cast.bea.post("/conversations", context=about), 201)
    assert {cast.bea.id: opener, cast.sol.id: owner} == roles(opened)
    assert (kind, about["id"]) == (opened["conversation"]["context"]["kind"], opened["conversation"]["context"]["id"])
    assert opened["message"] is None


@pytest.mark.parametrize(("kind", "opener", "owner"), [("listing", "seller", "buyer"), ("request", "buyer", "seller")])
async def test_an_owner_writes_first_and_the_roles_are_the_same(cast: Cast, kind: str, opener: str, owner: str) -> None:
    about = await item(cast, kind, cast.sol)
    opened = ok(await cast.sol.post("/conversations", context=about, participants=[{"user_id": cast.bea.id}]), 201)
    assert {cast.sol.id: opener, cast.bea.id: owner} == roles(opened)
    again = ok(await cast.bea.post("/conversations", context=about))
    assert opened["conversation"]["id"] == again["conversation"]["id"]


async def test_one_person_may_buy_and_sell(cast: Cast) -> None:
    about = await item(cast, "listing", cast.bea)
    opened = ok(await cast.sol.post("/conversations", context=about), 201)
    assert {cast.sol.id: "buyer", cast.bea.id: "seller"} == roles(opened)
    asked = participant(await conversation_of(cast.bea, cast.conversation_id), cast.bea)
    assert "buyer" == asked["role"]


async def test_without_an_item_one_writes_to_a_person(cast: Cast) -> None:
    opened = ok(await cast.bea.post("/conversations", participants=[{"user_id": cast.ada.id, "role": "agent"}]), 201)
    assert {cast.bea.id: "buyer", cast.ada.id: "agent"} == roles(opened)
    assert opened["conversation"]["context"] is None


async def test_without_an_item_two_people_have_one_conversation_whoever_begins(cast: Cast) -> None:
    first = ok(await cast.bea.post("/conversations", participants=[{"user_id": cast.sol.id}]), 201)
    again = ok(await cast.sol.post("/conversations", participants=[{"user_id": cast.bea.id}]))
    assert first["conversation"]["id"] == again["conversation"]["id"] != cast.conversation_id
    assert {cast.bea.id: "buyer", cast.sol.id: "seller"} == roles(again)


async def test_a_conversation_is_about_its_own_item_alone(cast: Cast) -> None:
    opened = [
        ok(await cast.bea.post("/conversations", context=await item(cast, kind, cast.sol)), 201)
        for kind in ("product", "service")
    ]
    assert 3 == len({cast.conversation_id, *(one["conversation"]["id"] for one in opened)})


def opening(kind: str = "", item_name: str = "", *people: str) -> dict[str, Any]:
    """An opening about an item, with these people; ids are written as names in braces."""
    context = {"context": {"kind": kind, "id": f"{{{item_name}}}"}} if kind else {}
    return context | ({"participants": [{"user_id": f"{{{name}}}"} for name in people]} if people else {})


REFUSED: dict[str, tuple[dict[str, Any], Any]] = {
    "nothing at all": (opening(), invalid("participants")),
    "oneself": (opening("", "", "bea"), invalid("participants")),
    "one's own item": (opening("listing", "own"), invalid("participants")),
    "an item without an owner": (opening("product", "ownerless"), invalid("participants")),
    "an item that does not exist": (opening("listing", "nowhere"), NOT_FOUND),
    "a person who does not exist": (opening("", "", "nowhere"), NOT_FOUND),
    "two people": (opening("", "", "sol", "ada"), FORBIDDEN),
    "two people about an item": (opening("listing", "listing", "sol", "ada"), FORBIDDEN),
    "somebody else's item with a third": (opening("listing", "listing", "ada"), FORBIDDEN),
    "the same person twice": (opening("", "", "sol", "sol"), invalid("participants")),
    "an order": (opening("order", "order"), NOT_FOUND),
    "an order and its seller": (opening("order", "order", "sol"), NOT_FOUND),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_nobody_opens_what_is_not_theirs_to_open(cast: Cast, what: str) -> None:
    said, answer = REFUSED[what]
    own, order = await item(cast, "listing", cast.bea), await item(cast, "order", cast.sol)
    ownerless = await item(cast, "product", None)
    names = {"bea": cast.bea.id, "sol": cast.sol.id, "ada": cast.ada.id, "listing": cast.listing, "nowhere": "x-x"}
    names |= {"own": own["id"], "order": order["id"], "ownerless": ownerless["id"]}
    text = json.dumps(said)
    for name, id_ in names.items():
        text = text.replace(f"{{{name}}}", id_)
    assert answer == refusal(await cast.bea.http.post("/conversations", content=text))
    assert [cast.conversation_id] == ids(await conversations_of(cast.bea))


async def test_a_moderator_opens_as_anybody_does(cast: Cast) -> None:
    several = [{"user_id": cast.sol.id}, {"user_id": cast.bea.id}]
    assert FORBIDDEN == refusal(await cast.mod.post("/conversations", participants=several))
    about = {"kind": "listing", "id": cast.listing}
    assert {cast.mod.id: "buyer", cast.sol.id: "seller"} == roles(
        ok(await cast.mod.post("/conversations", context=about), 201)
    )


# --- orders --------------------------------------------------------------------------------------------------------


async def open_order(cast: Cast, *people: tuple[Person, str]) -> dict[str, Any]:
    about = await item(cast, "order", cast.sol)
    named = [{"user_id": person.id, "role": role} for person, role in people]
    return dict((await cast.shop.post("/conversations", context=about, participants=named)).json())


async def test_an_orders_conversation_has_exactly_the_people_whom_the_shop_names(cast: Cast) -> None:
    opened = await open_order(cast, (cast.bea, "buyer"), (cast.ada, "agent"))
    assert {cast.bea.id: "buyer", cast.ada.id: "agent"} == roles(opened), "the shop itself is not in it, nor the seller"
    for person, status in ((cast.bea, 200), (cast.ada, 200), (cast.sol, 404), (cast.eve, 404)):
        assert status == (await person.get(f"/conversations/{opened['conversation']['id']}")).status_code


async def test_an_order_has_one_conversation_and_people_named_later_join_it(cast: Cast) -> None:
    first = await open_order(cast, (cast.bea, "buyer"))
    again = await open_order(cast, (cast.bea, "buyer"), (cast.sol, "seller"))
    assert first["conversation"]["id"] == again["conversation"]["id"]
    assert {cast.bea.id: "buyer", cast.sol.id: "seller"} == roles(again)
    less = await open_order(cast, (cast.ada, "agent"))
    assert {cast.bea.id, cast.sol.id, cast.ada.id} == set(roles(less))


async def test_an_orders_people_get_its_conversation_and_nobody_else_does(cast: Cast) -> None:
    opened = await open_order(cast, (cast.bea, "buyer"), (cast.sol, "seller"))
    about = {"kind": "order", "id": opened["conversation"]["context"]["id"]}
    for person in (cast.bea, cast.sol):
        got = ok(await person.post("/conversations", context=about))
        assert opened["conversation"]["id"] == got["conversation"]["id"]
    for person in (cast.eve, cast.ada, cast.mod):
        assert NOT_FOUND == refusal(await person.post("/conversations", context=about))


async def test_who_left_an_orders_conversation_and_opens_it_again_is_back_in_it(cast: Cast) -> None:
    opened = await open_order(cast, (cast.bea, "buyer"), (cast.sol, "seller"))
    about, id_ = opened["conversation"]["context"], opened["conversation"]["id"]
    assert 204 == (await cast.bea.delete(f"/conversations/{id_}/participants/{cast.bea.id}")).status_code
    back = ok(await cast.bea.post("/conversations", context={"kind": "order", "id": about["id"]}))["conversation"]
    seen = participant(back, cast.bea)
    assert (id_, "buyer", None) == (back["id"], seen["role"], seen["left_at"])


async def test_who_was_taken_out_of_an_orders_conversation_does_not_come_back_by_opening_it(cast: Cast) -> None:
    opened = await open_order(cast, (cast.bea, "buyer"), (cast.sol, "seller"))
    about, id_ = opened["conversation"]["context"], opened["conversation"]["id"]
    assert 204 == (await cast.shop.delete(f"/conversations/{id_}/participants/{cast.bea.id}")).status_code
    again = await cast.bea.post("/conversations", context={"kind": "order", "id": about["id"]})
    assert (403, "forbidden") == refusal(again)[:2]


async def test_an_orders_people_say_something_as_they_open_it(cast: Cast) -> None:
    opened = await open_order(cast, (cast.bea, "buyer"), (cast.sol, "seller"))
    about = {"kind": "order", "id": opened["conversation"]["context"]["id"]}
    said = ok(await cast.bea.post("/conversations", context=about, message=draft("Where is it?")))
    assert ("Where is it?", 1) == (said["message"]["body"], said["conversation"]["last_seq"])


# --- the shop's back end -------------------------------------------------------------------------------------------


async def test_the_shop_opens_for_several_and_for_people_who_were_never_here(cast: Cast) -> None:
    newcomer = f"newcomer-{cast.listing}"
    people = [
        {"user_id": cast.bea.id, "role": "buyer"},
        {"user_id": newcomer, "role": "seller"},
        {"user_id": cast.ada.id, "role": "agent"},
    ]
    opened = ok(await cast.shop.post("/conversations", participants=people, subject="Return of a table"), 201)
    assert {cast.bea.id: "buyer", newcomer: "seller", cast.ada.id: "agent"} == roles(opened)
    assert "Return of a table" == opened["conversation"]["subject"]


async def test_the_shop_says_the_first_thing_without_being_in_it(cast: Cast) -> None:
    people = [{"user_id": cast.bea.id, "role": "buyer"}, {"user_id": cast.sol.id, "role": "seller"}]
    opened = ok(await cast.shop.post("/conversations", participants=people, message=draft("Paid", kind="system")), 201)
    assert ("Paid", cast.shop.id) == (opened["message"]["body"], opened["message"]["sender_id"])
    assert {cast.bea.id, cast.sol.id} == set(roles(opened))
    assert 1 == (await conversation_of(cast.bea, opened["conversation"]["id"]))["unread_count"]


async def test_the_shop_names_everyone_or_nobody(cast: Cast) -> None:
    assert invalid("participants") == refusal(
        await cast.shop.post("/conversations", context={"kind": "listing", "id": cast.listing})
    )


async def test_a_hundred_people_may_talk_and_not_one_more(cast: Cast) -> None:
    people = [{"user_id": f"p{number}-{cast.listing}", "role": "agent"} for number in range(100)]
    opened = ok(await cast.shop.post("/conversations", participants=people), 201)
    path = f"/conversations/{opened['conversation']['id']}/participants"
    assert invalid("participants") == refusal(await cast.shop.post(path, user_id=cast.bea.id, role="agent"))


# --- the same again ------------------------------------------------------------------------------------------------


async def test_the_same_opening_finds_the_same_conversation(cast: Cast) -> None:
    about = {"kind": "listing", "id": cast.listing}
    again = ok(await cast.bea.post("/conversations", context=about, subject="Another subject"))
    assert cast.conversation_id == again["conversation"]["id"]
    assert "" == again["conversation"]["subject"], "the subject stays as it was"
    named = ok(await cast.bea.post("/conversations", context=about, participants=[{"user_id": cast.sol.id}]))
    assert cast.conversation_id == named["conversation"]["id"]


async def test_many_openings_at_once_open_one_conversation(cast: Cast) -> None:
    """By both sides, and each of them is answered; whoever comes second finds it."""
    about = await item(cast, "product", cast.sol)
    opening = [cast.bea.post("/conversations", context=about) for _ in range(8)]
    opening += [
        cast.sol.post("/conversations", context=about, participants=[{"user_id": cast.bea.id}]) for _ in range(8)
    ]
    answers = await asyncio.gather(*opening)
    assert [200] * 15 + [201] == sorted(answer.status_code for answer in answers)
    assert 1 == len({answer.json()["conversation"]["id"] for answer in answers})
    assert 2 == len(await conversations_of(cast.bea))


async def test_openings_at_once_tell_it_once(cast: Cast) -> None:
    about = await item(cast, "product", cast.sol)
    cursor = await now(cast.sol)
    await asyncio.gather(*(cast.bea.post("/conversations", context=about) for _ in range(5)))
    assert ["conversation.opened"] == [event["type"] for event in await told_since(cast.sol, cursor)]


async def test_the_answer_has_the_cursor_of_its_moment(cast: Cast) -> None:
    opened = ok(await cast.bea.post("/conversations", context=await item(cast, "product", cast.sol)), 201)
    assert [] == await told_since(cast.bea, opened["cursor"])
    await cast.sol.say(opened["conversation"]["id"], "Hello")
    assert ["message.sent"] == [event["type"] for event in await told_since(cast.bea, opened["cursor"])]


async def test_the_other_side_hears_of_it_with_all_it_needs_to_show_it(cast: Cast) -> None:
    about = await item(cast, "product", cast.sol)
    async with cast.sol.stream(await now(cast.sol)) as stream:
        opened = ok(await cast.bea.post("/conversations", context=about, subject="Two of them"), 201)
        heard = (await stream.next("conversation.opened")).data
    assert opened["conversation"]["id"] == heard["conversation_id"]
    seen = await conversation_of(cast.sol, opened["conversation"]["id"])
    assert seen == heard["conversation"]


async def test_somebody_who_left_and_opens_it_again_is_back_in_it(cast: Cast) -> None:
    path = f"/conversations/{cast.conversation_id}"
    await cast.sol.say(cast.conversation_id, "Are you there?")
    assert 204 == (await cast.bea.delete(f"{path}/participants/{cast.bea.id}")).status_code
    assert [] == await conversations_of(cast.bea)
    back = ok(await cast.bea.post("/conversations", context={"kind": "listing", "id": cast.listing}))
    assert cast.conversation_id == back["conversation"]["id"]
    assert participant(back["conversation"], cast.bea)["left_at"] is None
    assert 0 == back["conversation"]["unread_count"]
    await cast.bea.say(cast.conversation_id, "Here I am")


async def test_opening_an_archived_conversation_does_not_take_it_out_of_the_archive(cast: Cast) -> None:
    ok(await cast.bea.patch(f"/conversations/{cast.conversation_id}", is_archived=True))
    opened = ok(await cast.bea.post("/conversations", context={"kind": "listing", "id": cast.listing}))
    assert opened["conversation"]["is_archived"]


async def test_a_closed_conversation_is_found_closed(cast: Cast) -> None:
    ok(await cast.sol.patch(f"/conversations/{cast.conversation_id}", state="closed"))
    about = {"kind": "listing", "id": cast.listing}
    assert "closed" == ok(await cast.bea.post("/conversations", context=about))["conversation"]["state"]
    assert (409, "conversation_closed") == refusal(
        await cast.bea.post("/conversations", context=about, message=draft())
    )


# --- with a first message ------------------------------------------------------------------------------------------


async def test_a_first_message_is_sent_with_the_opening(cast: Cast) -> None:
    about = await item(cast, "product", cast.sol)
    async with cast.sol.stream(await now(cast.sol)) as stream:
        opened = ok(await cast.bea.post("/conversations", context=about, message=draft("Still there?")), 201)
        heard = await stream.next("message.sent")
    assert opened["message"] == heard.data["message"] == opened["conversation"]["last_message"]
    assert ["conversation.opened", "message.sent"] == [event.type for event in stream.durable]
    assert (1, 0) == (opened["conversation"]["last_seq"], opened["conversation"]["unread_count"])
    assert opened["cursor"] == heard.id


async def test_a_message_with_an_opening_that_finds_it_is_sent_there(cast: Cast) -> None:
    about = {"kind": "listing", "id": cast.listing}
    opened = ok(await cast.bea.post("/conversations", context=about, message=draft("And the chairs?")))
    assert (cast.conversation_id, "And the chairs?") == (
        opened["message"]["conversation_id"],
        opened["message"]["body"],
    )


async def test_an_opening_repeated_after_a_lost_answer_says_nothing_twice(cast: Cast) -> None:
    """And answers with its own message, whatever has been said since."""
    about, said = await item(cast, "product", cast.sol), draft("Still there?")
    first = ok(await cast.bea.post("/conversations", context=about, message=said), 201)
    await cast.sol.say(first["conversation"]["id"], "Yes")
    again = ok(await cast.bea.post("/conversations", context=about, message=said))
    assert first["message"] == again["message"]
    assert 2 == again["conversation"]["last_seq"]


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ({"body": "  "}, invalid("body")),
        ({"body": "a\x07b"}, invalid("body")),
        ({"body": "", "kind": "card"}, invalid("context")),
        ({"body": "Paid", "kind": "system"}, FORBIDDEN),
        ({"body": "", "kind": "card", "context": {"kind": "listing", "id": "nowhere"}}, NOT_FOUND),
        ({"body": "Re", "reply_to": "0192f0c1-2b7e-4c55-9a4e-6f1d2c3b4a59"}, invalid("reply_to")),
    ],
    ids=["blank", "control", "card of nothing", "system", "card of nowhere", "reply to nothing"],
)
async def test_a_message_that_is_refused_opens_nothing(cast: Cast, said: Any, answer: Any) -> None:
    about = await item(cast, "product", cast.sol)
    cursor = await now(cast.sol)
    assert answer == refusal(await cast.bea.post("/conversations", context=about, message=draft(**said)))
    assert [cast.conversation_id] == ids(await conversations_of(cast.bea))
    assert [] == await told_since(cast.sol, cursor)


# --- how often -----------------------------------------------------------------------------------------------------


async def test_opening_has_a_limit_for_people_and_finding_has_none(
    new_server: NewServer, cast_at: CastAt, new_person: NewPerson
) -> None:
    """bea has opened one conversation already. The shop has no limit."""
    server = await new_server(OPEN_LIMIT="3/3600", DRAIN_SECONDS="0")
    cast = await cast_at(server)
    others = [new_person(f"o{number}", url=server.url) for number in range(4)]
    for other in others:
        ok(await other.get("/me"))
    answers = [await cast.bea.post("/conversations", participants=[{"user_id": other.id}]) for other in others]
    assert [201, 201, 429, 429] == [answer.status_code for answer in answers]
    assert (429, "rate_limited") == refusal(answers[-1])
    assert int(answers[-1].headers["retry-after"]) <= 1200
    ok(await cast.bea.post("/conversations", participants=[{"user_id": others[0].id}]))
    ok(await cast.bea.post("/conversations", context={"kind": "listing", "id": cast.listing}))
    ok(await cast.sol.post("/conversations", participants=[{"user_id": others[0].id}]), 201)
    for other in others:
        named = [{"user_id": other.id, "role": "buyer"}, {"user_id": cast.sol.id, "role": "seller"}]
        ok(
            await cast.shop.post("/conversations", participants=named, subject="x"),
            201 if other is not others[0] else 200,
        )
