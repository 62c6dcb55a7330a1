"""The elements when things go otherwise: out of sight, left before they are there, not loaded, among others' keys."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.browser.talk import (
    bubble_of,
    conversation_of,
    held,
    in_demo,
    pick,
    row_of,
    say,
    seen_by,
    sign_in,
    visit,
    write,
)
from tests.harness import eventually

pytestmark = pytest.mark.browser

ABOUT = "listing:oak-table"
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A page</title>
<link rel="icon" href="data:,">
<script type="module" src="/static/widget/parley-widget.js"></script></head><body>{body}</body></html>"""
BELOW_THE_FOLD = """<main style="block-size: 4000px"><h1>Oak table</h1></main>
<{tag} style="display: block; block-size: 500px" conversation="{about}" token="TOKEN"></{tag}>"""

LAUNCHER = '<parley-launcher token="TOKEN"></parley-launcher>'
IS_KEPT = "text => Object.values(localStorage).some((kept) => kept.includes(text))"
NOTE_WORDS = """voice => { window.said = [];
    new MutationObserver(() => said.push(voice.textContent)).observe(voice, { childList: true }); }"""


async def own_page(people: Browser, shop: str, body: str, complaints: list[str]) -> Page:
    """A page with Parley's elements on it, as Bea sees it; `TOKEN` becomes hers."""
    async with in_demo(shop) as client:
        await sign_in(client, "bea")
        token = client.headers["Authorization"].removeprefix("Bearer ")
    page = await visit(people, f"{shop}/login", complaints)
    html = PAGE.format(body=body).replace("TOKEN", token)

    async def answer(route: Route) -> None:
        await route.fulfill(body=html, content_type="text/html")

    await page.route("**/own", answer)
    await page.goto(f"{shop}/own")
    return page


async def all_read(shop: str) -> str:
    """The id of Bea's conversation with Sol. She has read all of it."""
    about = await conversation_of(shop, "bea", ABOUT)
    read = {"read_seq": (await seen_by(shop, "bea", about))["last_seq"]}
    async with in_demo(shop) as client:
        await sign_in(client, "bea")
        assert (await client.put(f"/api/v1/conversations/{about}/receipt", json=read)).status_code == 200
    return about


@pytest.mark.parametrize("tag", ["parley-thread", "parley-inbox"])
async def test_what_is_below_the_fold_is_not_read(people: Browser, shop: str, complaints: list[str], tag: str) -> None:
    """It is told of instead, and read as soon as somebody scrolls there."""
    about = await all_read(shop)
    page = await own_page(people, shop, BELOW_THE_FOLD.format(tag=tag, about=about), complaints)
    await expect(bubble_of(page, "It is the blue door.")).to_have_count(1)
    await say(shop, "sol", about, "Are you there?")
    await expect(page.get_by_role("button", name="Sol Martínez Are you there?")).to_be_visible()
    assert 1 == (await seen_by(shop, "bea", about))["unread_count"]
    await page.locator(tag).evaluate("element => element.scrollIntoView()")

    async def is_read() -> bool:
        found = await seen_by(shop, "bea", about)
        return bool(found["unread_count"] == 0)

    await eventually(is_read)
    assert [] == complaints
    await page.context.close()


@pytest.mark.parametrize("way", ["another is chosen", "the element is removed"])
async def test_what_was_left_before_it_came_is_closed(
    people: Browser, shop: str, complaints: list[str], way: str
) -> None:
    """When it is opened at last, it begins at what came meanwhile."""
    about = await all_read(shop)
    thread = f'<parley-thread conversation="{about}" token="TOKEN"></parley-thread>' * way.startswith("the")
    page = await own_page(people, shop, f'<parley-inbox no-history token="TOKEN"></parley-inbox>{thread}', complaints)
    row = row_of(page, "Oak table")
    await expect(row).to_be_visible()
    async with held(page, "**/api/v1/me") as is_asked:
        await page.reload()
        await is_asked.wait()
        await expect(row).to_be_visible()
        if thread:
            await page.locator("parley-thread").evaluate("element => element.remove()")
        else:
            await row.click()
        await row_of(page, "Order 1001").click()
    await expect(page.get_by_role("heading", name="Ada from support")).to_be_visible()
    await say(shop, "sol", about, "One", "Two")
    await expect(row).to_contain_text("Two")
    await row.click()
    await expect(page.locator("li.new")).to_be_visible()
    assert [] == complaints
    await page.context.close()


