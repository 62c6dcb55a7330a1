"""What people do with the shop's pages: visit, write, choose."""

from __future__ import annotations

from playwright.async_api import Browser, Locator, Page, ViewportSize

WIDTHS = {320: 640, 390: 844, 1280: 900}


async def visit(people: Browser, address: str, complaints: list[str], *, width: int = 1280) -> Page:
    """Somebody's page, in a profile of their own."""
    viewport: ViewportSize = {"width": width, "height": WIDTHS[width]}
    context = await people.new_context(
        viewport=viewport, reduced_motion="reduce"
    )  # colours are judged when they have settled
    page = await context.new_page()
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
