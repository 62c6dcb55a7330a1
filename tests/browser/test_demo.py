"""The main job, on a server of its own: two people in two browsers talk about a listing. And the API's page."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.browser.talk import bubble_of, row_of, visit, write
from tests.conftest import NewServer

pytestmark = pytest.mark.browser


async def test_bea_asks_and_sol_answers(browser: Browser, new_server: NewServer) -> None:
    server = await new_server("--demo")
    complaints: list[str] = []
    bea = await visit(browser, f"{server.url}/items/listing/oak-table?as=bea", complaints)
    sol = await visit(browser, f"{server.url}/desk?as=sol", complaints)

    await bea.get_by_role("button", name="Ask the seller").click()
    await write(bea, "Does it fit through a door?")
    await row_of(sol, "Does it fit through a door?").click()
    await expect(bubble_of(bea, "Does it fit through a door?").get_by_text("Read")).to_be_visible()

    await write(sol, "It does, I", is_sent=False)
    await expect(bea.get_by_text("is typing")).to_be_visible()
    await write(sol, "It does, I measured it.")
    await expect(bubble_of(bea, "It does, I measured it.")).to_be_visible()
    await expect(bea.get_by_text("is typing")).to_be_hidden()
    assert [] == complaints


async def test_every_call_stands_in_the_documentation_page(browser: Browser, new_server: NewServer) -> None:
    server = await new_server("--demo")
    complaints: list[str] = []
    page = await visit(browser, f"{server.url}/docs", complaints)
    await expect(page.get_by_role("heading", name="Send a message", exact=True)).to_be_visible()
    assert [] == complaints
