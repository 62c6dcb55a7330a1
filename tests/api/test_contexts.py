"""/contexts: what conversations are about."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.api.answers import FORBIDDEN, NOT_FOUND, conversation_of, draft, now, ok, refusal, send, told_since
from tests.harness import Cast

KINDS = ["listing", "product", "order", "service", "request"]

WHOLE = {
    "title": "Oak table, 1960s",
    "url": "https://shop.example/items/42",
    "image_url": "/images/42.jpg",
    "price": {"amount_minor": 24_000, "currency": "EUR"},
    "state": "available",
    "attributes": {"size": "160 × 80 cm", "year": 1962, "weight": 31.5, "is_signed": True, "designer": None},
}


@pytest.mark.parametrize("kind", KINDS)
async def test_what_the_shop_tells_of_an_item_is_what_people_read(cast: Cast, kind: str) -> None:
    told = ok(await cast.shop.put(f"/contexts/{kind}/{cast.listing}-x", **WHOLE, seller_id=cast.sol.id))
    assert {"kind": kind, "id": f"{cast.listing}-x", "seller_id": cast.sol.id, **WHOLE} == told
    assert told == ok(await cast.sol.get(f"/contexts/{kind}/{cast.listing}-x"))


async def test_a_title_is_enough(cast: Cast) -> None:
    nothing = {"url": None, "image_url": None, "price": None, "seller_id": None, "state": "", "attributes": {}}
    told = ok(await cast.shop.put(f"/contexts/product/{cast.listing}", title="Moka pot"))
    assert {"kind": "product", "id": cast.listing, "title": "Moka pot", **nothing} == told


async def test_telling_it_again_replaces_all_of_it(cast: Cast) -> None:
    path = f"/contexts/product/{cast.listing}"
    ok(await cast.shop.put(path, **WHOLE, seller_id=cast.sol.id))
    ok(await cast.shop.put(path, title="Moka pot"))
    said = ok(await cast.sol.get(path))
    assert ("Moka pot", None, None, {}) == (said["title"], said["price"], said["seller_id"], said["attributes"])


@pytest.mark.parametrize(
    "item_id",
    [
        "1",
        "x" * 128,
        "Größe 5",
        "a/b",
        "2024/1001",
        "a b",
        "50%",
        "a?b#c",
        "…",
        "a+b",
        ".",
        "https://shop.example/items/42",
        "a/",
    ],
)
async def test_the_shops_own_ids_are_taken_as_they_are(cast: Cast, item_id: str) -> None:
    path = f"/contexts/service/{quote(item_id, safe='').replace('.', '%2E')}"
    assert item_id == ok(await cast.shop.put(path, title="Lessons"))["id"]
    assert item_id == ok(await cast.bea.get(path))["id"]


async def test_kinds_do_not_mix_up_their_ids(cast: Cast) -> None:
    for kind in ("product", "service"):
        ok(await cast.shop.put(f"/contexts/{kind}/{cast.listing}", title=f"A {kind}"))
    titles = [ok(await cast.bea.get(f"/contexts/{kind}/{cast.listing}"))["title"] for kind in ("product", "service")]
    assert ["A product", "A service"] == titles


async def test_a_price_may_be_nothing_and_may_be_very_much(cast: Cast) -> None:
    for amount in (0, 2**63 - 1):
        price = {"amount_minor": amount, "currency": "JPY"}
        assert price == ok(await cast.shop.put(f"/contexts/product/{cast.listing}", title="x", price=price))["price"]


@pytest.mark.parametrize("who", ["bea", "sol", "mod"])
async def test_only_the_shop_tells_what_its_items_are(cast: Cast, who: str) -> None:
    """Not even the owner, and not a moderator."""
    person = getattr(cast, who)
    assert FORBIDDEN == refusal(await person.put(f"/contexts/listing/{cast.listing}", title="Mine, for nothing"))
    assert (
        f"Table {cast.listing.removeprefix('table-')}"
        == ok(await cast.bea.get(f"/contexts/listing/{cast.listing}"))["title"]
    )


@pytest.mark.parametrize("kind", KINDS)
async def test_an_item_that_was_never_told_of_is_not_found(cast: Cast, kind: str) -> None:
    assert NOT_FOUND == refusal(await cast.bea.get(f"/contexts/{kind}/no-{cast.listing}"))


async def test_the_shop_may_speak_of_people_who_were_never_here(cast: Cast) -> None:
    newcomer = f"newcomer-{cast.listing}"
    ok(await cast.shop.put(f"/contexts/listing/{cast.listing}-x", title="Lamp", seller_id=newcomer))
    about = {"kind": "listing", "id": f"{cast.listing}-x"}
    opened = ok(await cast.bea.post("/conversations", context=about), 201)
    people = {one["user"]["id"]: one["user"]["name"] for one in opened["conversation"]["participants"]}
    assert {cast.bea.id: "Bea", newcomer: newcomer} == people


# --- orders --------------------------------------------------------------------------------------------------------


async def order_of_bea(cast: Cast) -> str:
    """An order in which bea buys from sol; its path."""
    ok(await cast.shop.put(f"/contexts/order/{cast.listing}", title="Order", seller_id=cast.sol.id, state="paid"))
    people = [{"user_id": cast.bea.id, "role": "buyer"}, {"user_id": cast.sol.id, "role": "seller"}]
    ok(await cast.shop.post("/conversations", context={"kind": "order", "id": cast.listing}, participants=people), 201)
    return f"/contexts/order/{cast.listing}"


async def test_an_order_is_for_its_own_people(cast: Cast) -> None:
    path = await order_of_bea(cast)
    answers = [await person.get(path) for person in (cast.bea, cast.sol, cast.shop, cast.mod, cast.eve, cast.ada)]
    assert [200, 200, 200, 200, 404, 404] == [answer.status_code for answer in answers]


async def test_a_strangers_order_is_not_told_from_one_that_does_not_exist(cast: Cast) -> None:
    """Order numbers are easily guessed."""
    await order_of_bea(cast)
    theirs, none = cast.listing, f"no-{cast.listing}"
    for ask in (
        lambda id_: cast.eve.get(f"/contexts/order/{id_}"),
        lambda id_: cast.eve.post("/conversations", context={"kind": "order", "id": id_}),
        lambda id_: cast.eve.post("/conversations", context={"kind": "order", "id": id_}, message=draft()),
    ):
        answers = [await ask(id_) for id_ in (theirs, none)]
        assert NOT_FOUND == refusal(answers[0])
        assert answers[1].text == answers[0].text.replace(theirs, none)


async def test_nobody_reads_a_strangers_order_by_sharing_it(cast: Cast) -> None:
    """A card is the item's content: who may not read it may not share it, whatever the kind of the message."""
    await order_of_bea(cast)
    lamp = f"lamp-{cast.listing}"
    ok(await cast.shop.put(f"/contexts/listing/{lamp}", title="Lamp", seller_id=cast.ada.id))
    about = {"kind": "listing", "id": lamp}
    eves = ok(await cast.eve.post("/conversations", context=about), 201)["conversation"]["id"]
    order = {"kind": "order", "id": cast.listing}
    for said in (draft("", kind="card", context=order), draft("Look", context=order)):
        assert NOT_FOUND == refusal(await send(cast.eve, eves, said))
    opening = await cast.eve.post("/conversations", context=about, message=draft("", kind="card", context=order))
    assert NOT_FOUND == refusal(opening)
    assert 0 == (await conversation_of(cast.eve, eves))["last_seq"]


