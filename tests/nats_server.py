"""A real NATS server for one test to kill and bring back, and a wire to it that can be made slow or dead."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from tests import relay
from tests.harness import eventually, free_port

BINARY = Path(sys.executable).parent / "nats-server"


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


class Wire(relay.Relay):
    """TCP in front of a port of this machine. What passes arrives `delay_seconds` later, in either direction; with
    `is_dead` nothing arrives and nothing is closed."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.target = port
        self.delay_seconds = 0.0
        self.is_dead = False

    async def __aenter__(self) -> Wire:
        self.url = f"nats://127.0.0.1:{await self.listen()}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def dial(self) -> relay.End:
        return await asyncio.open_connection("127.0.0.1", self.target)

    async def flow(self, here: relay.End, there: relay.End) -> None:
        """Until one of them has said all."""
        both = [asyncio.create_task(self._pass(source[0], to[1])) for source, to in ((here, there), (there, here))]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in both:
                one.cancel()

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        with suppress(OSError):
            while data := await source.read(relay.CHUNK):
                if not self.is_dead:
                    loop.call_later(self.delay_seconds, target.write, data)
