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


@pytest.mark.parametrize("command", ["migrate", "doctor"])
def test_a_command_says_that_it_took_the_embedded_database(home: Path, command: str) -> None:
    said = ran(command, home, PARLEY_DEMO="1").stdout
    assert f"he database is embedded in {home / 'postgres'}, as there is no PARLEY_DATABASE_URL" in said


def test_a_command_says_which_database_it_took_without_the_password(home: Path) -> None:
    url = "postgresql://sol:hush@127.0.0.1:9/shop?sslmode=disable"
    done = ran("migrate", home, PARLEY_DATABASE_URL=url)
    assert "The database is 127.0.0.1:9/shop.\n" == done.stdout
    assert "hush" not in done.stderr


def test_there_is_no_new_epoch_where_no_database_is_named_and_no_demo_runs(home: Path) -> None:
    done = ran("epoch", home)
    assert (1, "") == (done.returncode, done.stdout)
    assert "Set PARLEY_DATABASE_URL" in done.stderr
    assert [] == os.listdir(home), "none was made for it"


def test_a_running_demo_gets_a_new_epoch(home: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", START + "; input()", str(home)],
        cwd=ROOT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as demo:
        assert demo.stdout is not None
        assert "postgresql" in demo.stdout.readline()
        assert 0 == ran("migrate", home).returncode
        done = ran("epoch", home)
        demo.communicate("\n")
    assert f"The database is embedded in {home / 'postgres'}" in done.stdout
    assert "The epoch is now " in done.stdout


def ran(command: str, home: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "PARLEY_DATA_DIR": str(home), **settings}
    return subprocess.run(
        [sys.executable, "-m", "app", command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
