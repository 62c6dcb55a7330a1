"""The open conversation: quotes, days, the focus, drafts; and what is left when the elements are gone."""

from __future__ import annotations

import re
import uuid

import pytest
from playwright.async_api import Browser, Route, expect

from tests.browser.talk import bubble_of, conversation_of, in_demo, row_of, say, seen_by, sign_in, visit, write
from tests.browser.test_elements import ABOUT, all_read, own_page

pytestmark = pytest.mark.browser

MORE_THAN_A_PAGE = 120
DAY_MS = 24 * 3_600_000
DRAFT = "Much to say. " * 500  # more than can be sent


async def refuse(route: Route) -> None:
    problem = '{"title": "Refused", "status": 422, "code": "blocked", "detail": "Not here."}'
    await route.fulfill(status=422, content_type="application/problem+json", body=problem)


async def answer(shop: str, user_id: str, conversation_id: str, body: str, *, seq: int) -> None:
    """Somebody answers the message with this number."""
    async with in_demo(shop) as client:
        await sign_in(client, user_id)
        path = f"/api/v1/conversations/{conversation_id}/messages"
        [message, *_] = (await client.get(path, params={"after": seq - 1})).json()["messages"]
        draft = {"client_id": str(uuid.uuid4()), "body": body, "reply_to": message["id"]}
        assert (await client.post(path, json=draft)).status_code == 201


@pytest.mark.parametrize("way", ["pointer", "keyboard"])
async def test_a_quote_leads_to_what_it_answers_however_far_above(
    people: Browser, shop: str, complaints: list[str], way: str
) -> None:
    """What is not loaded is fetched by its id, and the quote says it once it is there."""
    about = await conversation_of(shop, "tom", ABOUT)
    first = f"The very first, for the {way}"
    await say(shop, "tom", about, first)
    seq = (await seen_by(shop, "tom", about))["last_seq"]
    await say(shop, "tom", about, *(f"Number {number}" for number in range(MORE_THAN_A_PAGE)))
    await answer(shop, "sol", about, f"To the first, for the {way}", seq=seq)
    page = await visit(people, f"{shop}/chat/{about}?as=tom", complaints)
    row = bubble_of(page, f"To the first, for the {way}")
    quote = row.locator("blockquote")
    await expect(quote).to_have_text("An earlier message")
    if way == "pointer":
        await quote.click()
    else:
        await row.focus()
        await page.keyboard.press("Enter")
        await page.get_by_role("menuitem", name="Show what it answers").press("Enter")
    original = page.locator(f'li[data-seq="{seq}"]')
    await expect(original).to_be_in_viewport()
    await expect(original).to_contain_text(first)
    await page.get_by_role("button", name="Go to the end").click()
    await expect(row).to_be_in_viewport()
    assert [] == complaints
    await page.context.close()


async def test_a_quote_says_what_it_answers_once_that_is_loaded(
    people: Browser, shop: str, complaints: list[str]
) -> None:
    about = await conversation_of(shop, "tom", ABOUT)
    await say(shop, "tom", about, "What the quote says")
    seq = (await seen_by(shop, "tom", about))["last_seq"]
    await say(shop, "tom", about, *(f"Row {number}" for number in range(55)))
    await answer(shop, "sol", about, "It says it later", seq=seq)
    page = await visit(people, f"{shop}/chat/{about}?as=tom", complaints)
    quote = bubble_of(page, "It says it later").locator("blockquote")
    await expect(quote).to_have_text("An earlier message")
    await bubble_of(page, "Row 10").last.scroll_into_view_if_needed()
    await expect(quote).to_have_text("What the quote says")
    assert [] == complaints
    await page.context.close()


async def test_after_midnight_today_is_yesterday(people: Browser, shop: str, complaints: list[str]) -> None:
    about = await conversation_of(shop, "bea", ABOUT)
    await say(shop, "bea", about, "Said today")
    page = await visit(people, f"{shop}/login", complaints)
    await page.clock.install()
    await page.goto(f"{shop}/inbox?as=bea")
    row = row_of(page, "Oak table")
    await row.click()
    days = page.locator("li.day")
    await expect(bubble_of(page, "Said today").last).to_be_visible()
    await expect(days.last).to_have_text("today")
    at = await row.locator("time").inner_text()
    await page.clock.fast_forward(DAY_MS)
    await expect(days.last).to_have_text("yesterday")
    await expect(row.locator("time")).not_to_have_text(at)
    await page.context.close()


