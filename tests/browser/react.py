"""Somebody's own page in React: the real one, as it is published, in a real Chromium."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, Request, Route

from tests.browser.bare import PAGES, BarePage
from tests.harness import ROOT, Cast, Person

FRONTEND = ROOT / "frontend"
NODE = Path(sys.executable).parent / "node"
What = dict[str, Any]
# React's own files, as published; those for development: they look for mistakes, and run effects twice in strict mode.
PACKAGES = {
    "react": "react/cjs/react.development.js",
    "react-dom": "react-dom/cjs/react-dom.development.js",
    "react-dom/client": "react-dom/cjs/react-dom-client.development.js",
    "scheduler": "scheduler/cjs/scheduler.development.js",
}
NAMES = "StrictMode, createElement, useEffect, useMemo, useState, useSyncExternalStore"
SHOWS = "([name, body]) => chats[name]?.messages.some((message) => message.body === body)"
FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def packages() -> str:
    """The real React for a page that has no bundler."""
    sources = {name: (FRONTEND / "node_modules" / path).read_text() for name, path in PACKAGES.items()}
    functions = [f"{json.dumps(name)}(require, module, exports) {{{text}\n}}" for name, text in sources.items()]
    return f"const PACKAGES = {{{', '.join(functions)}}};\n{(PAGES / 'react.require.js').read_text()}"


def file(path: str) -> tuple[str, str]:
    """The text and the type of a file that the page asks for beside what the server has."""
    made = {
        "/react.packages.js": packages,
        "/react.module.js": lambda: f"export const {{ {NAMES} }} = require('react');",
        "/react.dom.js": lambda: "export const { createRoot, hydrateRoot } = require('react-dom/client');",
    }
    if path == "/react":
        return (PAGES / "react.html").read_text(), "text/html"
    return made[path]() if path in made else (PAGES / path[1:]).read_text(), "text/javascript"


async def fulfil(route: Route) -> None:
    text, kind = file(urlsplit(route.request.url).path)
    await route.fulfill(body=text, content_type=kind)


class ReactPage(BarePage):
    """Somebody's own page. `calls` are those it made of the API, as `POST /conversations`."""

    calls: list[str]

    @classmethod
    async def load(cls, context: BrowserContext, url: str, person: Person) -> ReactPage:
        """Load it as if it stood at `url`; it shows nothing yet."""
        page = await context.new_page()
        react = cls(page, person)
        react.calls = []
        page.on("console", lambda said: react._hear(said.type, said.text))
        page.on("pageerror", lambda error: react.complaints.append(str(error)))
        page.on("request", react._note)
        await page.expose_function("askToken", react._token)
        await page.route(re.compile(r"//[^/]+/react(\.[a-z.]+)?$"), fulfil)
        await page.goto(f"{url}/react")
        await react.until("() => window.isOpen")
        return react

    def _note(self, request: Request) -> None:
        _, api, path = request.url.partition("/api/v1")
        if api:
            self.calls.append(f"{request.method} {path}")

    async def show(self, *chats: dict[str, Any]) -> None:
        await self.page.evaluate("chats => show(chats)", list(chats))

    async def connect(self) -> None:
        """Show nothing, with a connection that has loaded what it begins with."""
        await self.show()
        await self.until("() => connection.status.phase === 'live'")

    async def until_shown(self, name: str, body: str) -> None:
        await self.until(SHOWS, [name, body])

    async def bodies(self, name: str) -> list[str]:
        found = await self.page.evaluate("name => chats[name].messages.map(({ body }) => body)", name)
        assert isinstance(found, list)
        return found

    async def drawn(self, name: str) -> int:
        """How often it was drawn, when everything that is due has been."""
        await self.page.evaluate(FRAMES)
        return int(await self.page.evaluate("name => views[name].length", name))

    @asynccontextmanager
    async def held(self, path: str) -> AsyncIterator[asyncio.Event]:
        """Keep calls of a path from the server until the end; the event says that there is one."""
        is_asked, is_over = asyncio.Event(), asyncio.Event()

        async def hold(route: Route) -> None:
            is_asked.set()
            await is_over.wait()
            await route.continue_()

        pattern = re.compile(rf"/api/v1{path}(\?|$)")
        await self.page.route(pattern, hold)
        yield is_asked
        is_over.set()  # and no `unroute`, which would answer itself what is just let go


def about(listing: str) -> What:
    return {"context": {"kind": "listing", "id": listing}}


def chat(name: str, what: What | None, **more: Any) -> dict[str, Any]:
    return {"name": name, "what": what, **more}


async def another(cast: Cast) -> str:
    """A second conversation of bea's and sol's: about nothing."""
    answer = await cast.bea.post("/conversations", participants=[{"user_id": cast.sol.id}])
    return str(answer.json()["conversation"]["id"])


async def receipt(cast: Cast) -> dict[str, Any]:
    """How far bea has come in the conversation, as sol sees it."""
    seen = (await cast.sol.get(f"/conversations/{cast.conversation_id}")).json()
    found = next(one for one in seen["participants"] if one["user"]["id"] == cast.bea.id)
    assert isinstance(found, dict)
    return found


async def drawn_by_node(chat: dict[str, Any]) -> str:
    """The HTML of a chat as a server draws it, where there is no browser."""
    command = [NODE, PAGES / "react.server.mjs", FRONTEND, json.dumps(chat)]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60, check=False)
    assert 0 == done.returncode, done.stderr
    return done.stdout
