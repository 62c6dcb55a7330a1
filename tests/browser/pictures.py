"""`make pictures`: the pictures of the documents, taken from the demo shop in a real Chromium."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal, NamedTuple

from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import chromium
from tests.browser.stage import demo_shop
from tests.browser.talk import bubble_of, row_of, write

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
DESK = (1280, 800)
PHONE = (390, 844)

Scene = Callable[[Page], Awaitable[None]]


class Picture(NamedTuple):
    """What is looked at, as whom, and how; `scene` is done before."""

    name: str
    path: str
    size: tuple[int, int]
    scheme: Literal["light", "dark"]
    scene: Scene


async def look_around(page: Page) -> None:
    await expect(page.get_by_role("link", name="Oak table")).to_be_visible()


async def talk_about_the_table(page: Page) -> None:
    await expect(bubble_of(page, "It is the blue door.")).to_be_visible()


async def choose_the_table(page: Page) -> None:
    await row_of(page, "Oak table").click()
    await talk_about_the_table(page)


async def answer_mia(page: Page) -> None:
    await row_of(page, "Moka pot").click()
    await write(page, "I can, and the plate is in the drawer.", is_sent=False)


async def read_the_list(page: Page) -> None:
    await expect(row_of(page, "Two-person tent")).to_be_visible()


async def open_the_panel(page: Page) -> None:
    await page.get_by_role("button", name="Open messages").click()
    await expect(page.get_by_role("dialog", name="Messages").get_by_role("listitem").first).to_be_visible()


async def see_the_order(page: Page) -> None:
    await expect(bubble_of(page, "It should be with Mr Lopes")).to_be_visible()


PICTURES = (
    Picture("shop", "/?as=bea", DESK, "light", look_around),
    Picture("inbox", "/inbox?as=bea", DESK, "light", choose_the_table),
    Picture("desk-dark", "/desk?as=sol", DESK, "dark", answer_mia),
    Picture("order", "/orders/1001?as=bea", DESK, "light", see_the_order),
    Picture("widget", "/?as=mia", DESK, "light", open_the_panel),
    Picture("phone-list", "/inbox?as=bea", PHONE, "light", read_the_list),
    Picture("phone-thread", "/inbox?as=bea", PHONE, "light", choose_the_table),
    Picture("phone-thread-dark", "/inbox?as=bea", PHONE, "dark", choose_the_table),
)


async def take(browser: Browser, shop: str, picture: Picture) -> Path:
    """Take one picture, in a profile of its own."""
    width, height = picture.size
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=picture.scheme,
        reduced_motion="reduce",
        locale="en-GB",
    )
    page = await context.new_page()
    await page.goto(f"{shop}{picture.path}")
    await picture.scene(page)
    await page.mouse.move(0, 0)  # over nothing that shows what can be done
    path = FOLDER / f"{picture.name}.png"
    await page.screenshot(path=path, animations="disabled", caret="hide")
    await context.close()
    return path


async def main() -> None:
    """Take them all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    async with demo_shop() as shop, chromium() as browser:
        for picture in PICTURES:
            path = await take(browser, shop, picture)
            print(f"{path.relative_to(FOLDER.parents[1])}: {path.stat().st_size / 1024:.0f} KB")


if __name__ == "__main__":
    asyncio.run(main())
