"""The embedded Postgres after somebody was impatient with it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness import ROOT, eventually

START = "import sys; from pathlib import Path; from app import embedded; print(embedded.start(Path(sys.argv[1])))"
ASK = "; import asyncio, asyncpg; asyncio.run(asyncpg.connect(embedded.start(Path(sys.argv[1]))))"


@pytest.fixture
def home() -> Iterator[Path]:
    """Not pytest's folder, which the user that Postgres runs as cannot enter."""
    home = Path(tempfile.mkdtemp(prefix="parley-embedded-"))
    yield home
    shutil.rmtree(home, ignore_errors=True)


@pytest.mark.parametrize("kill", [os.killpg, os.kill])
async def test_a_first_start_that_was_killed_is_begun_anew(home: Path, kill: Callable[[int, int], None]) -> None:
    """All of it, or Parley alone: then initdb goes on for a while. Meanwhile another process got its number."""
    first = subprocess.Popen([sys.executable, "-c", START, str(home)], cwd=ROOT, start_new_session=True)  # noqa: ASYNC220

    async def is_half_done() -> bool:
        return (home / "postgres" / "base").exists()

    await eventually(is_half_done)
    kill(first.pid, signal.SIGKILL)
    first.wait()
    begun = home / "postgres-begun"
    begun.write_text(f"{os.getpid()} {begun.read_text().split()[1]}")  # its number is another's now
    again = subprocess.run([sys.executable, "-c", START + ASK, str(home)], cwd=ROOT, timeout=60, check=False)  # noqa: ASYNC221
    assert 0 == again.returncode
    assert ["postgres"] == os.listdir(home)
