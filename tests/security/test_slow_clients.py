"""Clients that take their time, and heads without an end, at a real server over real sockets.

`SLOW_REQUEST_SECONDS` is the limit for a request to arrive, `HEAD_BYTES_MAX` that for its head.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import psutil
import pytest

from app.connection import HEAD_BYTES_MAX, LOOK_SECONDS, SLOW_REQUEST_SECONDS
from tests.api.answers import ok
from tests.harness import Cast, Server
from tests.system.raw import Connection, head_of

DRIP_SECONDS = 0.5
GRACE_SECONDS = LOOK_SECONDS + 2
HALF_OPEN = 300
KILOBYTES_EACH_MAX = 40

Connect = Callable[[], Awaitable[Connection]]


@pytest.fixture
async def connect(server: Server) -> AsyncIterator[Connect]:
    connections: list[Connection] = []

    async def open_one() -> Connection:
        connections.append(await Connection.open(server))
        return connections[-1]

    yield open_one
    for connection in connections:
        connection.vanish()
    await asyncio.sleep(0)


async def dripping(connection: Connection, data: bytes) -> tuple[bytes, float]:
    """Send it byte by byte, until the server has had enough: what it said, and after how many seconds it ended."""
    began = time.monotonic()
    said = b""
    for byte in [data[position : position + 1] for position in range(len(data))] + [b""] * 1_000:
        try:
            came = await asyncio.wait_for(connection.reader.read(65_536), DRIP_SECONDS)
        except TimeoutError:
            assert time.monotonic() - began < SLOW_REQUEST_SECONDS + GRACE_SECONDS, "nobody ends it"
            connection.write(byte)
        except ConnectionError:
            break
        else:
            said += came
            if not came:
                break
    return said, time.monotonic() - began


async def test_slow_requests_end_in_time_and_quick_ones_go_on(server: Server, cast: Cast, connect: Connect) -> None:
    """One after the other this would take minutes, so all of them try at once, and a patient stream, an idle kept
    connection and an ordinary caller stand beside them."""
    send = head_of(cast.bea, "POST", f"/conversations/{cast.conversation_id}/messages", body=b"x" * 1000)
    begin = head_of(cast.bea, "POST", "/session", body=b"x" * 1000)
    chunked = head_of(cast.bea, "POST", "/session", Transfer_Encoding="chunked", Content_Type="application/json")
    first = {
        "nothing at all": (b"", b""),
        "half a line": (b"GET /api", b""),
        "half a head": (b"GET /api/v1/me HTTP/1.1\r\nHost: x\r\n", b""),
        "a head byte by byte": (b"GET /api/v1/me HTTP/1.1\r\n", b"X-Slow: 1\r\n" * 20),
        "a message without its body": (send, b""),
        "a message byte by byte": (send, b'{"client_id": "0192f0c1-2b7e-4c55-9a4e-6f1d2c3b4a59", "body": "Hi"}'),
        "another call's body byte by byte": (begin, b" " * 100),
        "a chunk without its end": (chunked + b"ff\r\n", b" " * 100),
    }
    idle, kept = await connect(), await connect()
    for connection in (idle, kept):
        connection.write(head_of(cast.bea, "GET", "/me"))
        assert 200 == (await connection.answer()).status
    slow = [await connect() for _ in first]
    for connection, (start, _) in zip(slow, first.values(), strict=True):
        connection.write(start)
    kept.write(b"GET /api/v1/me HTTP/1.1\r\n")
    async with cast.sol.stream() as stream:
        drips = [dripping(connection, rest) for connection, (_, rest) in zip(slow, first.values(), strict=True)]
        ended = await asyncio.gather(*drips, dripping(kept, b"X: 1\r\n" * 20))
        for what, (said, seconds) in zip([*first, "a second request"], ended, strict=True):
            assert SLOW_REQUEST_SECONDS - 1 <= seconds <= SLOW_REQUEST_SECONDS + GRACE_SECONDS, (what, said)
            assert b"HTTP/1.1 408 " in said, what
        idle.write(head_of(cast.bea, "GET", "/me"))
        assert 200 == (await idle.answer()).status
        await cast.bea.say(cast.conversation_id, "Still there?")
        await stream.next("message.sent")


async def test_half_open_connections_cost_little_and_hold_up_nobody(
    server: Server, cast: Cast, connect: Connect
) -> None:
    assert server.process is not None
    process = psutil.Process(server.process.pid)
    before = process.memory_info().rss
    half = [await connect() for _ in range(HALF_OPEN)]
    for connection in half:
        connection.write(b"GET /api/v1/me HTTP/1.1\r\nX-Slow: " + b"x" * 1000)
    began = time.monotonic()
    ok(await cast.bea.get("/me"))
    await cast.bea.say(cast.conversation_id, "Hi")
    assert time.monotonic() - began < 2
    assert process.memory_info().rss - before < HALF_OPEN * KILOBYTES_EACH_MAX * 1024


# --- heads without an end ------------------------------------------------------------------------------------------

START = b"GET /health/live HTTP/1.1\r\nHost: x\r\n"
LINE = b"X-Filler: " + b"x" * 8_000 + b"\r\n"
ENDLESS: dict[str, tuple[bytes, bytes]] = {
    "empty lines": (b"\r\n", b"\r\n" * 1_000),
    "an address": (b"GET /health/live?", b"x" * 8_000),
    "a header": (START + b"X-Filler: ", b"x" * 8_000),
    "many headers": (START, LINE),
    "many small headers": (START, b"a:b\r\n" * 2_000),
    "a header's name": (START, b"x" * 8_000),
    "cookies": (START, b"Cookie: parley_session=" + b"x" * 8_000 + b"\r\n"),
    "a second request": (START + b"\r\n" + START, LINE),
}


@pytest.mark.parametrize("what", ENDLESS)
async def test_a_head_without_an_end_is_refused(connect: Connect, what: str) -> None:
    """As soon as it is larger than the limit, without waiting for its end or its time."""
    start, more = ENDLESS[what]
    connection = await connect()
    connection.write(start + more * (8 * HEAD_BYTES_MAX // len(more)))
    with suppress(ConnectionError):  # what it has not read when it hangs up
        said = await asyncio.wait_for(connection.reader.read(), 5)
        assert b"HTTP/1.1 431 " in said


@pytest.mark.parametrize("packets", [1, 7])
async def test_a_head_that_is_too_large_is_told_so(connect: Connect, packets: int) -> None:
    connection = await connect()
    head = START + b"X: " + b"x" * HEAD_BYTES_MAX + b"\r\n\r\n"
    size = len(head) // packets + 1
    for position in range(0, len(head), size):
        connection.write(head[position : position + size])
        await connection.writer.drain()
    answer = await asyncio.wait_for(connection.answer(), 5)
    assert (431, "close") == (answer.status, answer.headers["connection"])
    assert b"" == await asyncio.wait_for(connection.line(), 5), "and nothing after it"


async def test_a_head_that_is_just_not_too_large_is_answered(connect: Connect) -> None:
    connection = await connect()
    connection.write(START + b"X: " + b"x" * (HEAD_BYTES_MAX - 100) + b"\r\n\r\n")
    assert 200 == (await connection.answer()).status


async def test_a_large_body_is_no_large_head(cast: Cast, connect: Connect) -> None:
    """In one packet with its head, and the next request right behind it."""
    body = b" " * (HEAD_BYTES_MAX - 50)
    for _ in range(2):
        connection = await connect()
        both = head_of(cast.bea, "POST", "/conversations", body=body) + body + head_of(cast.bea, "GET", "/me")
        connection.write(both)
        assert [400, 200] == [(await connection.answer()).status for _ in range(2)]


ODD: dict[str, bytes] = {
    "two lengths": b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    "a length and chunks": b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a negative length": b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "a length with a sign": b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\nabcde",
    "a space before the colon": b"GET /api/v1/me HTTP/1.1\r\nHost: x\r\nContent-Length : 5\r\n\r\nabcde",
    "a folded header": b"GET /api/v1/me HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\nContent-Length: x\r\n\r\n",
    "another coding": b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a bad chunk": b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    "a NUL in the address": b"GET /api/v1/me\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a bare line feed in a header": b"GET /api/v1/me HTTP/1.1\nHost: x\nContent-Length: 5\nContent-Length: 6\n\n",
    "no HTTP at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


@pytest.mark.parametrize("what", ODD)
async def test_a_request_that_two_servers_could_read_in_two_ways_is_refused(connect: Connect, what: str) -> None:
    """Else a proxy in front of us sees one request and we another, smuggled in its body (RFC 9112 11.2). Refused, and
    the connection closed: nothing that follows is read."""
    connection = await connect()
    connection.write(ODD[what] + b"GET /api/v1/smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
    said = await asyncio.wait_for(connection.reader.read(), 5)
    assert said.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 401 "))
    assert 1 == said.count(b"HTTP/1.1 "), "one answer, and the end"
