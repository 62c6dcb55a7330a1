"""The bus over core NATS, for more than one machine and for a database behind a transaction pooler: no LISTEN anywhere.

NATS carries nothing that is not in Postgres or could not be lost: at most once is enough, since the log has no gaps.
A head is told after its commit. One that was told by nobody (the process was killed in between) is found by whoever
looks at the table next, once a second, and then told to the rest.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any
from urllib.parse import unquote, urlsplit

from nats import errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from app.database import FAILED
from app.delivery import log
from app.delivery.bus import Bus, keep_alive

CONNECT_SECONDS = 2  # each server of the list is given as long
HANG_UP_SECONDS = 0.5  # for what was told last; then the line is cut
TELL_SECONDS = 0.002  # heads told faster than that travel as one: the newest says it all


class NatsBus(Bus):
    """`urls` as in PARLEY_BUS: one server or several, separated by commas; any of them will do."""

    name = "nats"
    check_seconds = 1.0
    failures = (*FAILED, errors.Error)

    def __init__(
        self,
        urls: str,
        *,
        on_head: Callable[[int], None],
        on_signal: Callable[[str, str, list[str]], None],
        on_connect: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(on_head=on_head, on_signal=on_signal, on_connect=on_connect)
        self.urls = servers_of(urls)
        self.client: Client | None = None
        self.connected: Client | None = None  # and soon `client`
        self.place = ""
        self.own_echo = secrets.token_hex(6)
        self.newest = 0  # the highest head that anybody has told
        self.told_at = 0.0
        self.telling: asyncio.TimerHandle | None = None

    # --- hearing ---------------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        self.connected = None
        self.lost.clear()
        self.place = await log.place()
        self.connected = client = await self._connect()
        try:
            await client.subscribe(f"{self.place}.head", cb=self._hear_head)
            await client.subscribe(f"{self.place}.signal", cb=self._hear_signals)
            await client.subscribe(f"{self.place}.echo.{self.own_echo}", cb=self._hear_echo)
            self.client = client
            await self._attend()
        finally:
            self.client = None
            await _hang_up(client)

    async def _connect(self) -> Client:
        """A connection to one of the servers, tried in a random order."""
        trouble: Exception = errors.NoServersError()
        for url in random.sample(self.urls, len(self.urls)):
            client = _Client(is_private=url.startswith("tls://"))
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    await client.connect(
                        **_address(url),
                        name="parley",
                        allow_reconnect=False,  # `run` does it, and looks at what was missed
                        max_reconnect_attempts=1,
                        reconnect_time_wait=0,
                        connect_timeout=CONNECT_SECONDS,
                        closed_cb=partial(self._lose, client),
                        error_cb=_keep_silent,
                    )
            except self.failures as error:
                trouble = error
                await _hang_up(client)
            except BaseException:
                await _hang_up(client)
                raise
            else:
                keep_alive(_socket_of(client))
                return client
        raise trouble

    async def _lose(self, client: Client) -> None:
        """Told late of one that was tried in vain, or given up, too."""
        if client is self.connected:
            self.lost.set()

    async def _hear_head(self, said: Msg) -> None:
        position = int(said.data)
        self.newest = max(self.newest, position)
        self.on_head(position)

    async def _hear_signals(self, said: Msg) -> None:
        self._hear(said.data)

    async def _hear_echo(self, _: Msg) -> None:
        self.echo.set()

    async def _knock(self) -> None:
        await self._publish(f"echo.{self.own_echo}", b"")

    def forget(self) -> None:
        """Connect anew: what belongs to a history is told in a place of its own."""
        self.newest = 0
        self.lost.set()

    def explain(self, error: Exception) -> str:
        """NATS' own words for what the server says, as in "Authorization Violation"."""
        if type(error) is errors.Error:
            return str(error).removeprefix("nats: ").strip("'\" ")
        return super().explain(error)

    # --- telling ---------------------------------------------------------------------------------------------------

    def tell(self, position: int) -> None:
        """At once, and after that every 2 ms the newest."""
        if position <= self.newest or self.client is None:
            return
        self.newest = position
        if self.telling is None:
            pause = max(0.0, self.told_at + TELL_SECONDS - monotonic())
            self.telling = asyncio.get_running_loop().call_later(pause, self._tell_newest)

    def _tell_newest(self) -> None:
        self.telling = None
        self.told_at = monotonic()
        # `publish` only waits when nobody takes what was published before: then the hint is not worth waiting for.
        telling = self._publish("head", b"%d" % self.newest)
        with suppress(StopIteration, *self.failures):
            telling.send(None)
        telling.close()

    async def _say(self, payloads: list[str]) -> None:
        with suppress(*self.failures):
            for payload in payloads:
                await self._publish("signal", payload.encode())

    async def _publish(self, what: str, payload: bytes) -> None:
        if self.client is not None:
            await self.client.publish(f"{self.place}.{what}", payload)


class _Client(Client):
    """NATS' client, which takes `tls://` for a wish: whether to encrypt is said by the server, in the clear. Asked for
    privacy, this one says nothing to a server that offers none, least of all a password."""

    def __init__(self, *, is_private: bool) -> None:
        super().__init__()
        self.is_private = is_private

    def _connect_command(self) -> bytes:
        if self.is_private and not self._server_info.get("tls_required"):
            raise errors.SecureConnRequiredError
        return super()._connect_command()


def servers_of(urls: str) -> list[str]:
    """`nats://a:4222,tls://b` as a list, each with its scheme."""
    return [url.strip() for url in urls.split(",") if url.strip()]


def shown(urls: str) -> str:
    """The servers without user names and passwords, for people to read."""
    return ", ".join(urlsplit(url).netloc.rpartition("@")[2] for url in servers_of(urls))


def _address(url: str) -> dict[str, Any]:
    """The server, and who we are: a user alone is a token. The client would not decode what the address has escaped."""
    parts = urlsplit(url)
    server = {"servers": parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()}
    if parts.username is None:
        return server
    if parts.password is None:
        return {**server, "token": unquote(parts.username)}
    return {**server, "user": unquote(parts.username), "password": unquote(parts.password)}


async def _keep_silent(_: Exception) -> None:
    """What goes wrong with a connection is told by `run`, once."""


async def _hang_up(client: Client) -> None:
    """Close the connection once what was told is on its way, and cut it when that takes too long."""
    with suppress(TimeoutError, OSError, errors.Error):
        async with asyncio.timeout(HANG_UP_SECONDS):
            await client.close()
    writer = getattr(client._transport, "_io_writer", None)
    if writer is not None:
        writer.transport.abort()


def _socket_of(client: Client) -> Any:
    return client._transport._io_writer.get_extra_info("socket")  # type: ignore[union-attr]
