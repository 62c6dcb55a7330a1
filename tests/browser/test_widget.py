"""The widget on somebody else's page: another origin, one script tag, one token, a strict policy."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator
from http import HTTPStatus

import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.browser.talk import visit, write
from tests.conftest import NewDatabase
from tests.harness import Cast, Person, Server, close_cast, free_port, gather_cast, token

pytestmark = pytest.mark.browser

PAGE_OF_LIST = 20

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A shop</title>
<link rel="icon" href="data:,"></head><body><main><h1>Oak table</h1></main>
<script src="{server}/parley.js" data-token="{token}" {more} async></script></body></html>"""
NAMES = {"ghost": "\u200b\u2060\u00ad", "turner": "\u202eSol\u202c"}
# A shop that gives tokens when asked, and a badge that keeps whether it was ever hidden.
TOKENS = """window.asked = []; window.bearer = {fresh}; window.parleyToken = (why) => {{
    if (why) asked.push(why);
    if (why?.isExpired) bearer = {fresh};
    return bearer;
}};"""
WATCH_BADGE = """count => { window.wasHidden = false;
    const watch = new MutationObserver(() => { wasHidden ||= count.hidden; });
    watch.observe(count, { attributes: true, childList: true }); }"""
POLICY = "default-src 'none'; script-src {server}; connect-src {server}; img-src data:"


