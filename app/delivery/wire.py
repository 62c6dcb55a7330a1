"""uvicorn's connection, closer than ASGI: a head leaves with its body, ready-made bytes leave without `send`.

uvicorn writes head and body one after the other; each write is a system call, a packet, and one more wake-up of the
client. And its `send` reads each header and copies each body, which for an answer or a piece of a stream that is made
already is most of the work. What comes out is the same, byte for byte; a test compares them. Under any other server,
and for whatever is out of the ordinary, nothing here happens and `send` does it.
"""

from __future__ import annotations

from functools import lru_cache
from http import HTTPStatus
from typing import Any
from weakref import ref

Headers = tuple[tuple[bytes, bytes], ...]

STATUS_LINES: dict[int, bytes] = {
    status: b"HTTP/1.1 %d %b\r\n" % (status, status.phrase.encode()) for status in HTTPStatus
}


class Cork:
    """Stands in for the connection of uvicorn's request until two things were written.

    Measured: a quarter of our CPU for a page of history.
    """

    __slots__ = ("cycle", "head", "transport")

    def __init__(self, cycle: Any) -> None:
        self.cycle = cycle
        self.transport = cycle.transport
        self.head: bytes | None = None

    def write(self, data: bytes) -> None:
        if self.head is None:
            self.head = data
            return
        self.cycle.transport = self.transport
        self.transport.write(self.head + data)

    def close(self) -> None:
        self.transport.close()


def cork(scope: Any, send: Any) -> None:
    """Hold back the head of the answer that comes next by uvicorn's `send`, unless it has no body (HEAD) or something
    else is written before it (100 Continue)."""
    cycle = cycle_of(send)
    if cycle is not None and scope["method"] != "HEAD" and not cycle.waiting_for_100_continue:
        cycle.transport = Cork(cycle)


def cycle_of(send: Any) -> Any:
    """uvicorn's request behind this `send`; none under another server, or when somebody stands between."""
    cycle = getattr(send, "__self__", None)
    return cycle if hasattr(cycle, "flow") else None


def note(scope: Any, send: Any) -> None:
    """Note in `scope` whose request it is, for a stream that gets its `send` by way of middlewares. Weakly: the request
    has the scope, and a ring of the two would lie about until garbage is collected."""
    cycle = cycle_of(send)
    if cycle is not None:
        scope["parley.cycle"] = ref(cycle)


def noted(scope: Any) -> Any:
    """uvicorn's request; none under another server."""
    found = scope.get("parley.cycle")
    return found and found()


def connection_of(cycle: Any) -> Any:
    """The connection (`app/connection.py`) that uvicorn's request came by; none under another server."""
    connection = getattr(cycle and cycle.on_response, "__self__", None)
    return connection if hasattr(connection, "on_gone") else None


def answer(send: Any, status: int, headers: Headers, body: bytes) -> bool:
    """Write a whole answer; False when `send` must do it. Of its length and of the connection `headers` say nothing."""
    cycle = _unanswered(send)
    if cycle is None:
        return False
    length = b"content-length: %d\r\n\r\n" % len(body)
    cycle.transport.write(b"%b%b%b" % (_head(cycle, status, headers), length, body))
    cycle.response_complete = True
    cycle.message_event.set()
    cycle.on_response()
    return True


def begin(send: Any, status: int, headers: Headers, body: bytes) -> bool:
    """Begin an answer without a stated length; False when `send` must do it."""
    cycle = _unanswered(send)
    if cycle is None:
        return False
    cycle.transport.write(b"%btransfer-encoding: chunked\r\n\r\n%b" % (_head(cycle, status, headers), framed(body)))
    cycle.chunked_encoding = True
    return True


def _unanswered(send: Any) -> Any:
    """uvicorn's request, uncorked, if nothing about it is out of the ordinary and it waits for its answer."""
    cycle = cycle_of(send)
    if cycle is None or cycle.response_started or cycle.disconnected or not cycle.keep_alive:
        return None
    if cycle.flow.write_paused or cycle.access_log or cycle.scope["method"] == "HEAD":
        return None
    if type(cycle.transport) is Cork:
        cycle.transport = cycle.transport.transport
    return cycle


def _head(cycle: Any, status: int, headers: Headers) -> bytes:
    """The lines before that of the length. The answer has begun with it."""
    cycle.response_started = True
    cycle.waiting_for_100_continue = False
    return STATUS_LINES[status] + _lines(tuple(cycle.default_headers)) + _lines(headers)


@lru_cache(maxsize=4)  # those of ours, and uvicorn's own, which change each second
def _lines(headers: Headers) -> bytes:
    return b"".join(b"%b: %b\r\n" % header for header in headers)


def framed(body: bytes) -> bytes:
    """A piece of an answer without a stated length (RFC 9112, 7.1)."""
    return b"%x\r\n%b\r\n" % (len(body), body)


def push(cycle: Any, piece: bytes) -> bool:
    """Write a framed piece of an answer that has begun; False when its client does not read, or has gone. Of that the
    connection is asked: uvicorn tells only its newest request."""
    if cycle.flow.write_paused or cycle.transport.is_closing() or not cycle.chunked_encoding:
        return False
    cycle.transport.write(piece)
    return True
