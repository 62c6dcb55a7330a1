"""A demo shop with a database of its own, for programs that look at it and are not tests."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.harness import Server


@asynccontextmanager
async def demo_shop() -> AsyncIterator[str]:
    """The address of a shop as `make run` starts it, on a free port and without limits. It ends with its data."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server("", Path(folder), "--demo")
        try:
            yield (await server.start()).url
        finally:
            await server.close()
