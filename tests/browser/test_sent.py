"""What a person has sent, over all conversations: where it went, how far it has come, and back to the place itself."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.axe import findings
from tests.browser.talk import bubble_of, conversation_of, row_of, say, visit, write

pytestmark = pytest.mark.browser

TABLE, TENT = "listing:oak-table", "listing:two-person-tent"
MANY = 70  # more than the page of a thread and the page of a box


async def test_what_was_sent_is_found_again_and_leads_to_its_place(
    people: Browser, shop: str, complaints: list[str]
) -> None:
    """Newest first, whatever the conversation; page by page; a press shows the message where it stands."""
    about = await conversation_of(shop, "mia", TENT)
    await say(shop, "mia", about, "The one that I look for", *(f"Number {number}" for number in range(MANY)))
    page = await visit(people, f"{shop}/inbox?as=mia", complaints)
    await open_sent(page)
    await expect(sent(page).first).to_contain_text(f"Number {MANY - 1}")
    assert [] == await findings(page)
    await scroll_to(page, row_of(page, "The one that I look for"))
    await row_of(page, "The one that I look for").get_by_role("button").click()
    place = bubble_of(page, "The one that I look for")
    await expect(place).to_be_in_viewport()
    await expect(place).to_be_focused()
    assert [] == complaints


async def test_the_sent_box_is_live(people: Browser, shop: str, complaints: list[str]) -> None:
    """What is sent now comes to its top, once; reading, editing and unsending show."""
    about = await conversation_of(shop, "bea", TABLE)
    page = await visit(people, f"{shop}/inbox?as=bea", complaints)
    await row_of(page, "Oak table").click()
    await open_sent(page)
    await write(page, "I have sent this just now")
    top = sent(page).first
    await expect(top).to_contain_text("I have sent this just now")
    await expect(top).to_contain_text("Sol Martínez")
    other = await visit(people, f"{shop}/chat/{about}?as=sol", complaints)
    await expect(bubble_of(other, "I have sent this just now")).to_be_visible()
    await expect(top.get_by_text("Read", exact=True)).to_be_visible()
    await expect(row_of(page, "I have sent this just now")).to_have_count(1)
    await say(shop, "sol", about, "This one is not yours")
    await expect(bubble_of(page, "This one is not yours")).to_be_visible()
    await expect(row_of(page, "This one is not yours")).to_have_count(0)
    assert [] == complaints


async def test_the_desk_shows_only_what_was_sent_as_a_seller(people: Browser, shop: str, complaints: list[str]) -> None:
    """And says so where there is nothing; a search is for conversations."""
    page = await visit(people, f"{shop}/desk?as=tom", complaints)
    await open_sent(page)
    await expect(page.get_by_text("You have not sent anything yet.")).to_be_visible()
    await page.get_by_role("searchbox").fill("nothing like it")
    await expect(page.get_by_text("Nothing found for that.")).to_be_visible()
    await expect(page.get_by_role("button", name="Sent", exact=True)).to_have_attribute("aria-pressed", "false")
    assert [] == complaints


async def open_sent(page: Page) -> None:
    button = page.get_by_role("button", name="Sent", exact=True)
    await button.click()
    await expect(button).to_have_attribute("aria-pressed", "true")


def sent(page: Page) -> Locator:
    return page.get_by_role("navigation", name="Conversations").get_by_role("listitem")


async def scroll_to(page: Page, row: Locator) -> None:
    """Down the list, each page as it comes, until the row is there."""
    while await row.count() == 0:
        count = await sent(page).count()
        await sent(page).last.scroll_into_view_if_needed()
        await expect(sent(page)).not_to_have_count(count)
