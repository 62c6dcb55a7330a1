"""What people see while a conversation goes on: where they are told, where they are in it, what they can still do."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.browser.talk import bubble_of, conversation_of, held, row_of, say, visit, write
from tests.conftest import NewServer
from tests.system.operating import database_url

pytestmark = pytest.mark.browser

ABOUT = "listing:oak-table"
# Headless Chromium has no place to show notifications and never hides a tab: the page's view of both is the test's.
STAGE = """
window.shown = [];
window.isHidden = false;
window.Notification = class {
  static permission = "default";
  static async requestPermission() { return (Notification.permission = "granted"); }
  constructor(title, options) { shown.push(Object.assign(this, { title, ...options })); }
  close() { this.isClosed = true; }
};
Object.defineProperty(document, "visibilityState", { get: () => (window.isHidden ? "hidden" : "visible") });
window.hide = (is) => { window.isHidden = is; document.dispatchEvent(new Event("visibilitychange")); };
"""
LONG = 300
# Where the message ends that was first when this was asked before; asked until it stays there.
END_OF_FIRST = """async (isAnew) => {
  window.scroller = () => document.querySelector("parley-thread").shadowRoot.querySelector(".scroller");
  if (isAnew) window.first = scroller().querySelector("li.row").dataset.seq;
  if (isAnew) scroller().scrollTop = 0;
  const end = () => scroller().querySelector(`[data-seq="${first}"]`).getBoundingClientRect().bottom;
  let before = NaN;
  for (let calm = 0; calm < 10; calm = Math.abs(end() - before) < 0.5 ? calm + 1 : 0) {
    before = end();
    await new Promise(requestAnimationFrame);
  }
  return end();
}"""
CODE = re.compile(r"[A-Z0-9]{2,}([- ][A-Z0-9]+)*")


async def notes_of(page: Page) -> list[dict[str, Any]]:
    found = await page.evaluate("shown.map(({ title, body, tag }) => ({ title, body, tag }))")
    assert isinstance(found, list)
    return found


async def test_who_looks_elsewhere_is_told_by_the_browser(people: Browser, shop: str, complaints: list[str]) -> None:
    """After a yes that was asked for by a press; one per conversation, none for what is seen; a click opens it."""
    page = await visit(people, f"{shop}/inbox?as=bea", complaints, script=STAGE)
    about = await conversation_of(shop, "bea", ABOUT)
    await expect(row_of(page, "Oak table")).to_be_visible()
    await page.evaluate("hide(true)")
    await say(shop, "sol", about, "Nobody has allowed anything")
    await expect(row_of(page, "Nobody has allowed anything")).to_be_visible()
    await page.evaluate("hide(false)")
    await page.get_by_role("button", name="Messages: …").click()
    await page.get_by_role("menuitem", name="Turn on notifications").click()

    await page.evaluate("hide(true)")
    await say(shop, "sol", about, "Is it settled?", "\u202eI would like to know")
    await page.wait_for_function("() => shown.length === 2")
    first, second = await notes_of(page)
    assert ("Sol Martínez", "Is it settled?", "I would like to know") == (first["title"], first["body"], second["body"])
    assert first["tag"] == second["tag"], "the second takes the place of the first"
    assert (await page.title()).startswith("(")
    await page.evaluate("hide(false); shown[1].onclick()")
    await expect(bubble_of(page, "I would like to know")).to_be_visible()
    await say(shop, "sol", about, "You see this one")
    await expect(bubble_of(page, "You see this one")).to_be_visible()
    assert 2 == len(await notes_of(page))
    assert [] == complaints


async def test_who_looks_at_another_conversation_sees_a_toast(
    people: Browser, shop: str, complaints: list[str]
) -> None:
    page = await visit(people, f"{shop}/inbox?as=bea", complaints)
    await row_of(page, "Order 1001").click()
    await expect(page.get_by_role("heading", name="Ada from support")).to_be_visible()
    await say(shop, "sol", await conversation_of(shop, "bea", ABOUT), "Over here!")
    toast = page.get_by_role("button", name="Sol Martínez Over here!")
    await toast.click()
    await expect(bubble_of(page, "Over here!")).to_be_visible()
    await expect(toast).to_be_hidden()
    assert [] == complaints


async def test_a_long_history_comes_as_one_scrolls_and_stays_in_place(
    people: Browser, shop: str, complaints: list[str]
) -> None:
    """Page by page upwards, and what is looked at does not move; new ones wait below and are counted."""
    about = await conversation_of(shop, "tom", ABOUT)
    await say(shop, "tom", about, *(f"Number {number}" for number in range(LONG)))
    page = await visit(people, f"{shop}/chat/{about}?as=tom", complaints)
    await expect(bubble_of(page, f"Number {LONG - 1}")).to_be_in_viewport()
    pages: asyncio.Queue[Route] = asyncio.Queue()
    await page.route("**/messages?*", pages.put)
    rows = page.locator("li.row")
    while (count := await rows.count()) < LONG:
        before = await page.evaluate(END_OF_FIRST, True)
        await (await pages.get()).continue_()
        await expect(rows).not_to_have_count(count)
        after = await page.evaluate(END_OF_FIRST, False)
        assert abs(after - before) < 2, f"{before} -> {after}: what is looked at moved, at {count} messages"
    await expect(page.get_by_text("Number 0", exact=True)).to_have_count(1)

    top = await page.evaluate("scroller().scrollTop")
    await say(shop, "sol", about, "Are you up there?", "It is late")
    news = page.get_by_role("button", name="2 new messages")
    await expect(news).to_be_visible()
    assert top == await page.evaluate("scroller().scrollTop")
    await news.click()
    await expect(bubble_of(page, "It is late")).to_be_in_viewport()
    await expect(news).to_be_hidden()
    assert [] == complaints


async def test_on_a_phone_list_thread_and_details_come_one_after_the_other(
    people: Browser, shop: str, complaints: list[str]
) -> None:
    """The browser's own "back" goes from the thread to the list, and to the row that one came from."""
    page = await visit(people, f"{shop}/inbox?as=bea", complaints, width=390)
    row = row_of(page, "Order 1001")
    await row.click()
    box = page.get_by_role("textbox", name="Write a message")
    await expect(box).to_be_in_viewport(ratio=1)
    await expect(row).to_be_hidden()
    await page.get_by_role("button", name="Conversation options").click()
    await page.get_by_role("menuitem", name="Details").click()
    details = page.get_by_role("complementary", name="Details")
    await expect(details.get_by_text("Ada from support")).to_be_visible()
    await details.get_by_role("button", name="Close").click()
    await expect(details).to_be_hidden()
    await page.go_back()
    await expect(row.get_by_role("button")).to_be_focused()
    await expect(box).to_be_hidden()
    await page.go_forward()
    await expect(box).to_be_visible()
    assert [] == complaints


