"""A real Chromium, the system's, with a fresh profile for each person."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, async_playwright

from tests.conftest import NewDatabase
from tests.harness import Server

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(FLAGS), headless=True)
        yield browser
        await browser.close()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
async def shop(new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The address of a demo shop that the tests of a file share."""
    server = await Server(await new_database(), tmp_path_factory.mktemp("shop"), "--demo").start()
    yield server.url
    await server.close()


@pytest.fixture(scope="module")
async def people() -> AsyncIterator[Browser]:
    """One browser for all tests of a file."""
    async with chromium() as browser:
        yield browser


@pytest.fixture
async def complaints() -> list[str]:
    """What consoles complained of."""
    return []
