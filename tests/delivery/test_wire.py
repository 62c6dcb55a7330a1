"""uvicorn's connection, closer than ASGI: fewer writes, and the same bytes."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from app.delivery.wire import answer, begin, cork, cycle_of, framed, push

OWN_HEADERS = [(b"date", b"Sun, 22 Nov 2026 00:00:00 GMT"), (b"server", b"uvicorn")]
HEADERS = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"))
BODY = '{"body":"Grüße"}'.encode()


class Transport:
    """What uvicorn writes to, noting it."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.is_closed = False
        self.is_aborted = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_aborted = True

    def is_closing(self) -> bool:
        return self.is_closed or self.is_aborted


class Request:
    """A request that uvicorn serves, on a connection that can be looked at."""

    def __init__(self, method: str = "GET", *, expects_100: bool = False, keep_alive: bool = True) -> None:
        self.transport: Any = Transport()
        self.answered = 0
        self.scope: Any = {"type": "http", "method": method}
        self.cycle = RequestResponseCycle(
            scope=self.scope,
            transport=self.transport,
            flow=FlowControl(self.transport),
            logger=logging.getLogger(),
            access_logger=logging.getLogger(),
            access_log=False,
            default_headers=OWN_HEADERS,
            message_event=asyncio.Event(),
            expect_100_continue=expects_100,
            keep_alive=keep_alive,
            on_response=self.on_response,
        )
        self.send: Any = self.cycle.send

    def on_response(self) -> None:
        self.answered += 1

    async def begin(self, *headers: tuple[bytes, bytes], status: int = 200) -> None:
        await self.send({"type": "http.response.start", "status": status, "headers": headers})

    async def say(self, body: bytes, *, is_last: bool = True) -> None:
        await self.send({"type": "http.response.body", "body": body, "more_body": not is_last})

    @property
    def state(self) -> tuple[object, ...]:
        """What the connection goes by, once it was answered."""
        cycle = self.cycle
        return (
            cycle.response_started,
            cycle.response_complete,
            cycle.message_event.is_set(),
            cycle.waiting_for_100_continue,
            self.answered,
            self.transport.is_closed,
        )


# --- a cork --------------------------------------------------------------------------------------------------------


async def test_head_and_body_leave_in_one_write_and_what_follows_as_it_comes() -> None:
    plain, corked = Request(), Request()
    cork(corked.scope, corked.send)
    for request in (plain, corked):
        await request.begin(*HEADERS)
        for body in (b"body", b"more", b"and more"):
            await request.say(body, is_last=False)
    head, body, *rest = plain.transport.written
    assert [head + body, *rest] == corked.transport.written
    assert corked.transport is corked.cycle.transport, "nothing stays between"


async def test_an_answer_that_fails_after_its_head_closes_the_connection_unsaid() -> None:
    request = Request()
    cork(request.scope, request.send)
    await request.begin()
    request.cycle.transport.close()
    assert ([], True) == (request.transport.written, request.transport.is_closed)


@pytest.mark.parametrize(("method", "expects_100"), [("HEAD", False), ("POST", True)])
async def test_what_has_no_body_or_comes_before_the_head_is_not_held_back(method: str, expects_100: bool) -> None:
    request = Request(method, expects_100=expects_100)
    cork(request.scope, request.send)
    await request.begin()
    assert 1 == len(request.transport.written)


# --- a whole answer ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_corked", [True, False])
@pytest.mark.parametrize("expects_100", [True, False])
@pytest.mark.parametrize("status", [200, 201])
async def test_an_answer_is_what_uvicorn_would_have_written(status: int, expects_100: bool, is_corked: bool) -> None:
    theirs, ours = Request("POST", expects_100=expects_100), Request("POST", expects_100=expects_100)
    await theirs.begin(*HEADERS, (b"content-length", b"%d" % len(BODY)), status=status)
    await theirs.say(BODY)
    if is_corked:
        cork(ours.scope, ours.send)
    assert answer(ours.send, status, HEADERS, BODY)
    assert [b"".join(theirs.transport.written)] == ours.transport.written
    assert theirs.state == ours.state
    with pytest.raises(RuntimeError):
        await ours.begin()


async def test_what_uvicorn_says_of_itself_follows_its_clock() -> None:
    for date in (b"now", b"later"):
        request = Request()
        request.cycle.default_headers = [(b"date", date)]
        assert answer(request.send, 200, (), b"")
        assert b"date: %b\r\n" % date in request.transport.written[0]


def gone(request: Request) -> None:
    request.cycle.disconnected = True
    request.transport.close()


def paused(request: Request) -> None:
    request.cycle.flow.pause_writing()


def begun(request: Request) -> None:
    request.cycle.response_started = True


def logged(request: Request) -> None:
    request.cycle.access_log = True


def wrapped(request: Request) -> None:
    sending = request.send

    async def send(message: Any) -> None:
        await sending(message)

    request.send = send


def nothing(_: Request) -> None: ...


@pytest.mark.parametrize(
    ("request_", "happens"),
    [
        (Request("HEAD"), nothing),
        (Request(keep_alive=False), nothing),
        *((Request(), happens) for happens in (gone, paused, begun, logged, wrapped)),
    ],
)
async def test_what_is_out_of_the_ordinary_is_left_to_uvicorn(request_: Request, happens: Any) -> None:
    happens(request_)
    assert not answer(request_.send, 200, (), BODY)
    assert not begin(request_.send, 200, (), BODY)
    assert [] == request_.transport.written


async def test_an_answer_begins_as_uvicorn_would_have_begun_it_and_goes_on() -> None:
    theirs, ours = Request(), Request()
    cork(ours.scope, ours.send)
    await theirs.begin(*HEADERS)
    await theirs.say(BODY, is_last=False)
    assert begin(ours.send, 200, HEADERS, BODY)
    assert [b"".join(theirs.transport.written)] == ours.transport.written
    assert theirs.state == ours.state
    for request in (theirs, ours):
        request.transport.written.clear()
        await request.say(b"more", is_last=False)
        await request.say(b"the last")
    assert theirs.transport.written == ours.transport.written
    assert theirs.state == ours.state


# --- a piece -------------------------------------------------------------------------------------------------------


async def test_a_piece_is_what_uvicorn_would_have_written() -> None:
    theirs, ours = Request(), Request()
    for request in (theirs, ours):
        await request.begin()
    await theirs.say(BODY, is_last=False)
    assert push(cycle_of(ours.send), framed(BODY))
    assert theirs.transport.written == ours.transport.written
    assert theirs.state == ours.state


@pytest.mark.parametrize("happens", [gone, paused])
async def test_nothing_is_pushed_to_who_does_not_read_or_has_gone(happens: Any) -> None:
    request = Request()
    await request.begin()
    happens(request)
    assert not push(request.cycle, framed(BODY))
    assert 1 == len(request.transport.written)


async def test_nothing_is_pushed_where_no_answer_has_begun_or_its_length_is_stated() -> None:
    request = Request()
    assert not push(request.cycle, framed(BODY))
    await request.begin((b"content-length", b"5"))
    assert not push(request.cycle, framed(BODY))


async def test_under_another_server_there_is_nothing_to_write_to() -> None:
    async def send(message: Any) -> None: ...

    cork({"method": "GET"}, send)
    assert cycle_of(send) is None
