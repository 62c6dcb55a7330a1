"""What closes a conversation, and what does not; and what the page is told of it."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.browser.talk import bubble_of, row_of, visit
from tests.browser.test_elements import LAUNCHER, own_page

pytestmark = pytest.mark.browser

NOTE_MOVES = "addEventListener('hashchange', () => (window.hasMoved = true))"
NOTE_SHOWN = """window.told = []; for (const kind of ["parley-open", "parley-close"])
    addEventListener(kind, () => told.push(kind));"""


async def test_a_link_to_a_place_in_the_page_leaves_the_conversation_open(
    people: Browser, shop: str, complaints: list[str]
) -> None:
    page = await visit(people, f"{shop}/inbox?as=bea", complaints, script=NOTE_MOVES)
    await row_of(page, "Oak table").click()
    await expect(bubble_of(page, "It is the blue door.")).to_be_visible()
    await page.get_by_role("link", name="Skip to the content").focus()
    await page.keyboard.press("Enter")
    await page.wait_for_function("window.hasMoved")  # which comes after `popstate`
    await expect(bubble_of(page, "It is the blue door.")).to_be_visible()
    await row_of(page, "Order 1001").click()
    await expect(page.get_by_role("heading", name="Ada from support")).to_be_visible()
    await page.go_back()
    await expect(page.get_by_role("heading", name="Ada from support")).to_be_hidden()
    await page.go_back()
    await expect(bubble_of(page, "It is the blue door.")).to_be_visible()
    assert [] == complaints
    await page.context.close()


async def test_on_a_phone_the_desk_makes_room_for_a_conversation_until_it_is_closed(
    people: Browser, shop: str, complaints: list[str]
) -> None:
    page = await visit(people, f"{shop}/desk?as=sol", complaints, width=390, script=f"{NOTE_MOVES};{NOTE_SHOWN}")
    summary = page.get_by_text("items on offer")
    await expect(summary).to_be_visible()
    await row_of(page, "Oak table").first.click()
    await expect(summary).to_be_hidden()
    await page.get_by_role("link", name="Skip to the content").focus()
    await page.keyboard.press("Enter")
    await page.wait_for_function("window.hasMoved")
    await expect(summary).to_be_hidden()
    await page.get_by_role("button", name="Back").click()
    await expect(summary).to_be_visible()
    assert ["parley-open", "parley-close"] == await page.evaluate("told")
    assert [] == complaints
    await page.context.close()


async def test_a_panel_tells_of_the_conversation_it_shows_until_it_is_closed(
    people: Browser, shop: str, complaints: list[str]
) -> None:
    page = await own_page(people, shop, LAUNCHER, complaints)
    await page.evaluate(f"() => {{ {NOTE_SHOWN} }}")
    await page.get_by_role("button", name="Open messages").click()
    await row_of(page, "Oak table").click()
    await expect(bubble_of(page, "It is the blue door.")).to_be_visible()
    await page.locator("button.launch").click()
    await expect(row_of(page, "Oak table")).to_be_hidden()
    assert ["parley-open", "parley-close"] == await page.evaluate("told")
    assert [] == complaints
    await page.context.close()
