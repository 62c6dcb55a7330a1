"""The demo shop's pages: each can be used by everybody, on a phone and on a desk, in light and in dark."""

from __future__ import annotations

import re
from typing import NamedTuple

import httpx
import pytest
from playwright.async_api import Browser, expect

from tests.browser.axe import findings
from tests.browser.talk import WIDTHS, bubble_of, conversation_of, held, pick, row_of, visit, write

pytestmark = pytest.mark.browser

COUNT = re.compile(r"^\d+$")
IS_TOO_WIDE = "() => document.documentElement.scrollWidth > innerWidth"


class Place(NamedTuple):
    """A page, and a text that shows that all of it is there."""

    path: str
    shows: str


PLACES = (
    Place("/", "Two-person tent"),
    Place("/items/listing/oak-table", "Lisbon, Graça"),
    Place("/items/listing/oak-table#ask", "It is the blue door."),
    Place("/items/listing/oak-table?as=sol", "This is yours."),
    Place("/items/listing/nothing", "This is not here any more"),
    Place("/services", "You offer something, and you are looking for something."),
    Place("/services/request/paint-room#ask", "neither talent nor patience"),
    Place("/orders", "Order 1001"),
    Place("/orders/1001", "Done. The driver rings at Lopes."),
    Place("/orders/1002", "There is no order 1002 of yours"),
    Place("/inbox", "No problem. We bring straps."),
    Place("/desk", "wait for your answer"),
    Place("/chat/{conversation_id}?as=bea", "It is the blue door."),
    Place("/login", "Ada from support"),
    Place("/doctor", "Check my connection"),
)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.path)
async def test_everybody_can_use_every_page(people: Browser, shop: str, complaints: list[str], place: Place) -> None:
    path = place.path.replace("{conversation_id}", await conversation_of(shop, "bea", "listing:oak-table"))
    page = await visit(people, f"{shop}{path}", complaints)
    await expect(page.get_by_text(place.shows).first).to_be_attached()
    found = []
    for width, height in WIDTHS.items():
        await page.set_viewport_size({"width": width, "height": height})
        if await page.evaluate(IS_TOO_WIDE):
            found.append(f"{width}: it scrolls sideways")
        await page.emulate_media(color_scheme="light")
        found += [f"{width}: {finding}" for finding in await findings(page)]
        await page.emulate_media(color_scheme="dark")  # which changes colours and nothing else
        found += [f"{width} dark: {finding}" for finding in await findings(page, "color-contrast")]
    assert [] == found + complaints
    await page.context.close()


async def test_every_picture_of_the_shop_is_there(shop: str) -> None:
    async with httpx.AsyncClient(base_url=shop, verify=False) as client:
        items = (await client.get("/demo/items")).json()
        answers = {item["image_url"]: (await client.get(item["image_url"])).status_code for item in items}
    assert dict.fromkeys(answers, 200) == answers


async def test_two_tabs_can_be_two_people(people: Browser, shop: str, complaints: list[str]) -> None:
    """Who was chosen stays so for the tab, from page to page."""
    tom = await visit(people, f"{shop}/?as=tom", complaints)
    await tom.get_by_role("link", name="Orders").click()
    await expect(tom.get_by_text("You have not ordered anything yet.")).to_be_visible()
    other = await tom.context.new_page()
    await other.goto(f"{shop}/orders")
    await expect(other.get_by_role("link", name="Order 1001")).to_be_visible()
    assert [] == complaints
    await tom.context.close()