async def test_a_server_that_is_away_is_told_of_and_costs_nothing(
    people: Browser, new_server: NewServer, complaints: list[str]
) -> None:
    """A banner after a while; everything can be read; what is written waits, says so, and is sent by itself."""
    server = await new_server("--demo", DRAIN_SECONDS="0")
    page = await visit(people, f"{server.url}/inbox?as=bea", complaints)
    await row_of(page, "Oak table").click()
    await expect(bubble_of(page, "It is the blue door.")).to_be_visible()
    server.kill()
    await write(page, "I will be there")
    waiting = bubble_of(page, "I will be there")
    await expect(waiting.get_by_text("Not sent yet. It is kept and will be sent.")).to_be_visible()
    await expect(page.get_by_text("Reconnecting… messages you send are kept")).to_be_visible(timeout=10_000)
    await expect(bubble_of(page, "It is the blue door.")).to_be_visible()
    await new_server("--demo", database_url=database_url(server), port=server.port)
    await expect(waiting.get_by_text("Delivered").or_(waiting.get_by_text("Sent"))).to_be_visible(timeout=40_000)
    await expect(page.get_by_text("Reconnecting…")).to_be_hidden(timeout=40_000)
    assert [] == [said for said in complaints if not said.startswith("Failed to load resource:")]


