"""A connection that a stream or poll is read from. Sockets are gevent's, because locust has patched the standard ones.

locust's own client is for the calls: its answers come whole. A stream is read piece by piece, may be cut at any moment
by another greenlet, and a slow reader wants a small receive buffer.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from urllib.parse import urlsplit

from geventhttpclient.response import HTTPSocketResponse

CONNECT_SECONDS = 10.0
READ_BYTES = 65_536
SLOW_BUFFER_BYTES = 4_096  # so little that the server's sending soon has to wait
PREFIX = "/api/v1"


class Away(Exception):
    """The server could not be asked, for so long that asking was given up."""


class Site:
    """Where the server is: `https://shop.example/chat`."""

    def __init__(self, url: str, *, is_insecure: bool = False) -> None:
        parts = urlsplit(url)
        self.host = parts.hostname or "127.0.0.1"
        self.port = parts.port or (443 if parts.scheme == "https" else 80)
        self.authority = parts.netloc.rpartition("@")[2]
        self.prefix = parts.path.rstrip("/") + PREFIX
        self.tls = _tls(is_insecure) if parts.scheme == "https" else None

    def connect(self, *, is_slow: bool) -> socket.socket:
        """Raises `OSError`."""
        connected = socket.create_connection((self.host, self.port), CONNECT_SECONDS)
        try:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if is_slow:
                connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SLOW_BUFFER_BYTES)
            return self.tls.wrap_socket(connected, server_hostname=self.host) if self.tls else connected
        except BaseException:
            connected.close()
            raise


def _tls(is_insecure: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if is_insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class Line:
    """One connection, connected at the first question and again after it was closed."""

    def __init__(self, site: Site, *, is_slow: bool = False) -> None:
        self.site = site
        self.is_slow = is_slow
        self.socket: socket.socket | None = None

    def ask(self, method: str, path: str, token: str, *, patience_seconds: float) -> HTTPSocketResponse:
        """The answer as soon as its head is there. Raises `OSError` and `HTTPParseError`, in reading too."""
        if self.socket is None:
            self.socket = self.site.connect(is_slow=self.is_slow)
        self.socket.settimeout(patience_seconds)
        lines = [f"{method} {self.site.prefix}{path} HTTP/1.1", f"Host: {self.site.authority}"]
        lines += [f"Authorization: Bearer {token}", "Accept: */*"]
        lines += ["Content-Length: 0"] if method == "POST" else []
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        block_size = SLOW_BUFFER_BYTES if self.is_slow else READ_BYTES
        return HTTPSocketResponse(self.socket, block_size=block_size, method=method)

    def be_patient(self, seconds: float) -> None:
        if self.socket is not None:
            self.socket.settimeout(seconds)

    def close(self) -> None:
        """Whoever reads from it, in whichever greenlet, gets an `OSError`."""
        open_, self.socket = self.socket, None
        if open_ is not None:
            with contextlib.suppress(OSError):
                open_.close()