async def test_a_listing_is_talked_about_on_its_page(people: Browser, shop: str, complaints: list[str]) -> None:
    """System A: asked on a phone, answered at the desk; unread is counted, and strangers find nothing."""
    ben = await visit(people, f"{shop}/items/listing/green-armchair?as=ben", complaints, width=390)
    mia = await visit(people, f"{shop}/desk?as=mia", complaints)
    await ben.get_by_role("button", name="Ask the seller").click()
    await write(ben, "Is it still reserved?")
    row = row_of(mia, "Is it still reserved?")
    await expect(row.get_by_label("1 unread")).to_be_visible()
    await row.click()
    await expect(bubble_of(ben, "Is it still reserved?").get_by_text("Read")).to_be_visible()
    await expect(row.get_by_label("1 unread")).to_be_hidden()
    await write(mia, "It is free again.")
    await expect(bubble_of(ben, "It is free again.")).to_be_visible()

    about = await conversation_of(shop, "ben", "listing:green-armchair")
    tom = await visit(people, f"{shop}/chat/{about}?as=tom", [])
    await expect(tom.get_by_role("alert")).to_be_visible()
    await expect(tom.get_by_text("It is free again.")).to_be_hidden()
    assert [] == complaints


async def test_a_customer_and_a_vendor_each_have_their_view(people: Browser, shop: str, complaints: list[str]) -> None:
    """System B: list and window on both sides; online, typing, a product card in the talk, read, search."""
    mia = await visit(people, f"{shop}/inbox?as=mia", complaints)
    sol = await visit(people, f"{shop}/desk?as=sol", complaints)
    await mia.get_by_role("searchbox").fill("mokka")  # typos are forgiven
    await expect(row_of(mia, "Wanted: a cat sitter")).to_be_hidden()
    await row_of(mia, "Moka pot").click()
    await row_of(sol, "Moka pot").click()
    await expect(mia.get_by_text("online", exact=True)).to_be_visible()

    await write(sol, "I will. The mugs", is_sent=False)
    await expect(mia.get_by_text("Sol Martínez is typing…")).to_be_visible()
    await write(sol, "I will. The mugs go well with it:")
    await sol.get_by_role("button", name="Share an item").click()
    await sol.get_by_role("menuitem").filter(has_text="Linen apron").click()
    card = bubble_of(mia, "Linen apron")
    await expect(card).to_be_visible()
    await expect(mia.get_by_text("is typing")).to_be_hidden()
    await expect(bubble_of(sol, "Linen apron").get_by_text("Read")).to_be_visible()
    await card.get_by_role("link").click()
    await expect(mia.get_by_role("heading", name="Linen apron", level=1)).to_be_visible()
    assert [] == complaints


async def test_the_storefront_has_a_light_widget_and_the_panel_who_is_there(
    people: Browser, shop: str, complaints: list[str]
) -> None:
    """System C: the launcher with its badge, a conversation about nothing in particular, a status that others see."""
    ben = await visit(people, f"{shop}/?as=ben", complaints)
    sol = await visit(people, f"{shop}/desk?as=sol", complaints)
    await ben.get_by_role("button", name="Open messages").click()
    panel = ben.get_by_role("dialog", name="Messages")
    await panel.get_by_role("listitem").filter(has_text="The Saturday market").click()
    await expect(panel.get_by_text("online", exact=True)).to_be_visible()
    await sol.locator("summary").filter(has_text="Change person").click()
    await expect(sol.get_by_role("link", name="Ben Okafor online")).to_be_visible()
    await sol.get_by_label("Show me as").select_option("Away")
    await expect(panel.get_by_text("away", exact=True)).to_be_visible()

    await write(ben, "Shall I bring my own table?")
    await row_of(sol, "Shall I bring my own table?").click()
    await expect(bubble_of(ben, "Shall I bring my own table?").get_by_text("Read")).to_be_visible()
    await sol.locator("summary").filter(has_text="Change person").click()
    await sol.get_by_label("Show me as").select_option("Online")
    assert [] == complaints


