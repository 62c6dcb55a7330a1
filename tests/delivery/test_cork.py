"""A cork: the head of an answer leaves together with its first body."""

from __future__ import annotations

from typing import Any

import pytest

from app.delivery.cork import cork

GET = {"method": "GET"}


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

    def __init__(self, *, waiting_for_100_continue: bool = False) -> None:
        self.transport: Any = Transport()
        self.waiting_for_100_continue = waiting_for_100_continue

    async def send(self, data: bytes) -> None:
        self.transport.write(data)


async def test_head_and_body_leave_in_one_write_and_what_follows_as_it_comes() -> None:
    cycle = Cycle()
    transport = cycle.transport
    cork(GET, cycle.send)
    for data in (b"head ", b"body", b"more", b"and more"):
        await cycle.send(data)
    assert [b"head body", b"more", b"and more"] == transport.written
    assert transport is cycle.transport, "nothing stays between"


async def test_an_answer_that_fails_after_its_head_closes_the_connection_unsaid() -> None:
    cycle = Cycle()
    transport = cycle.transport
    cork(GET, cycle.send)
    await cycle.send(b"head")
    cycle.transport.close()
    assert ([], True) == (transport.written, transport.is_closed)


async def test_under_another_server_nothing_happens() -> None:
    async def send(message: Any) -> None: ...

    cork(GET, send)


@pytest.mark.parametrize(("method", "is_waiting"), [("HEAD", False), ("POST", True)])
async def test_what_has_no_body_or_comes_before_the_head_is_not_held_back(method: str, is_waiting: bool) -> None:
    cycle = Cycle(waiting_for_100_continue=is_waiting)
    cork({"method": method}, cycle.send)
    await cycle.send(b"said")
    assert [b"said"] == cycle.transport.written