class ShopPage:
    """Serves one page, on an origin of its own."""

    def __init__(self) -> None:
        self.port = free_port()
        self.html = ""
        self.policy = ""

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = self.html.encode()
        head = (
            f"HTTP/1.1 {HTTPStatus.OK} OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
            f"Content-Security-Policy: {self.policy}\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()


@pytest.fixture
async def page_of_shop() -> AsyncIterator[ShopPage]:
    page = ShopPage()
    server = await asyncio.start_server(page.answer, "127.0.0.1", page.port)
    yield page
    server.close()
    await server.wait_closed()


@pytest.fixture
async def server(
    new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory, page_of_shop: ShopPage
) -> AsyncIterator[Server]:
    made = Server(
        await new_database(), tmp_path_factory.mktemp("widget"), SEND_LIMIT="off", ALLOWED_ORIGINS=page_of_shop.url
    )
    yield await made.start()
    await made.close()


@pytest.fixture
async def cast(server: Server) -> AsyncIterator[Cast]:
    cast = await gather_cast(server.url)
    yield cast
    await close_cast(cast)


async def embedded(
    browser: Browser, shop: ShopPage, cast: Cast, complaints: list[str], more: str = "", *, script: str = ""
) -> Page:
    server = cast.bea.url
    shop.html = PAGE.format(server=server, token=cast.bea.token, more=more)
    shop.policy = POLICY.format(server=server)
    return await visit(browser, shop.url, complaints, script=script)


async def come_back(page: Page, minutes: int) -> None:
    """So many minutes after the test began, somebody returns to the tab."""
    await page.clock.set_fixed_time(time.time() + 60 * minutes)
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


async def test_one_script_tag_is_enough(browser: Browser, page_of_shop: ShopPage, cast: Cast) -> None:
    """The count comes before anything else is loaded; then the panel, live, with nothing inline and no cookie."""
    complaints: list[str] = []
    await cast.sol.say(cast.conversation_id, "Still interested?")
    page = await embedded(browser, page_of_shop, cast, complaints)
    button = page.get_by_role("button", name="Open messages")
    await expect(button).to_have_text("1")
    assert not await page.evaluate("Boolean(customElements.get('parley-launcher'))")
    await button.click()
    await page.get_by_role("listitem").filter(has_text="Still interested?").get_by_role("button").click()
    await write(page, "Yes, very much.")
    await expect(page.get_by_text("✓✓ Read")).to_have_count(0)
    await cast.sol.say(cast.conversation_id, "Good. Tomorrow?")
    await expect(page.get_by_text("Good. Tomorrow?").last).to_be_visible()
    assert [] == await page.context.cookies()
    assert [] == complaints


async def test_the_badge_renews_its_token_and_keeps_the_last_number_meanwhile(
    browser: Browser, page_of_shop: ShopPage, cast: Cast
) -> None:
    """The shop is asked for another token when one is over. Where nobody answers, nothing is hidden."""
    await cast.sol.say(cast.conversation_id, "Still interested?")
    tokens = TOKENS.format(fresh=json.dumps(cast.bea.token))
    page = await embedded(browser, page_of_shop, cast, [], 'data-get-token="parleyToken"', script=tokens)
    badge = page.get_by_role("button", name="Open messages").locator("b")
    await expect(badge).to_have_text("1")
    await badge.evaluate(WATCH_BADGE)
    await cast.sol.say(cast.conversation_id, "Hello?")
    await page.evaluate("expired => { bearer = expired; }", token(cast.bea.id, ttl_seconds=-60))
    await come_back(page, 2)
    await expect(badge).to_have_text("2")
    assert [{"isExpired": True}] == await page.evaluate("asked")

    statuses = iter((429, 503, 0))
    late = asyncio.Queue[int]()

    async def refuse(route: Route) -> None:
        status = next(statuses)
        headers = {"Access-Control-Allow-Origin": "*"}
        await (route.fulfill(status=status, headers=headers) if status else route.abort())
        late.put_nowait(status)

    await page.route("**/api/v1/unread", refuse)
    for minutes, status in ((4, 429), (6, 503), (8, 0)):
        await come_back(page, minutes)
        assert status == await late.get()
    await page.unroute("**/api/v1/unread")
    await cast.sol.say(cast.conversation_id, "The table is still here.")
    await come_back(page, 10)
    await expect(badge).to_have_text("3")
    assert not await page.evaluate("wasHidden")
    assert 1 == await page.evaluate("asked.length")


async def test_a_message_is_never_more_than_text(browser: Browser, page_of_shop: ShopPage, cast: Cast) -> None:
    complaints: list[str] = []
    hostile = [
        "<img src=x onerror=alert(1)><script>alert(1)</script>",
        "javascript:alert(1) data:text/html,hi https://example.com/a?b=1). <b>no</b>",
        "\u202eturned\u202d \u2067round\u2066",
        "🪑" * 4_000,
        "x" * 4_000,
    ]
    for body in hostile:
        await cast.sol.say(cast.conversation_id, body)
    page = await embedded(browser, page_of_shop, cast, complaints, 'data-open=""')
    await page.get_by_role("listitem").first.get_by_role("button").click()
    texts = page.locator("parley-inbox li.row p.text")
    await expect(texts).to_have_count(len(hostile))
    assert hostile == await texts.all_text_contents()
    links = page.locator("parley-inbox li.row a")
    assert ["https://example.com/a?b=1"] == [await link.get_attribute("href") for link in await links.all()]
    assert "noopener noreferrer nofollow" == await links.first.get_attribute("rel")
    width = "() => document.querySelector('parley-launcher').shadowRoot.querySelector('parley-inbox').shadowRoot"
    assert await page.evaluate(f"{width}.querySelector('.scroller:has(.rows)').scrollWidth <= 380")
    assert [] == complaints


async def test_edit_and_unsend(browser: Browser, page_of_shop: ShopPage, cast: Cast) -> None:
    complaints: list[str] = []
    await cast.bea.say(cast.conversation_id, "I would pay fifty")
    page = await embedded(browser, page_of_shop, cast, complaints, 'data-open=""')
    await page.get_by_role("listitem").first.get_by_role("button").click()
    row = page.locator("li.row").filter(has_text="fifty")
    await row.hover()
    await row.get_by_role("button", name="Message options").click()
    await page.get_by_role("menuitem", name="Edit").click()
    await write(page, "I would pay sixty")
    row = page.locator("li.row").filter(has_text="sixty")
    await expect(row.get_by_text("edited")).to_be_visible()
    await row.hover()
    await row.get_by_role("button", name="Message options").click()
    await page.get_by_role("menuitem", name="Unsend").click()
    await expect(page.locator("li.row").get_by_text("Message unsent")).to_be_visible()
    history = (await cast.sol.get(f"/conversations/{cast.conversation_id}/messages")).json()["messages"]
    assert "" == history[-1]["body"]
    assert "sixty" not in json.dumps(history)
    assert [] == complaints


async def test_everything_can_be_done_by_keyboard(browser: Browser, page_of_shop: ShopPage, cast: Cast) -> None:
    complaints: list[str] = []
    await cast.sol.say(cast.conversation_id, "Hello Bea")
    page = await embedded(browser, page_of_shop, cast, complaints)
    await expect(page.get_by_role("button", name="Open messages")).to_have_text("1")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    row = page.get_by_role("navigation", name="Conversations").get_by_role("listitem").first.get_by_role("button")
    await expect(row).to_contain_text("Hello Bea")
    await row.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("textbox", name="Write a message")).to_be_focused()
    await page.keyboard.type("Hello Sol")
    await page.keyboard.press("Enter")
    await expect(page.locator("li.row").get_by_text("Hello Sol")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(row).to_contain_text("Hello Sol")
    await expect(row).to_be_focused()
    assert [] == complaints


async def test_a_name_that_cannot_be_seen_is_not_shown_as_nothing(
    browser: Browser, page_of_shop: ShopPage, cast: Cast
) -> None:
    """Spaces of no width, and letters that turn the writing round: the id stands for those, these do nothing."""
    complaints: list[str] = []
    ghost, turner = (Person(cast.bea.url, f"{name}-{cast.listing}", name=shown) for name, shown in NAMES.items())
    for person in (ghost, turner):
        opened = await person.post("/conversations", participants=[{"user_id": cast.bea.id}])
        await person.say(opened.json()["conversation"]["id"], f"I am {person.id}")
    page = await embedded(browser, page_of_shop, cast, complaints, 'data-open=""')
    for person, shown in ((ghost, ghost.id), (turner, "Sol")):
        row = page.get_by_role("listitem").filter(has_text=f"I am {person.id}")
        await expect(row.locator("bdi.who")).to_have_text(shown)
        await person.close()
    assert [] == complaints


async def test_buying_and_selling_are_told_apart_before_both_are_loaded(
    browser: Browser, page_of_shop: ShopPage, cast: Cast
) -> None:
    """What somebody asked the seller long ago is on a later page of the list, and unread."""
    complaints: list[str] = []
    mine = {"kind": "listing", "id": f"of-bea-{cast.listing}"}
    await cast.shop.put(f"/contexts/listing/{mine['id']}", title="Of Bea's", seller_id=cast.bea.id)
    await cast.sol.post(
        "/conversations", context=mine, message={"client_id": str(uuid.uuid4()), "body": "Still there?"}
    )
    for number in range(PAGE_OF_LIST):
        theirs = {"kind": "product", "id": f"{number}-{cast.listing}"}
        await cast.shop.put(f"/contexts/product/{theirs['id']}", title=f"Product {number}", seller_id=cast.sol.id)
        await cast.bea.post("/conversations", context=theirs)
    page = await embedded(browser, page_of_shop, cast, complaints, 'data-open=""')
    await expect(page.get_by_role("listitem").filter(has_text="Product 19")).to_be_visible()
    await expect(page.get_by_role("group", name="Buying or selling").get_by_role("button")).to_have_text(
        ["All1", "Buying", "Selling1"]
    )
    assert [] == complaints