async def test_the_focus_stays_in_the_thread_when_what_has_it_goes(
    people: Browser, shop: str, complaints: list[str]
) -> None:
    about = await conversation_of(shop, "bea", ABOUT)
    await say(shop, "bea", about, *(f"Line {number}" for number in range(30)))
    page = await visit(people, f"{shop}/chat/{about}?as=bea", complaints)
    last = bubble_of(page, "Line 29").last
    await last.focus()
    await page.keyboard.press("Home")
    to_end = page.get_by_role("button", name="Go to the end")
    await to_end.focus()
    await page.keyboard.press("Enter")
    await expect(to_end).to_be_hidden()
    await expect(last).to_be_focused()

    await page.route("**/messages", refuse)
    for text in ("Once", "Twice"):
        await write(page, text)
        await expect(bubble_of(page, text).get_by_role("alert")).to_contain_text("Not sent.")
    await bubble_of(page, "Twice").get_by_role("button", name="Retry").press("Enter")
    await expect(bubble_of(page, "Twice")).to_be_focused()
    await expect(bubble_of(page, "Twice").get_by_role("alert")).to_contain_text("Not sent.")
    await bubble_of(page, "Twice").get_by_role("button", name="Delete").press("Enter")
    await expect(bubble_of(page, "Twice")).to_have_count(0)
    await expect(bubble_of(page, "Once")).to_be_focused()
    await bubble_of(page, "Once").get_by_role("button", name="Delete").press("Enter")
    await expect(bubble_of(page, "Once")).to_have_count(0)
    await expect(last).to_be_focused()
    await page.context.close()


async def test_a_draft_longer_than_can_be_sent_survives_a_reload(
    people: Browser, shop: str, complaints: list[str]
) -> None:
    about = await conversation_of(shop, "bea", ABOUT)
    page = await visit(people, f"{shop}/chat/{about}?as=bea", complaints)
    await write(page, DRAFT, is_sent=False)
    await page.reload()
    box = page.get_by_role("textbox", name="Write a message")
    await expect(box).to_have_value(DRAFT)
    await box.fill("")
    assert [] == complaints
    await page.context.close()


async def test_the_tab_counts_as_long_as_an_element_is_there(people: Browser, shop: str, complaints: list[str]) -> None:
    about = await all_read(shop)
    page = await own_page(people, shop, '<parley-launcher token="TOKEN"></parley-launcher>' * 2, complaints)
    await say(shop, "sol", about, "Still there?")
    counted = re.compile(r"\(\d\) A page")
    await expect(page).to_have_title(counted)
    await page.clock.install()
    for title in (counted, "A page"):
        await page.locator("parley-launcher").first.evaluate("element => element.remove()")
        await page.clock.run_for(1_000)
        await expect(page).to_have_title(title)
    assert [] == complaints
    await page.context.close()


async def test_a_toast_is_a_button_only_where_the_page_can_open_what_it_tells_of(
    people: Browser, shop: str, complaints: list[str]
) -> None:
    about, elsewhere = await all_read(shop), await conversation_of(shop, "bea", "order:1001")
    body = (
        f'<main style="block-size: 4000px"></main><parley-thread conversation="{about}" token="TOKEN"></parley-thread>'
    )
    page = await own_page(people, shop, body, complaints)
    await expect(bubble_of(page, "It is the blue door.")).to_have_count(1)
    await say(shop, "ada", elsewhere, "About your order")
    await expect(page.locator(".toast").get_by_text("About your order")).to_be_attached()
    await expect(page.get_by_role("button").filter(has_text="About your order")).to_have_count(0)
    await say(shop, "sol", about, "Down here")
    await page.get_by_role("button", name="Down here").dispatch_event("click")
    await expect(bubble_of(page, "Down here")).to_be_in_viewport()
    await expect(page.get_by_role("textbox", name="Write a message")).to_be_focused()
    assert [] == complaints
    await page.context.close()


async def test_the_only_message_is_deleted_and_the_focus_goes_to_the_input(
    people: Browser, shop: str, complaints: list[str]
) -> None:
    page = await own_page(
        people, shop, '<parley-thread context="listing:record-player" token="TOKEN"></parley-thread>', complaints
    )
    await page.route("**/messages", refuse)
    await write(page, "Never sent")
    await bubble_of(page, "Never sent").get_by_role("button", name="Delete").press("Enter")
    await expect(bubble_of(page, "Never sent")).to_have_count(0)
    await expect(page.get_by_role("textbox", name="Write a message")).to_be_focused()
    await page.context.close()
