"""Somebody's bare page: the engine alone in a real Chromium, for tests to reach into. No widget, no shop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, Page, Route
from playwright.async_api import TimeoutError as NotInTime

from tests.harness import PATIENCE_SECONDS, Person

PAGES = Path(__file__).parent / "pages"
FILES = {"/bare": ("bare.html", "text/html"), "/bare.js": ("bare.js", "text/javascript")}
LOOK_MS = 50
# Written by the browser, whatever a page does about it.
NETWORK_LINES = ("Failed to load resource:",)
SEEN = """() => JSON.stringify({
    status: window.connection?.status, statuses: window.told?.statuses,
    messages: window.thread?.messages.length, pending: window.thread?.pending,
    problem: String(window.thread?.problem?.code), draft: window.thread?.draft,
})"""

AskToken = Callable[[dict[str, Any]], Awaitable[str]]


class BarePage:
    """`complaints` is what stood in the console, without the browser's own lines about the network."""

    def __init__(self, page: Page, person: Person) -> None:
        self.page = page
        self.person = person
        self.complaints: list[str] = []

    @classmethod
    async def open(
        cls,
        context: BrowserContext,
        url: str,
        person: Person,
        conversation_id: str = "",
        *,
        ask_token: AskToken | None = None,
        only: str = "",
    ) -> BarePage:
        """Load the page as if it stood at `url`. Everything else comes from there, over the real network. With a
        conversation, that is opened as `thread`. `only`: the one transport it may use."""
        page = await context.new_page()
        bare = cls(page, person)
        page.on("console", lambda said: bare._hear(said.type, said.text))
        page.on("pageerror", lambda error: bare.complaints.append(str(error)))
        await page.expose_function("askToken", ask_token or bare._token)
        await page.route("**/bare*", _fulfil)
        await page.goto(f"{url}/bare?conversation={conversation_id}{only and f'&transports={only}'}")
        await page.unroute("**/bare*")  # from here on nothing stands between the page and the network
        return bare

    def _hear(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and not text.startswith(NETWORK_LINES):
            self.complaints.append(text)

    async def _token(self, why: dict[str, Any]) -> str:
        return self.person.token

    async def until(self, expression: str, argument: Any = None, *, within: float = PATIENCE_SECONDS) -> Any:
        """Wait until this is true in the page; gives it. What the page knew is said when it never is."""
        try:
            found = await self.page.wait_for_function(expression, arg=argument, timeout=within * 1000, polling=LOOK_MS)
        except NotInTime:
            seen = await self.page.evaluate(SEEN)
            message = f"{expression} ({argument}) is not so within {within} s; {self.complaints}\n{seen}"
            raise AssertionError(message) from None
        return await found.json_value()

    async def until_live(self, within: float = PATIENCE_SECONDS) -> None:
        await self.until("() => window.isOpen && connection.status.phase === 'live'", within=within)

    async def say(self, *bodies: str) -> list[str]:
        """Send texts, all at once; their `client_id`s."""
        ids = await self.page.evaluate("bodies => bodies.map((body) => thread.send({ body }))", list(bodies))
        assert isinstance(ids, list)
        return ids

    async def write(self, text: str) -> None:
        """Type into the composer, without sending."""
        await self.page.evaluate("text => { thread.setDraft(text); thread.typing(text); }", text)

    async def history(self) -> list[tuple[int, str, str]]:
        """The messages of the thread as the page knows them: (seq, sender, body)."""
        found = await self.page.evaluate(
            "() => thread.messages.map(({ seq, sender_id, body }) => [seq, sender_id, body])"
        )
        return [tuple(one) for one in found]

    async def told(self) -> list[tuple[int, str, str]]:
        """The messages of others that the page was told of as new, each time that it was."""
        found = await self.page.evaluate(
            "() => told.messages.map(({ seq, sender_id, body }) => [seq, sender_id, body])"
        )
        return [tuple(one) for one in found]

    async def until_messages(self, count: int, within: float = PATIENCE_SECONDS) -> None:
        """Wait until the thread has so many, and nothing waits to be sent."""
        await self.until(
            "count => thread.messages.length >= count && thread.pending.length === 0", count, within=within
        )


async def history_of(person: Person, conversation_id: str) -> list[tuple[int, str, str]]:
    """The messages as the server has them, asked without any proxy: (seq, sender, body)."""
    answer = (await person.get(f"/conversations/{conversation_id}/messages", after=0, limit=100)).json()
    assert not answer["has_more"]
    return [(message["seq"], message["sender_id"], message["body"]) for message in answer["messages"]]


async def _fulfil(route: Route) -> None:
    name, kind = FILES[urlsplit(route.request.url).path]
    await route.fulfill(path=PAGES / name, content_type=kind)
