"""/conversations/{id}/participants: join and leave, seen by everyone."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import pytest

from tests.api.answers import (
    FORBIDDEN,
    NOT_FOUND,
    bodies,
    conversation_of,
    draft,
    ids,
    now,
    ok,
    participant,
    refusal,
    send,
    told_since,
)
from tests.api.conftest import NewPerson
from tests.harness import Cast, Person


def people(cast: Cast) -> str:
    return f"/conversations/{cast.conversation_id}/participants"


async def let_ada_in(cast: Cast) -> dict[str, object]:
    return dict(ok(await cast.shop.post(people(cast), user_id=cast.ada.id, role="agent"), 201))


async def inside(cast: Cast) -> set[str]:
    seen = await conversation_of(cast.shop, cast.conversation_id)
    return {one["user"]["id"] for one in seen["participants"] if one["left_at"] is None}


async def test_everyone_sees_who_joins(cast: Cast) -> None:
    await cast.bea.say(cast.conversation_id, "Before ada came")
    async with cast.bea.stream(await now(cast.bea)) as beas, cast.ada.stream(await now(cast.ada)) as adas:
        view = await let_ada_in(cast)
        joined = (await beas.next("participant.joined")).data
        opened = (await adas.next("conversation.opened")).data
        notices = [(await stream.next("message.sent")).data["message"] for stream in (beas, adas)]
    newcomer = {"user": {"id": cast.ada.id, "name": "Ada", "avatar_url": None}, "role": "agent", "left_at": None}
    assert newcomer == {key: joined["participant"][key] for key in newcomer}
    assert (
        cast.conversation_id == joined["conversation_id"] == opened["conversation_id"] == opened["conversation"]["id"]
    )
    assert ["participant.joined", "message.sent"] == [event.type for event in beas.durable]
    assert ["conversation.opened", "message.sent"] == [event.type for event in adas.durable]
    assert ("system", "Ada joined", cast.ada.id, 2) == tuple(
        notices[0][key] for key in ("kind", "body", "sender_id", "seq")
    )
    assert notices[0] == notices[1]
    assert view == await conversation_of(cast.shop, cast.conversation_id)


async def test_what_was_said_before_can_be_read_but_is_not_unread(cast: Cast) -> None:
    for number in range(3):
        await cast.bea.say(cast.conversation_id, f"{number}")
    await let_ada_in(cast)
    assert 0 == (await conversation_of(cast.ada, cast.conversation_id))["unread_count"]
    history = ok(await cast.ada.get(f"/conversations/{cast.conversation_id}/messages"))["messages"]
    assert ["0", "1", "2", "Ada joined"] == bodies(history)
    await cast.bea.say(cast.conversation_id, "Welcome")
    assert 1 == (await conversation_of(cast.ada, cast.conversation_id))["unread_count"]


async def test_a_notice_is_unread_for_the_others_and_read_by_whom_it_is_about(cast: Cast) -> None:
    await let_ada_in(cast)
    unread = [
        (await conversation_of(person, cast.conversation_id))["unread_count"]
        for person in (cast.bea, cast.sol, cast.ada)
    ]
    assert [1, 1, 0] == unread


async def test_everyone_sees_who_leaves_and_what_they_wrote_stays(cast: Cast) -> None:
    await let_ada_in(cast)
    await cast.ada.say(cast.conversation_id, "I was here")
    async with cast.bea.stream(await now(cast.bea)) as beas, cast.ada.stream(await now(cast.ada)) as adas:
        answer = await cast.ada.delete(f"{people(cast)}/{cast.ada.id}")
        left = (await beas.next("participant.left")).data
        notice = (await beas.next("message.sent")).data["message"]
        assert left == (await adas.next("participant.left")).data
    assert (204, "") == (answer.status_code, answer.text)
    assert (cast.conversation_id, cast.ada.id) == (left["conversation_id"], left["user_id"])
    assert "Ada left" == notice["body"]
    seen = participant(await conversation_of(cast.bea, cast.conversation_id), cast.ada)
    assert left["left_at"] == seen["left_at"]
    history = ok(await cast.bea.get(f"/conversations/{cast.conversation_id}/messages"))["messages"]
    assert ["Ada joined", "I was here", "Ada left"] == bodies(history)
    assert ["participant.left"] == [event.type for event in adas.durable], "not even the notice of it"


async def test_who_comes_back_begins_at_the_present(cast: Cast) -> None:
    await let_ada_in(cast)
    ok(await cast.ada.patch(f"/conversations/{cast.conversation_id}", is_muted=True, is_archived=True))
    assert 204 == (await cast.ada.delete(f"{people(cast)}/{cast.ada.id}")).status_code
    await cast.bea.say(cast.conversation_id, "While she was away")
    ok(await cast.shop.post(people(cast), user_id=cast.ada.id, role="seller"), 201)
    seen = await conversation_of(cast.ada, cast.conversation_id)
    assert (0, False, False) == (seen["unread_count"], seen["is_muted"], seen["is_archived"])
    assert ("seller", None) == (participant(seen, cast.ada)["role"], participant(seen, cast.ada)["left_at"])
    assert 3 == len(seen["participants"])


async def test_who_comes_back_by_themselves_is_what_they_were(cast: Cast) -> None:
    """Of a conversation about nothing, the one who opens it is the buyer; sol sold."""
    opened = ok(await cast.bea.post("/conversations", participants=[{"user_id": cast.sol.id}]), 201)
    path = f"/conversations/{opened['conversation']['id']}/participants"
    assert 204 == (await cast.sol.delete(f"{path}/{cast.sol.id}")).status_code
    cursor = await now(cast.bea)
    again = ok(await cast.sol.post("/conversations", participants=[{"user_id": cast.bea.id, "role": "agent"}]))
    assert ["buyer", "seller"] == [participant(again["conversation"], one)["role"] for one in (cast.bea, cast.sol)]
    assert "seller" == (await told_since(cast.bea, cursor))[0]["data"]["participant"]["role"]
    assert opened["conversation"]["id"] in ids(
        ok(await cast.sol.get("/conversations", **{"as": "seller"}))["conversations"]
    )


@pytest.mark.parametrize(("said", "role"), [({}, "buyer"), ({"role": "agent"}, "agent")], ids=["unnamed", "named"])
async def test_whom_the_shop_brings_back_is_what_they_were_unless_it_says_so(
    cast: Cast, said: dict[str, str], role: str
) -> None:
    named = [{"user_id": cast.eve.id, "role": "seller"}, {"user_id": cast.ada.id, "role": "buyer"}]
    opened = ok(await cast.shop.post("/conversations", participants=named), 201)["conversation"]
    for person in (cast.eve, cast.ada):
        assert 204 == (await person.delete(f"/conversations/{opened['id']}/participants/{person.id}")).status_code
    named = [{"user_id": cast.eve.id}, {"user_id": cast.ada.id, **said}]
    again = ok(await cast.shop.post("/conversations", participants=named))["conversation"]
    assert ["seller", role] == [participant(again, person)["role"] for person in (cast.eve, cast.ada)]


async def test_who_is_in_it_already_is_not_let_in_again(cast: Cast) -> None:
    await let_ada_in(cast)
    cursor = await now(cast.bea)
    again = ok(await cast.shop.post(people(cast), user_id=cast.ada.id, role="buyer"))
    assert "agent" == participant(again, cast.ada)["role"]
    assert [] == await told_since(cast.bea, cursor)


async def test_many_at_once_let_somebody_in_once(cast: Cast) -> None:
    cursor = await now(cast.bea)
    joining = [cast.shop.post(people(cast), user_id=cast.ada.id, role="agent") for _ in range(6)]
    answers = await asyncio.gather(*joining)
    assert [200] * 5 + [201] == sorted(answer.status_code for answer in answers)
    kinds = [event["type"] for event in await told_since(cast.bea, cursor)]
    assert ["participant.joined", "message.sent"] == kinds


# --- who may -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["shop", "mod", "ada"])
async def test_the_shop_a_moderator_and_an_agent_bring_people_in_and_take_them_out(cast: Cast, who: str) -> None:
    if who == "ada":
        await let_ada_in(cast)
    person: Person = getattr(cast, who)
    ok(await person.post(people(cast), user_id=cast.eve.id, role="agent"), 201)
    assert cast.eve.id in await inside(cast)
    assert 204 == (await person.delete(f"{people(cast)}/{cast.eve.id}")).status_code
    assert cast.eve.id not in await inside(cast)


@pytest.mark.parametrize("who", ["bea", "sol"])
async def test_a_buyer_or_a_seller_brings_nobody_in_and_takes_nobody_out(cast: Cast, who: str) -> None:
    person: Person = getattr(cast, who)
    other = cast.sol if who == "bea" else cast.bea
    assert FORBIDDEN == refusal(await person.post(people(cast), user_id=cast.eve.id, role="agent"))
    assert FORBIDDEN == refusal(await person.delete(f"{people(cast)}/{other.id}"))
    assert {cast.bea.id, cast.sol.id} == await inside(cast)


async def test_whom_somebody_just_calls_an_agent_brings_nobody_in_and_takes_nobody_out(cast: Cast) -> None:
    """Else two people could fill the conversations of strangers with support that is none."""
    opened = ok(await cast.bea.post("/conversations", participants=[{"user_id": cast.eve.id, "role": "agent"}]), 201)
    path = f"/conversations/{opened['conversation']['id']}/participants"
    assert FORBIDDEN == refusal(await cast.eve.post(path, user_id=cast.sol.id, role="buyer"))
    assert FORBIDDEN == refusal(await cast.eve.delete(f"{path}/{cast.bea.id}"))
    assert 204 == (await cast.eve.delete(f"{path}/{cast.eve.id}")).status_code
    ok(await cast.bea.post("/conversations", participants=[{"user_id": cast.eve.id, "role": "agent"}]))
    ok(await cast.eve.post("/conversations", participants=[{"user_id": cast.bea.id, "role": "buyer"}]))
    assert FORBIDDEN == refusal(await cast.eve.post(path, user_id=cast.sol.id, role="buyer")), "nor come back"
    assert 204 == (await cast.shop.delete(f"{path}/{cast.eve.id}")).status_code
    ok(await cast.shop.post(path, user_id=cast.eve.id, role="agent"), 201)
    ok(await cast.eve.post(path, user_id=cast.sol.id, role="buyer"), 201)


async def test_an_agent_of_an_agent_whom_the_shop_appointed_is_one(cast: Cast) -> None:
    await let_ada_in(cast)
    ok(await cast.ada.post(people(cast), user_id=cast.eve.id, role="agent"), 201)
    assert 204 == (await cast.eve.delete(f"{people(cast)}/{cast.sol.id}")).status_code


async def test_nobody_is_taken_out_in_the_place_of_one_with_a_slash_more(cast: Cast) -> None:
    longer = f"{cast.eve.id}/"
    for user_id in (cast.eve.id, longer):
        ok(await cast.shop.post(people(cast), user_id=user_id, role="buyer"), 201)
    assert 204 == (await cast.shop.delete(f"{people(cast)}/{quote(longer, safe='')}")).status_code
    assert cast.eve.id in await inside(cast)
    assert longer not in await inside(cast)


@pytest.mark.parametrize("who", ["shop", "mod", "ada"])
async def test_who_was_taken_out_is_not_back_until_others_bring_them(cast: Cast, who: str) -> None:
    """Opening it again is for those who left; with a message or without one it says why not, and nobody hears of it."""
    await let_ada_in(cast)
    person: Person = getattr(cast, who)
    assert 204 == (await person.delete(f"{people(cast)}/{cast.bea.id}")).status_code
    cursor = await now(cast.sol)
    for said in ({}, {"message": draft("I am back")}):
        answer = await cast.bea.post("/conversations", context={"kind": "listing", "id": cast.listing}, **said)
        assert FORBIDDEN == refusal(answer)
        assert "taken out" in answer.json()["detail"]
    assert [] == await told_since(cast.sol, cursor)
    ok(await person.post(people(cast), user_id=cast.bea.id, role="buyer"), 201)
    await cast.bea.say(cast.conversation_id, "Thank you")
    assert 204 == (await cast.bea.delete(f"{people(cast)}/{cast.bea.id}")).status_code
    ok(await cast.bea.post("/conversations", context={"kind": "listing", "id": cast.listing}))
    assert cast.bea.id in await inside(cast), "this time she had left"


async def test_the_shop_brings_back_by_opening_whom_it_took_out(cast: Cast) -> None:
    about = {"kind": "listing", "id": cast.listing}
    assert 204 == (await cast.shop.delete(f"{people(cast)}/{cast.bea.id}")).status_code
    ok(await cast.sol.post("/conversations", context=about, participants=[{"user_id": cast.bea.id}]))
    assert {cast.sol.id} == await inside(cast), "the other side does not"
    named = [{"user_id": cast.bea.id}, {"user_id": cast.sol.id}]
    ok(await cast.shop.post("/conversations", context=about, participants=named))
    assert {cast.bea.id, cast.sol.id} == await inside(cast)


async def test_a_moderator_who_was_taken_out_comes_back(cast: Cast) -> None:
    opened = ok(await cast.mod.post("/conversations", participants=[{"user_id": cast.sol.id}]), 201)["conversation"]
    path = f"/conversations/{opened['id']}/participants/{cast.mod.id}"
    assert 204 == (await cast.shop.delete(path)).status_code
    again = ok(await cast.mod.post("/conversations", participants=[{"user_id": cast.sol.id}]))["conversation"]
    assert participant(again, cast.mod)["left_at"] is None


async def test_an_agent_who_has_left_may_no_more(cast: Cast) -> None:
    await let_ada_in(cast)
    assert 204 == (await cast.ada.delete(f"{people(cast)}/{cast.ada.id}")).status_code
    assert NOT_FOUND == refusal(await cast.ada.post(people(cast), user_id=cast.ada.id, role="agent"))


async def test_only_the_shop_brings_in_people_who_were_never_here(cast: Cast) -> None:
    newcomer = f"newcomer-{cast.listing}"
    assert NOT_FOUND == refusal(await cast.mod.post(people(cast), user_id=newcomer, role="agent"))
    ok(await cast.shop.post(people(cast), user_id=newcomer, role="agent"), 201)
    assert newcomer in await inside(cast)


@pytest.mark.parametrize("who", ["bea", "sol"])
async def test_anyone_may_leave(cast: Cast, who: str) -> None:
    person: Person = getattr(cast, who)
    assert 204 == (await person.delete(f"{people(cast)}/{person.id}")).status_code
    assert person.id not in await inside(cast)
    assert NOT_FOUND == refusal(await person.delete(f"{people(cast)}/{person.id}")), "once"
    assert NOT_FOUND == refusal(await send(person, cast.conversation_id, draft()))


@pytest.mark.parametrize("who", ["shop", "mod"])
async def test_who_is_not_in_it_cannot_be_taken_out(cast: Cast, who: str) -> None:
    person: Person = getattr(cast, who)
    for id_ in (cast.eve.id, person.id, "nobody"):
        assert NOT_FOUND == refusal(await person.delete(f"{people(cast)}/{id_}"))


async def test_somebody_whose_id_has_a_slash_can_leave_like_anybody(cast: Cast, new_person: NewPerson) -> None:
    gus = new_person(user_id=f"google/1?2#3 4%-{cast.listing}")
    ok(await gus.get("/me"))
    ok(await cast.shop.post(people(cast), user_id=gus.id, role="agent"), 201)
    assert 204 == (await gus.delete(f"{people(cast)}/{quote(gus.id, safe='')}")).status_code
    assert gus.id not in await inside(cast)


async def test_people_come_into_a_closed_conversation_and_leave_it(cast: Cast) -> None:
    ok(await cast.sol.patch(f"/conversations/{cast.conversation_id}", state="closed"))
    await let_ada_in(cast)
    assert 204 == (await cast.ada.delete(f"{people(cast)}/{cast.ada.id}")).status_code


async def test_the_last_one_may_leave(cast: Cast) -> None:
    for person in (cast.bea, cast.sol):
        assert 204 == (await person.delete(f"{people(cast)}/{person.id}")).status_code
    assert set() == await inside(cast)


async def test_leaving_and_writing_at_once_keeps_the_log_of_each_true(cast: Cast) -> None:
    """Whatever comes first: ada hears nothing after her leaving, and her stream has no hole before it."""
    await let_ada_in(cast)
    async with cast.ada.stream(await now(cast.ada)) as adas, cast.bea.stream(await now(cast.bea)) as beas:
        writing = [cast.bea.say(cast.conversation_id, f"{number}") for number in range(30)]
        leaving = cast.ada.delete(f"{people(cast)}/{cast.ada.id}")
        await asyncio.gather(*writing[:15], leaving, *writing[15:])
        await beas.until(lambda events: sum(event.type == "message.sent" for event in events) == 31)
        await adas.next("participant.left")
        left_at = next(number for number, event in enumerate(beas.durable) if event.type == "participant.left")
        assert beas.durable[: left_at + 1] == adas.durable
