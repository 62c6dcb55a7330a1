"""The server that `make loadtest` starts: Parley on loopback, with an embedded Postgres of its own in a new folder.

Postgres outlives the server, so that the server can be started anew in the middle of a test. Only the launcher imports
this: it is asyncio, and locust's processes are gevent.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from loadtests.bench import postgres
from loadtests.bench.client import HOST, Call, call
from loadtests.bench.processes import ProcessError, cpu_seconds, free_port, is_alive, resident_bytes, running
from loadtests.bench.servers import ROOT, Bench, migrated

DATABASE = "parley_load"
START_SECONDS = 30.0
POLL_SECONDS = 0.05


class OwnServer:
    """`restart()` may be called from a signal handler."""

    def __init__(self, bench: Bench, workers: int) -> None:
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self.secret = secrets.token_urlsafe(48)
        self.log = bench.folder / "parley.log"
        self.pid = 0
        self.restarts = 0
        self.cpu_seconds = 0.0
        self.bytes_max = 0
        self._wanted = asyncio.Event()
        self._arguments = ["-m", "app", "serve", "--host", HOST, "--port", str(self.port)]
        self._arguments += ["--workers", str(workers), "--no-demo"]
        self._environment = {
            "PARLEY_DATABASE_URL": bench.postgres.database_url(DATABASE),
            "PARLEY_DATA_DIR": str(bench.folder / "parley"),
            "PARLEY_JWT_SECRET": self.secret,
            "PARLEY_SEND_LIMIT": "off",
            "PARLEY_OPEN_LIMIT": "off",
            "PYTHONPATH": str(ROOT),
        }

    def restart(self) -> None:
        """End the server as a deploy does (SIGTERM), and start it again on the same port."""
        self._wanted.set()

    async def serve(self, is_ready: asyncio.Event) -> None:
        """Run until cancelled. Raises `ProcessError` when the server does not start, or ends by itself."""
        while True:
            async with running([sys.executable, *self._arguments], log=self.log, env=self._environment) as self.pid:
                await self._ready()
                is_ready.set()
                try:
                    await self._watch()
                finally:
                    self.cpu_seconds += cpu_seconds(self.pid)
            self.restarts += 1

    async def _watch(self) -> None:
        """Until a restart is wanted; looks at the memory once a second."""
        self._wanted.clear()
        while not self._wanted.is_set():
            if not is_alive(self.pid):
                raise ProcessError(f"the server ended by itself:\n{self.end_of_log()}")
            self.bytes_max = max(self.bytes_max, resident_bytes(self.pid))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), 1.0)

    async def _ready(self) -> None:
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            if not is_alive(self.pid):
                raise ProcessError(f"the server ended while starting:\n{self.end_of_log()}")
            with contextlib.suppress(OSError):
                status, _ = await call(self.port, Call("GET", "/health/ready"))
                if status == 200:
                    return
            await asyncio.sleep(POLL_SECONDS)
        raise ProcessError(f"the server was not ready within {START_SECONDS:g} s:\n{self.end_of_log()}")

    def end_of_log(self) -> str:
        return self.log.read_text(errors="replace")[-2000:]


@asynccontextmanager
async def own_server(workers: int) -> AsyncIterator[OwnServer]:
    """A ready server. It and its database are gone afterwards."""
    with postgres.embedded() as database, tempfile.TemporaryDirectory(prefix="parley-load-") as folder:
        bench = Bench(database, Path(folder), is_quick=False)
        await migrated(bench, DATABASE)
        server = OwnServer(bench, workers)
        is_ready = asyncio.Event()
        serving = asyncio.create_task(server.serve(is_ready))
        ready = asyncio.create_task(is_ready.wait())
        try:
            await asyncio.wait({serving, ready}, return_when=asyncio.FIRST_COMPLETED)
            if serving.done():
                serving.result()
            yield server
        finally:
            ready.cancel()
            serving.cancel()
            await asyncio.gather(serving, ready, return_exceptions=True)
