"""What people do with the shop's pages: visit, write, choose."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from playwright.async_api import Browser, Locator, Page, Route, ViewportSize

WIDTHS = {320: 640, 390: 844, 1280: 900}


async def visit(people: Browser, address: str, complaints: list[str], *, width: int = 1280, script: str = "") -> Page:
    """Somebody's page, in a profile of their own; `script` runs before the page's own."""
    viewport: ViewportSize = {"width": width, "height": WIDTHS[width]}
    context = await people.new_context(
        viewport=viewport, reduced_motion="reduce"
    )  # colours are judged when they have settled
    page = await context.new_page()
    await page.add_init_script(script)
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(address)
    return page


async def write(page: Page, text: str, *, is_sent: bool = True) -> None:
    box = page.get_by_role("textbox", name="Write a message")
    await box.fill(text)
    if is_sent:
        await box.press("Enter")


def row_of(page: Page, text: str) -> Locator:
    """The row of a list of conversations in which a text stands."""
    return page.get_by_role("navigation", name="Conversations").get_by_role("listitem").filter(has_text=text)


def bubble_of(page: Page, text: str) -> Locator:
    """A message in the open thread."""
    return page.get_by_role("region", name="Messages").get_by_role("listitem").filter(has_text=text)


async def pick(page: Page, text: str, action: str) -> None:
    """Choose something from a message's own menu."""
    message = bubble_of(page, text)
    await message.hover()
    await message.get_by_role("button", name="Message options").click()
    await page.get_by_role("menuitem", name=action).click()


@asynccontextmanager
async def held(page: Page, calls: str) -> AsyncIterator[asyncio.Event]:
    """Keep these calls from the server until the end; the event says that there was one."""
    is_asked, is_over = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        is_asked.set()
        await is_over.wait()
        await route.continue_()

    await page.route(calls, hold)
    yield is_asked
    is_over.set()  # and no `unroute`, which would answer itself what is just let go


def in_demo(shop: str) -> httpx.AsyncClient:
    """Calls at the demo shop."""
    return httpx.AsyncClient(base_url=shop, verify=False)


async def sign_in(client: httpx.AsyncClient, user_id: str) -> None:
    """From here on the calls are somebody's."""
    token = (await client.post(f"/demo/logins/{user_id}")).json()["token"]
    client.headers["Authorization"] = f"Bearer {token}"


async def conversation_of(shop: str, user_id: str, about: str) -> str:
    """The id of somebody's newest conversation about an item."""
    async with in_demo(shop) as client:
        await sign_in(client, user_id)
        found = await client.get("/api/v1/conversations", params={"context": about})
    return str(found.json()["conversations"][0]["id"])


async def seen_by(shop: str, user_id: str, conversation_id: str) -> dict[str, Any]:
    """The conversation as the API tells it to somebody."""
    async with in_demo(shop) as client:
        await sign_in(client, user_id)
        found: dict[str, Any] = (await client.get(f"/api/v1/conversations/{conversation_id}")).json()
    return found


async def say(shop: str, user_id: str, conversation_id: str, *bodies: str) -> None:
    """Somebody who is not in a browser sends messages."""
    async with in_demo(shop) as client:
        await sign_in(client, user_id)
        for body in bodies:
            message = {"client_id": str(uuid.uuid4()), "body": body}
            answer = await client.post(f"/api/v1/conversations/{conversation_id}/messages", json=message)
            assert answer.status_code == 201, answer.text
