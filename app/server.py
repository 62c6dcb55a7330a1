"""The server process: uvicorn, with our own way of ending, and several of them on one port.

uvicorn's way of SIGTERM closes the socket and tells streams nothing. Ours: not ready → `bye` to every stream → a while
in which requests are still answered, each asking its client to close the kept connection → the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from types import FrameType

import structlog
import uvicorn

from app import asgi
from app.settings import Settings, child_environment

BACKLOG = 2_048
KEEP_ALIVE_SECONDS = 75  # longer than common proxies keep theirs, so that the proxy is the one to close
GRACEFUL_SECONDS = 10  # for requests under way when the draining is over
RESTART_SECONDS = 1.0  # between a worker's crash and its successor
END_SECONDS = 18.0  # a worker that has not ended by then is killed
ENDINGS = (signal.SIGTERM, signal.SIGINT)

log = structlog.get_logger("parley.server")


class Server(uvicorn.Server):
    """uvicorn's server, draining first."""

    drain_seconds = 2.0
    draining: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        loop = asyncio.get_running_loop()
        for ending in ENDINGS:
            loop.add_signal_handler(ending, self._end)
        yield

    def _end(self) -> None:
        if self.draining is None:
            self.draining = asyncio.create_task(self._drain())
        else:  # asked twice: at once
            self.should_exit = self.force_exit = True

    async def _drain(self) -> None:
        log.info("draining")
        asgi.drain()
        await asyncio.sleep(self.drain_seconds)
        self.should_exit = True


def bind(host: str, port: int) -> socket.socket:
    """The listening socket. Raises OSError when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((host, port))
    listening.listen(BACKLOG)
    listening.set_inheritable(True)
    return listening


def run(settings: Settings, listening: socket.socket) -> None:
    """Serve until told to end, in this process."""
    config = uvicorn.Config(
        asgi.create_app(settings),
        loop="uvloop",
        http="httptools",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=True,
        proxy_headers=True,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
        backlog=BACKLOG,
    )
    server = Server(config)
    server.drain_seconds = settings.drain_seconds
    server.run(sockets=[listening])
    if not server.started:
        raise SystemExit(3)


class Supervisor:
    """Several workers on one listening socket. A worker that dies is replaced; told to end, all drain together.

    A worker gets the settings by its environment, so it needs the database's URL there.
    """

    def __init__(self, settings: Settings, listening: socket.socket, **environment: str) -> None:
        self.count = settings.workers
        self.listening = listening
        self.environment = environment
        self.workers: list[subprocess.Popen[bytes]] = []
        self.is_ending = False

    def run(self) -> None:
        for ending in ENDINGS:
            signal.signal(ending, self._end)
        self.workers = [self._start() for _ in range(self.count)]
        while not self.is_ending:
            time.sleep(0.2)
            for index, worker in enumerate(self.workers):
                if worker.poll() is not None and not self.is_ending:
                    log.warning("a worker ended, starting another", pid=worker.pid, status=worker.returncode)
                    time.sleep(RESTART_SECONDS)
                    self.workers[index] = self._start()
        self._wait()

    def _start(self) -> subprocess.Popen[bytes]:
        fd = self.listening.fileno()
        return subprocess.Popen(  # noqa: S603  our own module
            [sys.executable, "-m", "app", "worker", "--fd", str(fd)],
            pass_fds=[fd],
            env=child_environment(**self.environment),
            start_new_session=True,  # Ctrl-C reaches us alone; we pass it on
        )

    def _end(self, *_: int | FrameType | None) -> None:
        self.is_ending = True
        for worker in self.workers:
            if worker.poll() is None:
                worker.terminate()

    def _wait(self) -> None:
        deadline = time.monotonic() + END_SECONDS
        for worker in self.workers:
            try:
                worker.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.error("a worker did not end in time", pid=worker.pid)
                worker.kill()
                worker.wait()
