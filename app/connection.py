"""A client's connection: how long a request may take to arrive, how large its head may be, and when it ends.

uvicorn has neither limit: half a head, sent byte by byte (slow loris), would hold a connection for ever, and a head
without an end would fill the memory. All connections are looked through together from time to time; none has a timer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import structlog
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

SLOW_REQUEST_SECONDS = 20.0  # from its first byte (of a new connection: from its beginning) to its last
HEAD_BYTES_MAX = 64 * 1024  # a token has at most 8 KiB, and proxies in front allow no more than this
PACKET_BYTES_MAX = 256 * 1024  # what is read at once: of a single header without an end so much more may come
LOOK_SECONDS = 1.0

log = structlog.get_logger("parley.connection")


class Connection(HttpToolsProtocol):
    """uvicorn's protocol, knowing since when it waits for the rest of a request, and telling when its client goes."""

    waiting_since: float | None = None
    is_in_head = True
    came = 0  # bytes since the request began, or since its connection did
    on_gone: Callable[[], None] | None = None  # called when the client goes

    @property
    def is_fresh(self) -> bool:
        """No request has come on it yet."""
        return self.cycle is None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As uvicorn's, which asks the socket for the addresses, of which uvloop makes a copy each time: measured, 19
        µs instead of 3 with each connection. TLS is the proxy's affair."""
        self.waiting_since = self.loop.time()
        self.connections.add(self)
        self.transport = transport
        self.flow = FlowControl(transport)
        self.server = _address(transport.get_extra_info("sockname"))
        self.client = _address(transport.get_extra_info("peername"))
        self.scheme = "http"

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.on_gone is not None:
            self.on_gone()

    def data_received(self, data: bytes) -> None:
        self.came += len(data)
        super().data_received(data)
        if self.is_in_head:
            self.came = self.came or len(data)  # of a head behind another request nobody knows where it begins
            if self.came > HEAD_BYTES_MAX and self._is_head_too_large() and not self.transport.is_closing():
                self.refuse(431, b"Request Header Fields Too Large")

    def on_message_begin(self) -> None:
        self.is_in_head = True
        self.waiting_since = self.loop.time()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self.is_in_head = False
        if self.came > HEAD_BYTES_MAX and self._is_head_too_large():
            self.refuse(431, b"Request Header Fields Too Large")
            raise ValueError("the head is too large")  # the parser stops
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self.waiting_since = None
        self.came = 0
        super().on_message_complete()

    def refuse(self, status: int, reason: bytes) -> None:
        """Say why, as far as the other side listens, and hang up. In the midst of an answer: just hang up."""
        cycle: Any = self.cycle  # None before the first request, whatever its type says
        if cycle is not None and cycle.response_started and not cycle.response_complete:
            self.transport.abort()
            return
        self.transport.write(b"HTTP/1.1 %d %b\r\ncontent-length: 0\r\nconnection: close\r\n\r\n" % (status, reason))
        self.transport.close()

    def send_400_response(self, msg: str) -> None:
        if not self.transport.is_closing():
            super().send_400_response(msg)

    def _is_head_too_large(self) -> bool:
        headers: Any = self.headers  # None before the first request, whatever its type says
        known = len(self.url) + sum(len(name) + len(value) + 4 for name, value in headers) if headers else 0
        return known > HEAD_BYTES_MAX or self.came > HEAD_BYTES_MAX + PACKET_BYTES_MAX


def _address(known: Any) -> Any:
    """Host and port, without IPv6's other two; nothing of a client that has gone before it was looked at."""
    return known and known[:2]


def end_slow_ones(connections: Iterable[Any], now: float) -> None:
    """End the connections that have waited too long for the rest of a request, at this time of the loop."""
    slow = [
        connection
        for connection in connections
        if isinstance(connection, Connection)
        and connection.waiting_since is not None
        and now - connection.waiting_since > SLOW_REQUEST_SECONDS
    ]
    for connection in slow:
        connection.refuse(408, b"Request Timeout")
    if slow:
        log.warning("slow requests ended", count=len(slow))
