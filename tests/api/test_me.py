"""/me: the caller, their status, and that a name follows its token."""

from __future__ import annotations

import re

import pytest

from tests.api.answers import conversation_of, ok, participant, told_since
from tests.api.conftest import NewPerson
from tests.harness import Cast


async def test_somebody_new_is_known_from_their_first_token_on(new_person: NewPerson) -> None:
    ben = new_person("ben", name="Ben", avatar_url="https://shop.example/ben.png")
    me = ok(await ben.get("/me"))
    assert {"id": ben.id, "name": "Ben", "avatar_url": "https://shop.example/ben.png"} == me["user"]
    assert ("online", "") == (me["status"], me["status_text"])
    assert {"total": 0, "buyer": 0, "seller": 0, "agent": 0} == me["unread"]
    assert re.fullmatch(r"[a-z0-9]+-\d+", me["cursor"])


async def test_somebody_without_a_name_is_called_by_their_id(new_person: NewPerson) -> None:
    ben = new_person()
    assert ben.id == ok(await ben.get("/me"))["user"]["name"]


async def test_a_name_follows_its_token(cast: Cast, new_person: NewPerson) -> None:
    """The shop's users change their names in the shop; with the next token it is changed here, for others too."""
    renamed = new_person(user_id=cast.bea.id, name="Bea Brandt", avatar_url="/bea.png")
    assert "Bea Brandt" == ok(await renamed.get("/me"))["user"]["name"]
    seen = participant(await conversation_of(cast.sol, cast.conversation_id), cast.bea)
    assert {"id": cast.bea.id, "name": "Bea Brandt", "avatar_url": "/bea.png"} == seen["user"]


async def test_a_token_without_a_name_does_not_take_the_name_away(cast: Cast, new_person: NewPerson) -> None:
    assert "Bea" == ok(await new_person(user_id=cast.bea.id).get("/me"))["user"]["name"]


async def test_two_people_of_one_name_are_two(new_person: NewPerson) -> None:
    one, other = new_person("ben", name="Ben"), new_person("ben", name="Ben")
    assert ok(await one.get("/me"))["user"]["id"] != ok(await other.get("/me"))["user"]["id"]


async def test_only_what_is_said_is_changed(new_person: NewPerson) -> None:
    ben = new_person()
    assert ("away", "") == status(ok(await ben.patch("/me", status="away")))
    assert ("away", "Back on Monday") == status(ok(await ben.patch("/me", status_text="Back on Monday")))
    assert ("online", "Back on Monday") == status(ok(await ben.patch("/me", status="online")))
    assert ("online", "Back on Monday") == status(ok(await ben.patch("/me")))
    assert ("online", "") == status(ok(await ben.patch("/me", status="online", status_text="")))
    assert ("online", "") == status(ok(await ben.get("/me")))


def status(me: dict[str, str]) -> tuple[str, str]:
    return me["status"], me["status_text"]


@pytest.mark.parametrize("text", ["x" * 140, "👍" * 140, "Ferien bis März"])
async def test_a_status_text_may_be_140_characters_of_any_kind(new_person: NewPerson, text: str) -> None:
    assert text == ok(await new_person().patch("/me", status_text=text))["status_text"]


async def test_unread_is_told_in_all_and_per_role(cast: Cast) -> None:
    """sol sells the table to bea and buys something of hers."""
    bike = f"bike-{cast.listing}"
    ok(await cast.shop.put(f"/contexts/listing/{bike}", title="Bike", seller_id=cast.bea.id))
    about = {"kind": "listing", "id": bike}
    buying = ok(await cast.sol.post("/conversations", context=about), 201)["conversation"]["id"]
    for number in range(3):
        await cast.bea.say(cast.conversation_id, f"About the table {number}")
    await cast.bea.say(buying, "About the bike")
    assert {"total": 4, "buyer": 1, "seller": 3, "agent": 0} == ok(await cast.sol.get("/me"))["unread"]
    assert {"total": 0, "buyer": 0, "seller": 0, "agent": 0} == ok(await cast.bea.get("/me"))["unread"]


async def test_the_cursor_is_of_the_same_moment(cast: Cast) -> None:
    """Nothing before it is missing from the totals, and nothing after it is in them."""
    await cast.bea.say(cast.conversation_id, "Before")
    me = ok(await cast.sol.get("/me"))
    await cast.bea.say(cast.conversation_id, "After")
    events = await told_since(cast.sol, me["cursor"])
    assert 1 == me["unread"]["total"]
    assert ["After"] == [event["data"]["message"]["body"] for event in events]