async def test_the_list_is_there_before_it_is_loaded(people: Browser, shop: str, complaints: list[str]) -> None:
    """As the tab had it last; then as it is. Another person in the same tab does not see it."""
    page = await visit(people, f"{shop}/inbox?as=bea", complaints)
    await expect(row_of(page, "Oak table")).to_be_visible()
    async with held(page, "**/api/v1/me"):
        await page.reload()
        await expect(row_of(page, "Oak table")).to_be_visible()
        await say(shop, "sol", await conversation_of(shop, "bea", ABOUT), "While you were reloading")
    await expect(row_of(page, "While you were reloading")).to_be_visible()

    async with held(page, "**/api/v1/me") as is_asked:
        await page.goto(f"{shop}/inbox?as=tom")
        await is_asked.wait()
        await expect(page.locator("parley-inbox .list .skeleton")).to_be_visible()
        await expect(row_of(page, "")).to_have_count(0)
    await expect(row_of(page, "Oak table")).to_be_visible()
    assert [] == complaints


async def test_a_refused_message_says_why_and_can_be_sent_again(
    people: Browser, shop: str, complaints: list[str]
) -> None:
    about = await conversation_of(shop, "bea", ABOUT)
    page = await visit(people, f"{shop}/chat/{about}?as=bea", complaints)
    await expect(page.get_by_role("textbox", name="Write a message")).to_be_visible()
    await page.route("**/messages", refuse)
    await write(page, "Is it soft?")
    refused = bubble_of(page, "Is it soft?")
    await expect(refused.get_by_role("alert")).to_contain_text("Not sent. The shop does not like this one.")
    await page.unroute("**/messages")
    await refused.get_by_role("button", name="Retry").click()
    await expect(refused.get_by_text("Sent").or_(refused.get_by_text("Delivered"))).to_be_visible()
    assert [] == [said for said in complaints if not said.startswith("Failed to load resource:")]


async def test_a_page_that_is_written_from_right_to_left(people: Browser, shop: str, complaints: list[str]) -> None:
    """Everything changes sides; each text keeps its own direction."""
    about = await conversation_of(shop, "bea", ABOUT)
    await say(shop, "sol", about, "هل ما زالت متاحة؟")
    page = await visit(people, f"{shop}/inbox?as=bea", complaints)
    await page.evaluate("document.documentElement.dir = 'rtl'")
    await row_of(page, "Oak table").click()
    theirs = bubble_of(page, "هل ما زالت متاحة؟").locator(".bubble")
    mine = bubble_of(page, "Could I come on Thursday").locator(".bubble")
    left, right = await mine.bounding_box(), await theirs.bounding_box()
    assert left is not None
    assert right is not None
    assert left["x"] < right["x"]
    assert right["x"] + right["width"] > left["x"] + left["width"]
    assert not await page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert "ltr" == await mine.locator(".text").evaluate("one => getComputedStyle(one).direction")
    assert "rtl" == await theirs.locator(".text").evaluate("one => getComputedStyle(one).direction")
    assert [] == complaints


async def test_the_doctor_says_what_the_network_does(people: Browser, shop: str, complaints: list[str]) -> None:
    page = await visit(people, f"{shop}/doctor", complaints)
    await page.get_by_role("button", name="Check my connection").click()
    await expect(page.get_by_role("heading", name="What was checked")).to_be_visible(timeout=60_000)
    await expect(page.get_by_role("status", name="The code for support")).to_have_text(CODE)
    await expect(page.get_by_text("Does not work")).to_have_count(0)
    assert [] == complaints


async def refuse(route: Route) -> None:
    problem = {"code": "not_liked", "status": 422, "title": "No", "detail": "The shop does not like this one."}
    await route.fulfill(status=422, json=problem, content_type="application/problem+json")
