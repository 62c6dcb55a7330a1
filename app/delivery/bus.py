"""The bus between processes, over LISTEN/NOTIFY: hints of the log's head, and signals. It may lose anything.

One dedicated connection, never from the pool. A probe it sends to itself every few seconds tells whether it hears:
through a transaction pooler LISTEN is silently deaf. Not here: what a hint means (`listener.py`).
"""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import asyncpg
import structlog

from app import metrics
from app.database import AWAY, CONNECT_SECONDS, DB, FAILED, connection_arguments

LOG_CHANNEL = "parley_log"
SIGNAL_CHANNEL = "parley_signal"
PAYLOAD_BYTES_MAX = 7_900  # NOTIFY takes 7,999
COALESCE_SECONDS = 0.05  # signals of this time travel together
PROBE_SECONDS = 3.0
ECHO_SECONDS = 2.0
BACKOFF_SECONDS = (0.1, 2.0)
SIGNALS_WAITING_MAX = 5_000  # more than a bus can carry are dropped: they are only signals

log = structlog.get_logger("parley.bus")

Signal = tuple[str, str, list[str]]  # kind, data (JSON), audience


class Bus:
    """`on_head(position)` and `on_signal(kind, data, audience)` are called for what is heard; `on_connect` after each
    (re)connection, before `is_hearing` becomes true."""

    def __init__(
        self,
        url: str,
        *,
        on_head: Callable[[int], None],
        on_signal: Callable[[str, str, list[str]], None],
        on_connect: Callable[[], Awaitable[None]],
    ) -> None:
        self.url = url
        self.on_head = on_head
        self.on_signal = on_signal
        self.on_connect = on_connect
        self.is_hearing = False
        self.deaf_since = time.monotonic()
        self.echo_channel = f"parley_echo_{secrets.token_hex(6)}"
        self.echo = asyncio.Event()
        self.lost = asyncio.Event()
        self.waiting: list[Signal] = []
        self.flushing: asyncio.Task[None] | None = None

    # --- hearing ---------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Listen for ever, reconnecting with jitter."""
        delay = BACKOFF_SECONDS[0]
        while True:
            try:
                await self._listen()
                delay = BACKOFF_SECONDS[0]
            except FAILED as error:
                log.warning("listener lost", error=type(error).__name__)
            self._go_deaf()
            await asyncio.sleep(random.uniform(0, delay))
            delay = min(delay * 2, BACKOFF_SECONDS[1])

    async def _listen(self) -> None:
        connection = await asyncpg.connect(
            **connection_arguments(self.url), timeout=CONNECT_SECONDS, command_timeout=ECHO_SECONDS
        )
        try:
            _keep_alive(connection)
            self.lost.clear()
            connection.add_termination_listener(lambda _: self.lost.set())
            await connection.add_listener(LOG_CHANNEL, lambda *said: self.on_head(int(said[3])))
            await connection.add_listener(SIGNAL_CHANNEL, lambda *said: self._hear(said[3]))
            await connection.add_listener(self.echo_channel, lambda *_: self.echo.set())
            await self._probe()
            await self.on_connect()
            self._hear_again()
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(PROBE_SECONDS):
                        await self.lost.wait()
                        return
                await self._probe()
        finally:
            connection.terminate()

    async def _probe(self) -> None:
        """Raise TimeoutError when what is said on the pool's connections is not heard on the listening one."""
        self.echo.clear()
        await self._say("SELECT pg_notify($1, '')", self.echo_channel)
        async with asyncio.timeout(ECHO_SECONDS):
            await self.echo.wait()

    def _hear(self, said: str) -> None:
        for kind, data, audience in json.loads(said):
            metrics.SIGNALS.inc()
            self.on_signal(kind, data, audience)

    def _hear_again(self) -> None:
        self.is_hearing = True
        metrics.DEAF.inc(time.monotonic() - self.deaf_since)
        log.info("listening")

    def _go_deaf(self) -> None:
        if self.is_hearing:
            self.is_hearing = False
            self.deaf_since = time.monotonic()

    # --- telling ---------------------------------------------------------------------------------------------------

    def signal(self, kind: str, data: str, audience: list[str]) -> None:
        """Tell every process, soon: signals of 50 ms travel together. `data` is the JSON of the wire."""
        if len(self.waiting) < SIGNALS_WAITING_MAX:
            self.waiting.append((kind, data, audience))
        if self.flushing is None:
            self.flushing = asyncio.create_task(self._flush())

    async def _flush(self) -> None:
        try:
            await asyncio.sleep(COALESCE_SECONDS)
            signals, self.waiting = self.waiting, []
            payloads = list(_payloads(signals))
            with suppress(*AWAY):
                await self._say("SELECT pg_notify($1, said) FROM unnest($2::text[]) AS said", SIGNAL_CHANNEL, payloads)
        finally:
            self.flushing = None
            if self.waiting:
                self.flushing = asyncio.create_task(self._flush())

    async def _say(self, statement: str, *arguments: Any) -> None:
        async with DB.pool.acquire(timeout=ECHO_SECONDS) as connection:  # type: ignore[union-attr]
            await connection.execute(statement, *arguments)


def payload(kind: str, data: str) -> str:
    """One signal for everybody, as it travels on `SIGNAL_CHANNEL`: for whoever tells it in a statement of their own."""
    return json.dumps([(kind, data, [])], separators=(",", ":"))


def _payloads(signals: list[Signal]) -> list[str]:
    """The signals as NOTIFY payloads: as many in one as fit, a wide audience cut into several."""
    payloads: list[str] = []
    gathered: list[str] = []
    size = 2
    for kind, data, audience in signals:
        for piece in _pieces(kind, data, audience):
            said = json.dumps(piece, separators=(",", ":"))
            if gathered and size + len(said) + 1 > PAYLOAD_BYTES_MAX:
                payloads.append(f"[{','.join(gathered)}]")
                gathered, size = [], 2
            gathered.append(said)
            size += len(said) + 1
    if gathered:
        payloads.append(f"[{','.join(gathered)}]")
    return payloads


def _pieces(kind: str, data: str, audience: list[str]) -> list[Signal]:
    if len(json.dumps((kind, data, audience))) <= PAYLOAD_BYTES_MAX - 2:
        return [(kind, data, audience)]
    if len(audience) <= 1:
        return []  # one signal that does not fit alone cannot be told
    half = len(audience) // 2
    return _pieces(kind, data, audience[:half]) + _pieces(kind, data, audience[half:])


def _keep_alive(connection: Any) -> None:
    """Ask the kernel to notice a peer that vanished without a word (a half-open connection)."""
    raw = connection._transport.get_extra_info("socket")
    if raw is not None and raw.family in (socket.AF_INET, socket.AF_INET6):
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_KEEPIDLE"):
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 2)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
