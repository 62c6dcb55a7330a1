"""A real NATS server for one test to kill and bring back, and a wire to it that can be made slow or dead."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from tests.harness import eventually, free_port

BINARY = Path(sys.executable).parent / "nats-server"
CHUNK = 65_536


class NatsServer:
    """`nats-server` on a port of its own; `config` is what its configuration file says besides."""

    def __init__(self, home: Path, config: str = "") -> None:
        self.port = free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self.log_path = home / f"nats-{self.port}.log"
        self.config_path = home / f"nats-{self.port}.conf"
        self.config_path.write_text(f"host: 127.0.0.1\nport: {self.port}\n{config}\n")
        self.process: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> NatsServer:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.kill()

    async def start(self) -> NatsServer:
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: ASYNC220  starting takes no time
                [BINARY, "-c", str(self.config_path)], stdout=log, stderr=log, start_new_session=True
            )
        await eventually(self._is_there)
        return self

    async def _is_there(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log_path.read_text()
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.transport.abort()
        return True

    def kill(self) -> None:
        """kill -9; started again it knows nothing of before."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


class Wire:
    """TCP in front of a port of this machine. What passes arrives `delay_seconds` later, in either direction; with
    `is_dead` nothing arrives and nothing is closed."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.delay_seconds = 0.0
        self.is_dead = False
        self.tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Wire:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"nats://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.server.close()
        tasks = list(self.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        ends = [writer]
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.target)
            ends.append(there_writer)
            both = [asyncio.create_task(self._pass(reader, there_writer))]
            both.append(asyncio.create_task(self._pass(there_reader, writer)))
            try:
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for one in both:
                    one.cancel()
        except (OSError, asyncio.CancelledError):  # cancelled is how it ends; the server would make an error of it
            pass
        finally:
            self.tasks.discard(task)
            for end in ends:
                end.transport.abort()

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        with suppress(OSError):
            while data := await source.read(CHUNK):
                if not self.is_dead:
                    loop.call_later(self.delay_seconds, target.write, data)
