"""A relay: a listening port of this machine in front of something, for a test to break what passes."""

from __future__ import annotations

import asyncio

CHUNK = 65_536

End = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Relay:
    """Whoever derives says what is behind it (`dial`) and how bytes pass (`flow`); with `flow` a connection ends."""

    def __init__(self) -> None:
        self.tasks: set[asyncio.Task[None]] = set()

    async def dial(self) -> End:
        """A connection to what is behind."""
        raise NotImplementedError

    async def flow(self, here: End, there: End) -> None:
        """Pass on what comes, until both have said all."""
        raise NotImplementedError

    async def listen(self) -> int:
        """Begin; gives the port."""
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(self.server.sockets[0].getsockname()[1])

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
            there = await self.dial()
            ends.append(there[1])
            await self.flow((reader, writer), there)
        except (OSError, asyncio.CancelledError):  # cancelled is how it ends; the server would make an error of it
            pass
        finally:
            self.tasks.discard(task)
            for end in ends:
                end.transport.abort()
