"""Child processes: starting, stopping by process id, and what they cost. Not here: what is started (`servers`)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

STOP_SECONDS = 25.0  # a server may drain for 20 s; then it is killed
KILL_SECONDS = 5.0
POLL_SECONDS = 0.002


class ProcessError(Exception):
    """A program of the benchmark did not start, or ended too early."""


@asynccontextmanager
async def running(arguments: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None) -> AsyncIterator[int]:
    """Run a program in a session of its own and give its process id. It is stopped with all its children.

    A session of its own keeps Ctrl-C for us: children are stopped in order and not by the terminal.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: ASYNC220  a fork of a few milliseconds, between measurements
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
    try:
        yield process.pid
    finally:
        await _stop(process)


async def _stop(process: subprocess.Popen[bytes]) -> None:
    tree = _tree(process.pid)
    process.terminate()
    try:
        with contextlib.suppress(TimeoutError):
            await until(lambda: process.poll() is not None, STOP_SECONDS, "a program to stop")
    finally:  # cancelled as well: what was started ends with us
        for child in tree:
            with contextlib.suppress(psutil.NoSuchProcess):  # psutil knows a reused number by its start time
                child.kill()
        process.wait(KILL_SECONDS)


def cpu_seconds(*pids: int) -> float:
    """User and system time of the process trees, including children that have ended meanwhile.

    A child that ended is in the `children_*` times of the parent that reaped it, so nothing is lost and nothing
    counts twice. The kernel gives hundredths of a second per process: measure over seconds, not less.
    """
    total = 0.0
    for pid in pids:
        for process in _tree(pid):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
    return total


def resident_bytes(pid: int) -> int:
    """Resident memory of the process tree. Buffers of the kernel's sockets are not in it."""
    total = 0
    for process in _tree(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += process.memory_info().rss
    return total


def _tree(pid: int) -> list[psutil.Process]:
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def is_alive(pid: int) -> bool:
    """Whether the program still runs; a zombie does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


async def until(is_true: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait for a condition. Raises `TimeoutError` naming what did not come."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not is_true():
        if asyncio.get_running_loop().time() > deadline:
            raise TimeoutError(f"waited {seconds:g} s for {what}")
        await asyncio.sleep(POLL_SECONDS)