async def test_without_its_module_the_panel_can_be_tried_again_and_closed(
    people: Browser, shop: str, complaints: list[str]
) -> None:
    """On a phone it covers the page."""
    page = await own_page(people, shop, LAUNCHER, complaints)
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.route("**/widget/inbox.js", lambda route: route.abort())
    launch = page.get_by_role("button", name="Open messages")
    await launch.click()
    await expect(page.get_by_role("alert")).to_contain_text("The server cannot be reached.")
    await page.get_by_role("button", name="Close").click()
    await launch.click()
    retry = page.get_by_role("button", name="Retry")
    await expect(retry).to_be_visible()  # else the module comes before it is refused a second time
    await page.unroute("**/widget/inbox.js")
    await retry.click()
    await expect(row_of(page, "Oak table")).to_be_visible()
    assert [] == [said for said in complaints if not said.startswith("Failed to load resource:")]
    await page.context.close()


async def test_closing_what_is_closed_leaves_the_focus(people: Browser, shop: str, complaints: list[str]) -> None:
    page = await own_page(people, shop, f'{LAUNCHER}<input aria-label="A field">', complaints)
    await expect(page.get_by_role("button", name="Open messages")).to_be_visible()
    field = page.get_by_role("textbox", name="A field")
    await field.focus()
    await page.locator("parley-launcher").evaluate("element => element.close()")
    await expect(field).to_be_focused()
    assert [] == complaints
    await page.context.close()


async def test_back_from_another_than_the_first_conversation_stays_on_the_page(
    people: Browser, shop: str, complaints: list[str]
) -> None:
    about = await all_read(shop)
    page = await own_page(
        people, shop, f'<parley-inbox conversation="{about}" token="TOKEN"></parley-inbox>', complaints
    )
    await expect(bubble_of(page, "It is the blue door.")).to_be_visible()
    await row_of(page, "Order 1001").click()
    box = page.get_by_role("textbox", name="Write a message")
    await expect(page.get_by_role("heading", name="Ada from support")).to_be_visible()
    await box.press("Escape")
    await expect(box).to_be_hidden()
    await expect(row_of(page, "Order 1001").get_by_role("button")).to_be_focused()
    assert page.url.endswith("/own")
    assert [] == complaints
    await page.context.close()


async def test_escape_is_first_for_what_one_writes(people: Browser, shop: str, complaints: list[str]) -> None:
    """It clears a search, and ends what an input method composes; the conversation stays."""
    page = await visit(people, f"{shop}/inbox?as=bea", complaints)
    await row_of(page, "Oak table").click()
    box = page.get_by_role("textbox", name="Write a message")
    await expect(box).to_be_visible()
    search = page.get_by_role("searchbox")
    await search.fill("oak")
    await search.press("Escape")
    await expect(search).to_have_value("")
    await expect(box).to_be_visible()
    composing = {"key": "Escape", "isComposing": True, "bubbles": True, "composed": True}
    await box.dispatch_event("keydown", composing)
    await search.dispatch_event("keydown", composing)
    await expect(box).to_be_visible()
    await search.press("Escape")
    await expect(box).to_be_hidden()
    assert [] == complaints
    await page.context.close()


