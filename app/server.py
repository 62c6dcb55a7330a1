"""The server process: uvicorn, with our own way of ending, and several of them on one port.

uvicorn's way of SIGTERM closes the socket and tells streams nothing. Ours: not ready → `bye` to every stream → a while
in which requests are still answered, each asking its client to close the kept connection → the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from types import FrameType

import structlog
import uvicorn
from prometheus_client import multiprocess

from app import asgi, port
from app.connection import LOOK_SECONDS as SLOW_LOOK_SECONDS
from app.connection import Connection, end_slow_ones
from app.settings import Settings, child_environment

KEEP_ALIVE_SECONDS = 75  # longer than common proxies keep theirs, so that the proxy is the one to close
GRACEFUL_SECONDS = 10  # for requests under way when the draining is over
RESTART_SECONDS = 1.0  # between a worker's crash and its successor
LOOK_SECONDS = 0.2
START_LOOK_SECONDS = 0.05
HALF_THROUGH_SECONDS = 0.5  # for those who are being connected when the port closes
FIRST_REQUEST_SECONDS = 2.0  # for the first request of a connection that was the last to come
END_SECONDS = 18.0  # a worker that has not ended by then is killed
ENDINGS = (signal.SIGTERM, signal.SIGINT)

log = structlog.get_logger("parley.server")


class Server(uvicorn.Server):
    """uvicorn's server, draining first."""

    drain_seconds = 2.0
    lifeline: int | None = None
    listening: socket.socket
    draining: asyncio.Task[None] | None = None

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ending = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        loop = asyncio.get_running_loop()
        for ending in ENDINGS:
            loop.add_signal_handler(ending, self._end)
        if self.lifeline is not None:
            loop.add_reader(self.lifeline, self._orphaned)
        yield

    async def main_loop(self) -> None:
        """Until the end. uvicorn's looks ten times a second whether it has come, which was half of what an idle server
        costs; ours is woken for it, and for the rest once a second is enough."""
        while not await self.on_tick(0):  # counted from 0 each time: the answers' date is renewed
            end_slow_ones(self.server_state.connections, asyncio.get_running_loop().time())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SLOW_LOOK_SECONDS):
                    await self.ending.wait()

    def _exit(self) -> None:
        self.should_exit = True
        self.ending.set()

    def _orphaned(self) -> None:
        """The other end of the lifeline is gone, and with it the supervisor."""
        assert self.lifeline is not None
        asyncio.get_running_loop().remove_reader(self.lifeline)
        self._end()

    def _end(self) -> None:
        if self.draining is None:
            self.draining = asyncio.create_task(self._drain())
        else:  # asked twice: at once
            self.force_exit = True
            self._exit()

    async def _drain(self) -> None:
        log.info("draining")
        while not self.started and not self.should_exit:  # noqa: ASYNC110  told to end while it starts
            await asyncio.sleep(START_LOOK_SECONDS)
        asgi.drain()
        await asyncio.sleep(self.drain_seconds)
        try:
            await self._stop_accepting()
        except OSError as error:  # no more file descriptors, for one: the end comes all the same
            log.warning("the port was closed abruptly", error=type(error).__name__)
        finally:
            self._exit()

    async def _stop_accepting(self) -> None:
        """Close the port so that nobody who got through is cut."""
        last = self.listening.dup()
        port.turn_away(last)
        await asyncio.sleep(HALF_THROUGH_SECONDS)
        for server in self.servers:
            server.close()
        self.listening.close()
        await asyncio.sleep(0)  # the loop lets go of the socket
        loop = asyncio.get_running_loop()
        for connection in port.rest_of(last):
            await loop.connect_accepted_socket(self._protocol, connection)
        until = loop.time() + FIRST_REQUEST_SECONDS
        while loop.time() < until and self._has_fresh_ones():  # noqa: ASYNC110  it is looked at, not told
            await asyncio.sleep(START_LOOK_SECONDS)

    def _has_fresh_ones(self) -> bool:
        """Whether someone connected and has not asked for anything yet."""
        connections = self.server_state.connections
        return any(isinstance(connection, Connection) and connection.is_fresh for connection in connections)

    def _protocol(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )


def run(settings: Settings, listening: socket.socket, lifeline: int | None = None) -> None:
    """Serve until told to end, in this process."""
    app = asgi.create_app(settings)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=Connection,
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=True,
        proxy_headers=False,  # `asgi.Edge` reads them, where they matter
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
        backlog=port.BACKLOG,
    )
    app.trust(config.forwarded_allow_ips)
    server = Server(config)
    server.drain_seconds = settings.drain_seconds
    server.lifeline = lifeline
    server.listening = listening
    server.run(sockets=[listening])
    if not server.started:
        raise SystemExit(3)


class Supervisor:
    """Several workers on one port. A worker that dies is replaced; told to end, all drain together.

    Each has a listening socket of its own, so that the kernel deals connections out evenly (measured with one socket
    for both: 237 to one and 19 to the other). A worker listens when it is ready; until then the others take all.

    A worker gets the settings by its environment, so it needs the database's URL there. It also gets a pipe of which we
    hold the other end: should we be killed, it drains and ends too, and the port is free again.
    """

    def __init__(self, settings: Settings, listening: socket.socket, metrics_dir: str, **environment: str) -> None:
        self.count = settings.workers
        self.family, self.address = listening.family, listening.getsockname()
        listening.close()  # nobody had the port
        self.held = self._bound()
        # And nobody else gets it while no worker listens: for others the port is in use, whatever they do not mind.
        self.held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        self.metrics_dir = metrics_dir
        self.environment = {**environment, "PROMETHEUS_MULTIPROC_DIR": metrics_dir}
        self.lifeline, self.our_end = os.pipe()
        self.workers: list[subprocess.Popen[bytes]] = []
        self.is_ending = False

    def run(self) -> None:
        for ending in ENDINGS:
            signal.signal(ending, self._end)
        while not self.is_ending:
            for worker in [worker for worker in self.workers if worker.poll() is not None]:
                log.warning("a worker ended, starting another", pid=worker.pid, status=worker.returncode)
                multiprocess.mark_process_dead(worker.pid, self.metrics_dir)  # type: ignore[no-untyped-call]
                self.workers.remove(worker)
                self._pause(RESTART_SECONDS)
            while len(self.workers) < self.count and not self.is_ending:
                self.workers.append(self._start())
            self._pause(LOOK_SECONDS)
        self._wait()

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.is_ending:
            time.sleep(0.05)

    def _bound(self) -> socket.socket:
        return port.bound(self.family, self.address, socket.SO_REUSEPORT)

    def _start(self) -> subprocess.Popen[bytes]:
        with self._bound() as its_own:  # and not ours: what waits in it shall end with the worker
            fds = [its_own.fileno(), self.lifeline]
            return subprocess.Popen(  # noqa: S603  our own module
                [sys.executable, "-m", "app", "worker", "--fd", str(fds[0]), "--lifeline", str(fds[1])],
                pass_fds=fds,
                env=child_environment(**self.environment),
                start_new_session=True,  # Ctrl-C reaches us alone; we pass it on
            )

    def _end(self, *_: int | FrameType | None) -> None:
        self.is_ending = True

    def _wait(self) -> None:
        for worker in self.workers:
            if worker.poll() is None:
                worker.terminate()
        deadline = time.monotonic() + END_SECONDS
        for worker in self.workers:
            try:
                worker.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.error("a worker did not end in time", pid=worker.pid)
                worker.kill()
                worker.wait()
        self.held.close()
