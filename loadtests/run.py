"""`python -m loadtests.run` (`make loadtest`): a server of its own, locust against it, an HTML report, a verdict.

Ends with 0 when nothing was lost, doubled or reordered, 1 when something was, 3 when that could not be proven.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import resource
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from math import inf
from pathlib import Path

from loadtests.bench.processes import ProcessError, free_port
from loadtests.own_server import OwnServer, own_server
from loadtests.shapes import SHAPES
from loadtests.tally import UNPROVEN

ROOT = Path(__file__).resolve().parent.parent
LOCUSTFILE = ROOT / "loadtests" / "locustfile.py"
REPORT = Path("reports/loadtest.html")
RAMP_SECONDS = 10.0  # in which all users come
FILES_PER_USER = 2
FILES_BESIDE = 200


def main() -> None:
    given = _parser().parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it for what runs in the background
    _allow_many_files(given.users)
    try:
        sys.exit(asyncio.run(run(given)))
    except ProcessError as error:
        sys.exit(str(error))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m loadtests.run", description=__doc__)
    parser.add_argument("--minutes", type=_number(float), default=2.0, help="how long (default 2)")
    parser.add_argument("--users", type=_number(int, 1), default=100, help="at most so many at once (default 100)")
    parser.add_argument("--spawn-rate", type=_number(float), help="users that come per second (default: all in 10 s)")
    shapes = "; ".join(f"{name}: {shape.what}" for name, shape in SHAPES.items())
    parser.add_argument("--shape", choices=sorted(SHAPES), default="mix", help=shapes)
    parser.add_argument(
        "--processes", type=_number(int, 0), default=0, help="so many locust workers (default: one process)"
    )
    parser.add_argument(
        "--server-workers", type=_number(int, 1), default=1, help="workers of the own server (default 1)"
    )
    parser.add_argument(
        "--url", type=_url, help="another server, instead of an own one; its tokens: see loadtests/README.md"
    )
    parser.add_argument(
        "--web", type=_number(int, 1), metavar="PORT", help="locust's web page there, instead of a run at once"
    )
    parser.add_argument("--report", type=Path, default=REPORT, help=f"the HTML report (default {REPORT})")
    return parser


def _number(kind: type[int] | type[float], least: float = 0.001) -> Callable[[str], float]:
    def number(raw: str) -> float:
        value = kind(raw)
        if not least <= value < inf:
            raise argparse.ArgumentTypeError(f"{raw} is not at least {least:g}")
        return value

    return number


def _url(raw: str) -> str:
    return raw.rstrip("/")  # paths begin with one


async def run(given: argparse.Namespace) -> int:
    """Locust's exit code."""
    given.report.parent.mkdir(parents=True, exist_ok=True)
    if given.url:
        return await _locust(given, given.url, {})
    print("Starting Postgres and a server ...", flush=True)
    async with own_server(given.server_workers) as server, _restarted_by_signal(server):
        environment = {
            "LOADTEST_JWT_SECRET": server.secret,
            "LOADTEST_RESTART_COMMAND": f"kill -HUP {os.getpid()}",
        }
        print(f"Parley is at {server.url}", flush=True)
        code = await _locust(given, server.url, environment)
        used = f"{server.bytes_max / 2**20:.0f} MiB at most, started anew {server.restarts} times"
    print(f"server      {server.cpu_seconds:.1f} s of CPU, {used}")
    return code


async def _locust(given: argparse.Namespace, url: str, environment: Mapping[str, str]) -> int:
    """Run locust; Ctrl-C and SIGTERM end it in order, with a report."""
    figures = given.report.with_suffix(".json")
    figures.unlink(missing_ok=True)
    process = subprocess.Popen(  # noqa: ASYNC220  a fork of a few milliseconds
        [sys.executable, "-m", "locust", *arguments(given, url)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **environment, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, process.send_signal, signal.SIGINT)
    try:
        code = await asyncio.to_thread(process.wait)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        with contextlib.suppress(ProcessLookupError):  # workers too, when their master died before them
            os.killpg(process.pid, signal.SIGKILL)
    if not figures.exists():
        print("locust ended without a verdict", file=sys.stderr)
        return UNPROVEN
    print(f"report      {given.report if given.web is None else figures}", flush=True)
    return code


def arguments(given: argparse.Namespace, url: str) -> list[str]:
    """Locust's command line."""
    found = ["-f", str(LOCUSTFILE), "--host", url, "--shape", given.shape, "--users", str(given.users)]
    found += ["--run-time", f"{max(1, round(given.minutes * 60))}s"]
    found += ["--verdict", str(given.report.with_suffix(".json").resolve())]
    found += ["--spawn-rate", f"{given.spawn_rate or max(1.0, given.users / RAMP_SECONDS):g}"]
    if given.processes:
        port = str(free_port())
        found += ["--processes", str(given.processes), "--master-port", port]
        found += ["--master-bind-host", "127.0.0.1", "--master-bind-port", port]
    if given.web is not None:
        return [*found, "--web-host", "127.0.0.1", "--web-port", str(given.web)]
    return [*found, "--headless", "--only-summary", "--html", str(given.report.resolve())]


@asynccontextmanager
async def _restarted_by_signal(server: OwnServer) -> AsyncIterator[None]:
    """SIGHUP starts the server anew: locust sends it when a storm is due."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, server.restart)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)


def _allow_many_files(users: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = users * FILES_PER_USER + FILES_BESIDE
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, limit), hard))
    if max(soft, limit) < wanted:
        print(f"only {hard} files may be open, {users} users need {wanted} (ulimit -n)", file=sys.stderr)


if __name__ == "__main__":
    main()
