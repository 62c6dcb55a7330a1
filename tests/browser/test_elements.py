"""The elements when things go otherwise: out of sight, left before they are there, not loaded, among others' keys."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.browser.talk import bubble_of, conversation_of, held, in_demo, row_of, say, sign_in, visit

pytestmark = pytest.mark.browser

ABOUT = "listing:oak-table"
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A page</title>
<link rel="icon" href="data:,">
<script type="module" src="/static/widget/parley-widget.js"></script></head><body>{body}</body></html>"""
BELOW_THE_FOLD = """<main style="block-size: 4000px"><h1>Oak table</h1></main>
<{tag} style="display: block; block-size: 500px" conversation="{about}" token="TOKEN"></{tag}>"""


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


async def unread_of(shop: str, conversation_id: str) -> int:
    async with in_demo(shop) as client:
        await sign_in(client, "bea")
        found = (await client.get(f"/api/v1/conversations/{conversation_id}")).json()
    return int(found["unread_count"])


async def all_read(shop: str) -> str:
    """The id of Bea's conversation with Sol. She has read all of it."""
    about = await conversation_of(shop, "bea", ABOUT)
    async with in_demo(shop) as client:
        await sign_in(client, "bea")
        found = (await client.get(f"/api/v1/conversations/{about}")).json()
        read = {"read_seq": found["last_seq"]}
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
    assert 1 == await unread_of(shop, about)
    async with page.expect_response(lambda answer: answer.url.endswith("/receipt")):
        await page.locator(tag).evaluate("element => element.scrollIntoView()")
    assert 0 == await unread_of(shop, about)
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
    await row.click()
    await expect(page.locator("li.new")).to_be_visible()
    assert [] == complaints
    await page.context.close()
