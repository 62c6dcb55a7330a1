"""A relay in front of Postgres' socket: the network between it and a server, for a test to break."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs, urlsplit

CHUNK = 65_536


class Relay:
    """TCP in front of the Unix socket of a database. `url` is the way to the same database through it.

    It can swallow everything without closing (a half-open connection), and hold what Postgres answers (with a `trap`:
    from the question on that has these bytes).
    """

    def __init__(self, database_url: str) -> None:
        parts = urlsplit(database_url)
        self.socket = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432"
        self.database = parts.path
        self.url = ""
        self.is_swallowing = False
        self.trap: bytes | None = None
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> Relay:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self.server.sockets[0].getsockname()[1]
        self.url = f"postgresql://postgres@127.0.0.1:{port}{self.database}?sslmode=disable"
        return self

    def hold(self) -> None:
        """Questions still reach Postgres; its answers wait."""
        self.flowing.clear()

    def release(self) -> None:
        self.trap = None
        self.flowing.set()

    @property
    def is_holding(self) -> bool:
        return not self.flowing.is_set()

    def cut(self) -> None:
        """End every connection, now."""
        for task in list(self.tasks):
            task.cancel()

    async def close(self) -> None:
        self.server.close()
        tasks = list(self.tasks)
        self.cut()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        ends = [writer]
        try:
            there_reader, there_writer = await asyncio.open_unix_connection(self.socket)
            ends.append(there_writer)
            await asyncio.gather(self._ask(reader, there_writer), self._answer(there_reader, writer))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self.tasks.discard(task)
            for end in ends:
                end.transport.abort()

    async def _ask(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(CHUNK):
            if self.trap is not None and self.trap in data:
                self.hold()
            await self._pass(data, target)
        target.close()

    async def _answer(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(CHUNK):
            await self.flowing.wait()
            await self._pass(data, target)
        target.close()

    async def _pass(self, data: bytes, target: asyncio.StreamWriter) -> None:
        if not self.is_swallowing:
            target.write(data)
            await target.drain()
