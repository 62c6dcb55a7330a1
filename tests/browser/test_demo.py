"""The main job: two people in two browsers talk about a listing."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page, expect

from tests.conftest import NewServer

pytestmark = pytest.mark.browser


async def visit(browser: Browser, url: str, complaints: list[str]) -> Page:
    """Somebody's page, in a profile of their own; what the console complains of is collected."""
    page = await (await browser.new_context()).new_page()
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(url)
    return page


async def write(page: Page, text: str, *, is_sent: bool = True) -> None:
    box = page.get_by_placeholder("Write a message")
    await box.fill(text)
    if is_sent:
        await box.press("Enter")


async def test_bea_asks_and_sol_answers(browser: Browser, new_server: NewServer) -> None:
    server = await new_server("--demo")
    complaints: list[str] = []
    bea = await visit(browser, f"{server.url}/?user=bea", complaints)
    sol = await visit(browser, f"{server.url}/desk?user=sol", complaints)

    await bea.get_by_role("button", name="Ask the seller").first.click()
    await write(bea, "Does it fit through a door?")
    preview = sol.get_by_role("listitem").filter(has_text="Does it fit through a door?")
    await expect(preview.first).to_be_visible()
    await preview.first.click()
    await expect(bea.get_by_text("Read", exact=True).last).to_be_visible()

    await write(sol, "It does, I", is_sent=False)
    await expect(bea.get_by_text("typing")).to_be_visible()
    await write(sol, "It does, I measured it.")
    await expect(bea.get_by_text("It does, I measured it.").last).to_be_visible()
    await expect(bea.get_by_text("typing")).to_be_hidden()
    assert [] == complaints


async def test_every_call_stands_in_the_documentation_page(browser: Browser, new_server: NewServer) -> None:
    server = await new_server("--demo")
    complaints: list[str] = []
    page = await visit(browser, f"{server.url}/docs", complaints)
    await expect(page.get_by_role("heading", name="Send a message", exact=True)).to_be_visible()
    assert [] == complaints
