"""A cork: the head of an answer leaves together with its first body."""

from __future__ import annotations

from typing import Any

from app.delivery.cork import cork


class Transport:
    """What uvicorn writes to, noting it."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def close(self) -> None:
        self.is_closed = True


class Cycle:
    """uvicorn's request, as far as it matters: `send` writes to `transport`."""

    def __init__(self) -> None:
        self.transport: Any = Transport()

    async def send(self, data: bytes) -> None:
        self.transport.write(data)


async def test_head_and_body_leave_in_one_write_and_what_follows_as_it_comes() -> None:
    cycle = Cycle()
    transport = cycle.transport
    cork(cycle.send)
    for data in (b"head ", b"body", b"more", b"and more"):
        await cycle.send(data)
    assert [b"head body", b"more", b"and more"] == transport.written
    assert transport is cycle.transport, "nothing stays between"


async def test_an_answer_that_fails_after_its_head_closes_the_connection_unsaid() -> None:
    cycle = Cycle()
    transport = cycle.transport
    cork(cycle.send)
    await cycle.send(b"head")
    cycle.transport.close()
    assert ([], True) == (transport.written, transport.is_closed)


async def test_under_another_server_nothing_happens() -> None:
    async def send(message: Any) -> None: ...

    cork(send)
