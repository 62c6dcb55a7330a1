"""A relay in front of Postgres' socket: the network between it and a server, for a test to break."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs, urlsplit

from tests import relay


class Relay(relay.Relay):
    """TCP in front of the Unix socket of a database. `url` is the way to the same database through it.

    It can swallow everything without closing (a half-open connection), and hold what Postgres answers (with a `trap`:
    from the question on that has these bytes).
    """

    def __init__(self, database_url: str) -> None:
        super().__init__()
        parts = urlsplit(database_url)
        self.socket = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432"
        self.database = parts.path
        self.url = ""
        self.is_swallowing = False
        self.trap: bytes | None = None
        self.flowing = asyncio.Event()
        self.flowing.set()

    async def start(self) -> Relay:
        self.url = f"postgresql://postgres@127.0.0.1:{await self.listen()}{self.database}?sslmode=disable"
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

    async def dial(self) -> relay.End:
        return await asyncio.open_unix_connection(self.socket)

    async def flow(self, here: relay.End, there: relay.End) -> None:
        await asyncio.gather(self._ask(here[0], there[1]), self._answer(there[0], here[1]))

    async def _ask(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(relay.CHUNK):
            if self.trap is not None and self.trap in data:
                self.hold()
            await self._pass(data, target)
        target.close()

    async def _answer(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(relay.CHUNK):
            await self.flowing.wait()
            await self._pass(data, target)
        target.close()

    async def _pass(self, data: bytes, target: asyncio.StreamWriter) -> None:
        if not self.is_swallowing:
            target.write(data)
            await target.drain()
