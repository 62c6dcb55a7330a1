"""Invariant 8: whatever stands between people and the server, a working transport is found and nothing is missed."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest
from playwright.async_api import Browser, BrowserContext, async_playwright

from tests.browser.bare import BarePage, history_of
from tests.browser.conftest import FLAGS
from tests.browser.proxies import real
from tests.browser.proxies.hostile import MODES, Hostile
from tests.harness import Cast, Person, Server, close_cast, eventually, gather_cast

pytestmark = pytest.mark.browser

LIVE_WITHIN = 15.0
ROUNDS = 2  # with the silence between them
EACH = 25  # messages of each person in a round: 100 in all
HARMED_WITHIN = 40.0
AT_ONCE = 5  # conversations; on two cores more would wait for each other instead of for their proxies
# HAProxy gave up because the server (s) or the client (c) was silent for too long, the answer begun (D) or not (H).
GIVEN_UP = re.compile(r" [sc][DH]-- ")
WAYS = (*real.KINDS, *(mode for mode in MODES if mode != "pass"))
TEST = "test_a_conversation_arrives_through"

Conversations = dict[str, asyncio.Task[None]]


class Way(NamedTuple):
    """A way from a browser to the server. `harm` counts what the proxy did to streams and polls; None: nothing is
    expected of it. `has_come_so` looks at a page in the end: has its traffic really been through that proxy?"""

    url: str
    options: dict[str, Any]
    harm: Callable[[], int] | None
    has_come_so: Callable[[BarePage], Awaitable[bool]]


@asynccontextmanager
async def way_through(name: str, server: Server) -> AsyncIterator[Way]:
    if name in MODES:
        async with Hostile(server.port, name).running() as hostile:
            yield Way(hostile.url, {}, lambda: hostile.harm, _anything)
        return
    async with real.running(name, server.port) as proxy:

        async def is_logged(_: BarePage) -> bool:
            return f"GET {proxy.url}/api/v1/" in (proxy.log_path.parent / "access.log").read_text()

        match name:
            case "haproxy-impatient":
                yield Way(proxy.url, {}, lambda: len(GIVEN_UP.findall(proxy.log)), _anything)
            case "squid":
                yield Way(proxy.url, {"proxy": {"server": proxy.forward, "bypass": "<-loopback>"}}, None, is_logged)
            case "caddy":
                yield Way(proxy.url, {"ignore_https_errors": True}, None, _speaks_http_2)
            case "nginx-buffering":
                yield Way(proxy.url, {}, None, _polls)
            case _:
                yield Way(proxy.url, {}, None, _streams)


async def _anything(page: BarePage) -> bool:
    return True


async def _streams(page: BarePage) -> bool:
    return bool("sse" == await page.page.evaluate("connection.status.transport"))


async def _polls(page: BarePage) -> bool:
    return bool(await page.page.evaluate("connection.status.transport.endsWith('poll') && connection.status.isLimited"))


async def _speaks_http_2(page: BarePage) -> bool:
    spoken = await page.page.evaluate("performance.getEntriesByType('resource').map((one) => one.nextHopProtocol)")
    return await _streams(page) and "h2" in spoken and not {"http/1.0", "http/1.1"} & set(spoken)


async def converse(browser: Browser, way: Way, cast: Cast) -> None:
    """A conversation of 100 messages through a proxy, with a silence in it that lasts until the proxy has done harm."""
    contexts = [await browser.new_context(**way.options) for _ in range(2)]
    try:
        bea, sol = await asyncio.gather(
            *(
                visit(context, way.url, person, cast.conversation_id)
                for context, person in zip(contexts, (cast.bea, cast.sol), strict=True)
            )
        )
        for round_ in range(ROUNDS):
            bodies = [f"{number}" for number in range(round_ * EACH, (round_ + 1) * EACH)]
            await asyncio.gather(*(page.say(*(f"{page.person.id}: {body}" for body in bodies)) for page in (bea, sol)))
            for page in (bea, sol):
                await page.until_messages(2 * EACH * (round_ + 1))
            if round_ == 0 and (harm := way.harm) is not None:
                await eventually(lambda: asyncio.sleep(0, harm()), HARMED_WITHIN)
        history = await history_of(cast.bea, cast.conversation_id)
        assert list(range(1, 2 * EACH * ROUNDS + 1)) == [seq for seq, _, _ in history]
        for page, other in ((bea, sol), (sol, bea)):
            mine = [one for one in history if one[1] == page.person.id]
            assert [f"{page.person.id}: {number}" for number in range(EACH * ROUNDS)] == [body for _, _, body in mine]
            assert history == await page.history()
            assert [one for one in history if one[1] == other.person.id] == await page.told()
            assert await way.has_come_so(page), await page.page.evaluate("told.statuses")
            assert [] == page.complaints
    finally:
        for context in contexts:
            await context.close()


async def visit(context: BrowserContext, url: str, person: Person, conversation_id: str) -> BarePage:
    page = await BarePage.open(context, url, person, conversation_id)
    await page.until_live(LIVE_WITHIN)
    return page


@pytest.fixture(scope="module")
async def conversations(request: pytest.FixtureRequest, server: Server) -> AsyncIterator[Conversations]:
    """The conversations of all tests here that are to run, several at once: mostly they wait for what proxies do."""
    asked = [name for name in WAYS if any(item.name == f"{TEST}[{name}]" for item in request.session.items)]
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(browser: Browser, name: str) -> None:
        async with turns, way_through(name, server) as way:
            cast = await gather_cast(server.url)
            try:
                await converse(browser, way, cast)
            finally:
                await close_cast(cast)

    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(FLAGS), headless=True)
        tasks = {name: asyncio.create_task(one(browser, name)) for name in reversed(asked)}  # the slowest begin
        yield tasks
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        await browser.close()


@pytest.mark.timeout(300)  # the first one waits for others too
@pytest.mark.parametrize("name", WAYS)
async def test_a_conversation_arrives_through(name: str, conversations: Conversations) -> None:
    """Invariant 8: each page is live within 15 s, and has every message once and in order."""
    await conversations[name]