async def test_who_left_an_orders_conversation_reads_the_order_no_more(cast: Cast) -> None:
    path = await order_of_bea(cast)
    [known] = ok(await cast.bea.get("/conversations", context=f"order:{cast.listing}"))["conversations"]
    assert 204 == (await cast.bea.delete(f"/conversations/{known['id']}/participants/{cast.bea.id}")).status_code
    assert NOT_FOUND == refusal(await cast.bea.get(path))


# --- what the people of a conversation hear ------------------------------------------------------------------------


async def test_when_the_shop_changes_an_item_its_conversations_show_and_hear_it(cast: Cast) -> None:
    cursor = await now(cast.bea)
    told = ok(
        await cast.shop.put(f"/contexts/listing/{cast.listing}", title="Table", seller_id=cast.sol.id, state="sold")
    )
    assert told == (await conversation_of(cast.bea, cast.conversation_id))["context"]
    for person in (cast.bea, cast.sol):
        [event] = await told_since(person, cursor)
        assert "conversation.changed" == event["type"]
        assert {"conversation_id": cast.conversation_id, "context": told} == event["data"]
    assert [] == await told_since(cast.eve, cursor)


async def test_an_item_told_again_as_it_was_is_no_news(cast: Cast) -> None:
    """A shop that tells its whole catalogue every night must not fill the log."""
    said: dict[str, Any] = {**WHOLE, "seller_id": cast.sol.id}
    ok(await cast.shop.put(f"/contexts/listing/{cast.listing}", **said))
    cursor = await now(cast.bea)
    ok(await cast.shop.put(f"/contexts/listing/{cast.listing}", **said))
    assert [] == await told_since(cast.bea, cursor)


async def test_a_card_that_was_shared_stays_as_it_was(cast: Cast) -> None:
    path = f"/contexts/listing/{cast.listing}"
    was = ok(await cast.shop.put(path, **WHOLE, seller_id=cast.sol.id))
    about = {"kind": "listing", "id": cast.listing}
    sent = ok(await send(cast.sol, cast.conversation_id, draft("This one", kind="card", context=about)), 201)["message"]
    ok(await cast.shop.put(path, title="Sold table", seller_id=cast.sol.id, state="sold"))
    assert was == sent["context"]
    assert sent == ok(await cast.bea.get(f"/messages/{sent['id']}"))
    assert "Sold table" == (await conversation_of(cast.bea, cast.conversation_id))["context"]["title"]
