"""Hearing that a client has gone, without a task that waits for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from app.delivery.wire import connection_of

Receive = Callable[[], Awaitable[Any]]


class Disconnect:
    """Calls `on_disconnect` when the client goes, without a task that waits for it.

    ASGI tells it by `receive`, and a server's `send` to nobody returns at once: a stream that only sends would spin.
    If `cycle` is a request of uvicorn's, its connection is asked to call: uvicorn itself tells only the newest request
    of a connection. To take a body that nobody has read, for a poll and under another server, the `receive` coroutine
    is started by hand up to the future it waits on, and that future wakes it again; 5,000 streams save 5,000 tasks. To
    be closed when the stream ends.
    """

    __slots__ = ("connection", "on_disconnect", "receive", "waiting")

    def __init__(self, receive: Receive, on_disconnect: Callable[[], None], cycle: Any = None) -> None:
        self.receive = receive
        self.on_disconnect = on_disconnect
        self.waiting: Any = None
        self.connection = connection_of(cycle)
        if self.connection is not None:
            self.connection.on_gone = on_disconnect
            if self.connection.transport.is_closing():
                on_disconnect()
        if self.connection is None or cycle.more_body or cycle.body:
            self.waiting = receive()
            self._step()

    def _step(self, *_: object) -> None:
        while self.waiting is not None:
            try:
                future = self.waiting.send(None)
            except StopIteration as done:
                if done.value["type"] == "http.disconnect":
                    self.waiting = None
                    self.on_disconnect()
                    return
                self.waiting = self.receive()  # that was the request's body
            else:
                future.add_done_callback(self._step)
                return

    def close(self) -> None:
        if self.connection is not None:
            self.connection.on_gone = None
        if self.waiting is not None:
            self.waiting.close()
            self.waiting = None
