"""The bus over LISTEN/NOTIFY. A commit tells the log's head by itself: the functions that write say NOTIFY in the same
transaction, so it is said exactly when it is true.

One dedicated connection, never from the pool; through a transaction pooler LISTEN is silently deaf.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from app.database import ACQUIRE_SECONDS, CONNECT_SECONDS, DB, connection_arguments
from app.delivery.bus import ECHO_SECONDS, Bus, keep_alive

LOG_CHANNEL = "parley_log"
SIGNAL_CHANNEL = "parley_signal"


class PostgresBus(Bus):
    """`url` is the way to the server itself."""

    name = "postgres"
    hears_commits = True

    def __init__(
        self,
        url: str,
        *,
        on_head: Callable[[int], None],
        on_signal: Callable[[str, str, list[str]], None],
        on_connect: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(on_head=on_head, on_signal=on_signal, on_connect=on_connect)
        self.url = url
        self.echo_channel = f"parley_echo_{secrets.token_hex(6)}"

    async def _listen(self) -> None:
        connection = await asyncpg.connect(
            **connection_arguments(self.url), timeout=CONNECT_SECONDS, command_timeout=ECHO_SECONDS
        )
        try:
            keep_alive(connection._transport.get_extra_info("socket"))
            self.lost.clear()
            connection.add_termination_listener(lambda _: self.lost.set())
            await connection.add_listener(LOG_CHANNEL, lambda *said: self.on_head(int(said[3])))
            await connection.add_listener(SIGNAL_CHANNEL, lambda *said: self._hear(said[3]))
            await connection.add_listener(self.echo_channel, lambda *_: self.echo.set())
            await self._attend()
        finally:
            connection.terminate()

    async def _knock(self) -> None:
        """By the pool, as everything is told: what is said there must be heard here."""
        await _notify("SELECT pg_notify($1, '')", self.echo_channel)

    async def _say(self, payloads: list[str]) -> None:
        await _notify("SELECT pg_notify($1, said) FROM unnest($2::text[]) AS said", SIGNAL_CHANNEL, payloads)


async def _notify(statement: str, *arguments: Any) -> None:
    async with DB.pool.acquire(timeout=ACQUIRE_SECONDS) as connection:  # type: ignore[union-attr]
        await connection.execute(statement, *arguments)
