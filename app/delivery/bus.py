"""The bus between processes: hints of the log's head, and signals. It may lose anything.

Four things a bus does: `run` (hear, reconnecting for ever), `tell` the head, `signal`, and know whether it hears. It
asks itself every few seconds by an echo, for there are ways to be silently deaf. Over Postgres in `bus_postgres.py`,
over NATS in `bus_nats.py`. Not here: what a hint means (`listener.py`).
"""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import msgspec
import structlog

from app import metrics
from app.database import FAILED

PAYLOAD_BYTES_MAX = 7_900  # NOTIFY takes 7,999
COALESCE_SECONDS = 0.05  # signals of this time travel together
PROBE_SECONDS = 3.0
ECHO_SECONDS = 2.0
BACKOFF_SECONDS = (0.1, 2.0)
SIGNALS_WAITING_MAX = 5_000  # more than a bus can carry are dropped: they are only signals

log = structlog.get_logger("parley.bus")

Signal = tuple[str, str, list[str]]  # kind, data (JSON), audience

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[Signal]).decode


class Bus:
    """`on_head(position)` and `on_signal(kind, data, audience)` are called for what is heard; `on_connect` after each
    (re)connection, before `is_hearing` becomes true."""

    name = "bus"
    hears_commits = False  # whether a commit tells the others by itself, or `tell` must be called after it
    check_seconds = 3.0  # between two looks at the log's head while it hears
    failures: tuple[type[Exception], ...] = FAILED

    def __init__(
        self,
        *,
        on_head: Callable[[int], None],
        on_signal: Callable[[str, str, list[str]], None],
        on_connect: Callable[[], Awaitable[None]],
    ) -> None:
        self.on_head = on_head
        self.on_signal = on_signal
        self.on_connect = on_connect
        self.is_hearing = False
        self.deaf_since = time.monotonic()
        self.trouble = "not connected yet"
        self.echo = asyncio.Event()
        self.lost = asyncio.Event()
        self.waiting: list[Signal] = []
        self.flushing: asyncio.Task[None] | None = None

    # --- what each kind of bus does in its own way -----------------------------------------------------------------

    async def _listen(self) -> None:
        """Connect, and call `_attend` once everything that is told can be heard; hang up at the end."""
        raise NotImplementedError

    async def _knock(self) -> None:
        """Say something that sets `echo` when it is heard."""
        raise NotImplementedError

    async def _say(self, payloads: list[str]) -> None:
        """Tell signals to all processes, this one too."""
        raise NotImplementedError

    def tell(self, position: int) -> None:
        """The log has reached this position: tell the others, where the commit has not done so."""

    def forget(self) -> None:
        """The log has another history now: what was said of the old one counts for nothing."""

    def explain(self, error: Exception) -> str:
        """What went wrong, in a word for the log and for `ready`. Never an address: it may have a password in it."""
        return type(error).__name__

    # --- hearing ---------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Listen for ever, reconnecting with jitter."""
        delay = BACKOFF_SECONDS[0]
        while not _is_cancelled():
            try:
                await self._listen()
                delay = BACKOFF_SECONDS[0]
            except self.failures as error:
                self.trouble = self.explain(error)
                log.warning("listener lost", bus=self.name, error=self.trouble)
            finally:
                self._go_deaf()
            await asyncio.sleep(random.uniform(0, delay))
            delay = min(delay * 2, BACKOFF_SECONDS[1])

    async def _attend(self) -> None:
        """Hear until the connection is lost. Raises TimeoutError when what is told is not heard."""
        await self._probe()
        await self.on_connect()
        self._hear_again()
        while not _is_cancelled():
            with suppress(TimeoutError):
                async with asyncio.timeout(PROBE_SECONDS):
                    await self.lost.wait()
                    return
            await self._probe()

    async def _probe(self) -> None:
        self.echo.clear()
        async with asyncio.timeout(ECHO_SECONDS):
            await self._knock()
            await self.echo.wait()

    def _hear(self, said: str | bytes) -> None:
        for kind, data, audience in _decode(said):
            metrics.SIGNALS.inc()
            self.on_signal(kind, data, audience)

    def _hear_again(self) -> None:
        self.is_hearing = True
        metrics.DEAF.inc(time.monotonic() - self.deaf_since)
        log.info("listening", bus=self.name)

    def _go_deaf(self) -> None:
        if self.is_hearing:
            self.is_hearing = False
            self.deaf_since = time.monotonic()

    @property
    def complaint(self) -> str | None:
        """Why this process is not ready, or None when it hears."""
        if self.is_hearing:
            return None
        seconds = time.monotonic() - self.deaf_since
        return f"{self.name} bus: deaf for {seconds:.1f} s ({self.trouble}), polling instead"

    # --- telling ---------------------------------------------------------------------------------------------------

    def signal(self, kind: str, data: str, audience: list[str]) -> None:
        """Tell every process, soon: signals of 50 ms travel together. `data` is the JSON of the wire."""
        if len(self.waiting) < SIGNALS_WAITING_MAX:
            self.waiting.append((kind, data, audience))
        if self.flushing is None:
            self.flushing = asyncio.create_task(self._flush())

    def unsay(self, kind: str, data: str) -> None:
        """Do not tell this any more, where it has not been told yet."""
        self.waiting = [signal for signal in self.waiting if signal[:2] != (kind, data)]

    async def announce(self, kind: str, data: str) -> None:
        """Tell every process a signal for everybody, now."""
        await self._say(payloads_of([(kind, data, [])]))

    async def _flush(self) -> None:
        try:
            await asyncio.sleep(COALESCE_SECONDS)
            signals, self.waiting = self.waiting, []
            with suppress(*self.failures):
                await self._say(payloads_of(signals))
        finally:
            self.flushing = None
            if self.waiting:
                self.flushing = asyncio.create_task(self._flush())


def _is_cancelled() -> bool:
    """Whether this task was told to end, also where a library has lost the word, as Python 3.11's `wait_for` does when
    what it waits for ends at the same moment."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def payloads_of(signals: list[Signal]) -> list[str]:
    """The signals as they travel: as many in one payload as fit, a wide audience cut into several."""
    payloads: list[str] = []
    gathered: list[bytes] = []
    size = 2
    for kind, data, audience in signals:
        for said in _pieces(kind, data, audience):
            if gathered and size + len(said) + 1 > PAYLOAD_BYTES_MAX:
                payloads.append(_payload(gathered))
                gathered, size = [], 2
            gathered.append(said)
            size += len(said) + 1
    if gathered:
        payloads.append(_payload(gathered))
    return payloads


def _payload(said: list[bytes]) -> str:
    return f"[{b','.join(said).decode()}]"


def _pieces(kind: str, data: str, audience: list[str]) -> list[bytes]:
    said = _encode((kind, data, audience))
    if len(said) <= PAYLOAD_BYTES_MAX - 2:
        return [said]
    if len(audience) <= 1:
        return []  # one signal that does not fit alone cannot be told
    half = len(audience) // 2
    return _pieces(kind, data, audience[:half]) + _pieces(kind, data, audience[half:])


def keep_alive(raw: Any) -> None:
    """Ask the kernel to notice a peer that vanished without a word (a half-open connection)."""
    if raw is not None and raw.family in (socket.AF_INET, socket.AF_INET6):
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_KEEPIDLE"):
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 2)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