async def test_an_edit_that_fails_after_one_has_left_becomes_the_draft(
    people: Browser, shop: str, complaints: list[str]
) -> None:
    about = await conversation_of(shop, "bea", ABOUT)
    await say(shop, "bea", about, "Is it oka?")
    page = await visit(people, f"{shop}/inbox?as=bea", complaints)
    await row_of(page, "Oak table").click()
    await pick(page, "Is it oka?", "Edit")
    is_over = asyncio.Event()

    async def fail(route: Route) -> None:
        await is_over.wait()
        await route.abort()

    await page.route("**/api/v1/messages/*", fail)
    await write(page, "Is it made of oak?")
    await row_of(page, "Order 1001").click()
    await expect(page.get_by_role("heading", name="Ada from support")).to_be_visible()
    is_over.set()
    await page.wait_for_function(IS_KEPT, arg="Is it made of oak?")
    await row_of(page, "Oak table").click()
    await expect(page.get_by_role("textbox", name="Write a message")).to_have_value("Is it made of oak?")
    await page.context.close()


async def test_what_is_suggested_does_not_replace_what_is_written(
    people: Browser, shop: str, complaints: list[str]
) -> None:
    page = await visit(people, f"{shop}/items/listing/typewriter?as=bea#ask", complaints)
    suggestion = page.locator(".suggestions button").first
    await expect(suggestion).to_be_visible()
    await write(page, "In my own words", is_sent=False)
    await expect(suggestion).to_be_hidden()
    await write(page, "", is_sent=False)
    text = await suggestion.text_content()
    await suggestion.click()
    await expect(page.get_by_role("textbox", name="Write a message")).to_have_value(text or "?")
    assert [] == complaints
    await page.context.close()


async def test_what_is_muted_is_not_said_to_screen_readers(people: Browser, shop: str, complaints: list[str]) -> None:
    muted, about = await conversation_of(shop, "bea", "order:1001"), await conversation_of(shop, "bea", ABOUT)
    async with in_demo(shop) as client:
        await sign_in(client, "bea")
        await client.patch(f"/api/v1/conversations/{muted}", json={"is_muted": True})
    page = await visit(people, f"{shop}/inbox?as=bea", complaints)
    await expect(row_of(page, "Order 1001")).to_be_visible()
    voice = page.locator(".voice")
    await voice.evaluate(NOTE_WORDS)
    await say(shop, "ada", muted, "Quietly")
    await expect(row_of(page, "Quietly")).to_be_visible()
    await say(shop, "sol", about, "Aloud")
    await expect(voice).to_contain_text("Sol Martínez")
    assert ["New message from Sol Martínez"] == await page.evaluate("said")
    assert [] == complaints
    await page.context.close()


async def test_after_the_menu_of_a_message_the_focus_is_on_its_row_drawn_anew(
    people: Browser, shop: str, complaints: list[str]
) -> None:
    about = await conversation_of(shop, "bea", ABOUT)
    await say(shop, "bea", about, "Have you seen this?")
    page = await visit(people, f"{shop}/inbox?as=bea", complaints)
    await row_of(page, "Oak table").click()
    row = bubble_of(page, "Have you seen this?")
    await row.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("menuitem", name="Reply")).to_be_focused()
    async with in_demo(shop) as client:
        await sign_in(client, "sol")
        found = (await client.get(f"/api/v1/conversations/{about}")).json()
        await client.put(f"/api/v1/conversations/{about}/receipt", json={"read_seq": found["last_seq"]})
    await expect(row.get_by_text("Read")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(row).to_be_focused()
    assert [] == complaints
    await page.context.close()


async def test_the_script_tag_twice_is_one_button(people: Browser, shop: str, complaints: list[str]) -> None:
    page = await own_page(people, shop, '<script src="/parley.js" data-token="TOKEN"></script>' * 2, complaints)
    button = page.get_by_role("button", name="Open messages")
    await button.click()
    await expect(row_of(page, "Oak table")).to_be_visible()
    await expect(button).to_have_count(0)
    assert [] == complaints
    await page.context.close()