async def test_one_person_provides_and_requests(people: Browser, shop: str, complaints: list[str]) -> None:
    """System D: a service and a request of the same person, from item to talk and back, edited and unsent."""
    ben = await visit(people, f"{shop}/inbox?as=ben", complaints)
    tom = await visit(people, f"{shop}/services/service/bike-repair?as=tom", complaints)
    await tom.get_by_role("button", name="Ask Ben").click()
    await write(tom, "My brakes squeel.")
    await ben.get_by_role("button", name="Selling").click()
    await row_of(ben, "My brakes squeel.").click()
    await pick(tom, "My brakes squeel.", "Edit")
    await write(tom, "My brakes squeal.")
    await expect(bubble_of(ben, "My brakes squeal.").get_by_text("edited")).to_be_visible()
    await write(tom, "And I am in the wrong window.")
    await pick(tom, "And I am in the wrong window.", "Unsend")
    await expect(bubble_of(ben, "Message unsent")).to_be_visible()

    await ben.get_by_role("button", name="Buying").click()
    await row_of(ben, "Wanted: a cat sitter for ten days").click()
    await expect(bubble_of(ben, "Only patience.")).to_be_visible()
    await bubble_of(ben, "A balcony that grows").get_by_role("link").click()
    await expect(ben.get_by_role("heading", name="A balcony that grows", level=1)).to_be_visible()
    await expect(ben.get_by_role("button", name="Ask Mia")).to_be_visible()
    assert [] == complaints


async def test_an_order_has_one_conversation_for_its_people(people: Browser, shop: str, complaints: list[str]) -> None:
    """System E: customer and agent at the order's page and at the conversation's own; what happened stands in it."""
    bea = await visit(people, f"{shop}/orders/1001?as=bea", complaints)
    about = await conversation_of(shop, "ada", "order:1001")
    ada = await visit(people, f"{shop}/chat/{about}?as=ada", complaints)
    await expect(bubble_of(ada, "Ada from support joined")).to_be_attached()
    await expect(bubble_of(ada, "Order 1001 was shipped")).to_be_attached()
    await expect(ada).to_have_title("(2) Order 1001 · Feira")
    await write(bea, "It has come, thank", is_sent=False)
    await expect(ada.get_by_text("Bea Brandt is typing…")).to_be_visible()
    await write(bea, "It has come, thank you!")
    await expect(bubble_of(ada, "It has come, thank you!")).to_be_visible()
    await expect(bubble_of(bea, "It has come, thank you!").get_by_text("Read")).to_be_visible()
    ben = await visit(people, f"{shop}/orders/1001?as=ben", complaints)
    await expect(ben.get_by_role("heading", name="There is no order 1001 of yours")).to_be_visible()
    assert [] == complaints


async def test_the_desk_counts_nothing_before_it_knows(people: Browser, shop: str, complaints: list[str]) -> None:
    """Nobody waits for an answer, it said at first, to a seller for whom many wait."""
    sol = await visit(people, f"{shop}/services?as=sol", complaints)
    counts = sol.locator("#summary dd")
    async with held(sol, "**/api/v1/conversations*limit=100*") as is_asked:
        await sol.goto(f"{shop}/desk")
        await is_asked.wait()
        await expect(counts).to_have_text(["–", COUNT, "–", COUNT])
        await expect(sol.locator("#summary .wants")).to_have_count(0)
    await expect(counts).to_have_text([COUNT] * 4)
    await expect(sol.locator("#summary .wants")).to_have_count(1)
    assert [] == complaints


async def test_an_order_is_told_to_its_own_people_alone(shop: str) -> None:
    async with httpx.AsyncClient(base_url=shop, verify=False) as client:
        told: dict[str, list[str]] = {}
        for user_id in ("bea", "ben", "ada", "sol"):
            token = (await client.post(f"/demo/logins/{user_id}")).json()["token"]
            orders = await client.get("/demo/orders", headers={"Authorization": f"Bearer {token}"})
            told[user_id] = [order["id"] for order in orders.json()]
        assert {"bea": ["1001"], "ben": ["1002"], "ada": ["1001", "1002"], "sol": []} == told
        assert 401 == (await client.get("/demo/orders")).status_code
