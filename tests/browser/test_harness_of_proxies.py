"""Each proxy does what it is there for: else the tests behind it would show nothing. No browser here."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
import pytest

from tests.browser.proxies.hostile import STREAM, STREAM_BYTES_MAX, Hostile
from tests.browser.proxies.real import Proxy, running
from tests.harness import Cast, Person, Server, eventually

pytestmark = pytest.mark.browser

MOMENT = 0.5  # the patience of the hostile proxy here


@asynccontextmanager
async def client_of(person: Person, url: str, *, forward: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {person.token}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, verify=False, proxy=forward, timeout=30) as client:
        yield client


async def begins(client: httpx.AsyncClient, method: str, within: float) -> bool:
    """Does anything of a stream come in time?"""
    with suppress(TimeoutError):
        async with asyncio.timeout(within), client.stream(method, STREAM) as response:
            async for chunk in response.aiter_bytes():
                return chunk.startswith(b"retry:")
    return False


async def read(client: httpx.AsyncClient, method: str = "GET", **params: str) -> tuple[bytes, float]:
    """All that comes of a stream, and how long it lived."""
    got, began_at = bytearray(), time.monotonic()
    with suppress(httpx.TransportError):
        async with client.stream(method, STREAM, params=params, timeout=None) as response:
            async for chunk in response.aiter_raw():
                got += chunk
    return bytes(got), time.monotonic() - began_at


async def assert_streams(proxy: Proxy, person: Person) -> httpx.Response:
    """A stream begins at once, by GET and by POST. Gives an ordinary answer, for a look at its headers."""
    async with client_of(person, proxy.url, forward=proxy.forward) as client:
        assert [True, True] == await asyncio.gather(*(begins(client, method, 5) for method in ("GET", "POST")))
        answer = await client.get("/api/v1/me")
        assert (200, person.id) == (answer.status_code, answer.json()["user"]["id"])
        return answer


async def test_nginx_that_buffers_holds_streams_back_and_nothing_else(server: Server, cast: Cast) -> None:
    async with running("nginx-buffering", server.port) as proxy, client_of(cast.bea, proxy.url) as client:
        assert [False, False] == await asyncio.gather(*(begins(client, method, 2) for method in ("GET", "POST")))
        polled = await client.get("/api/v1/events", params={"wait": 0})
        assert 200 == polled.status_code


@pytest.mark.parametrize("name", ["nginx", "haproxy", "caddy"])
async def test_what_the_readme_recommends_lets_streams_through(server: Server, cast: Cast, name: str) -> None:
    async with running(name, server.port) as proxy:
        await assert_streams(proxy, cast.bea)
        async with client_of(cast.bea, proxy.url) as client:
            assert 200 == (await client.get("/parley.js")).status_code


@pytest.mark.parametrize("name", ["nginx", "haproxy", "caddy"])
async def test_what_the_readme_recommends_says_who_asks_and_how(name: str) -> None:
    """Whatever the client says of itself."""
    heads: list[httpx.Headers] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            while True:
                _, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
                heads.append(httpx.Headers([tuple(line.split(": ", 1)) for line in lines if line]))
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()

    invented = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "gopher"}
    source = httpx.AsyncHTTPTransport(verify=False, local_address="127.0.0.2")
    async with (
        await asyncio.start_server(answer, "127.0.0.1", 0) as upstream,
        running(name, upstream.sockets[0].getsockname()[1]) as proxy,
        httpx.AsyncClient(transport=source) as client,
    ):
        await client.get(f"{proxy.url}/api/v1/me", headers=invented)
    [told] = [head for head in heads if "x-forwarded-for" in head]  # not those that ask whether it is ready
    assert "127.0.0.2" == told.get_list("x-forwarded-for", split_commas=True)[-1]
    assert [httpx.URL(proxy.url).scheme] == told.get_list("x-forwarded-proto")


async def test_impatient_haproxy_cuts_what_is_silent_for_10_s(server: Server, cast: Cast) -> None:
    async with running("haproxy-impatient", server.port) as proxy, client_of(cast.bea, proxy.url) as client:
        (got, seconds), polled = await asyncio.gather(read(client), client.get("/api/v1/events?wait=25"))
        assert b"event: ready" in got
        assert 9 < seconds < 14
        assert 504 == polled.status_code
        await eventually(lambda: asyncio.sleep(0, " sD-- " in proxy.log and " sH-- " in proxy.log))


async def test_squid_lets_streams_through(server: Server, cast: Cast) -> None:
    async with running("squid", server.port) as proxy:
        answer = await assert_streams(proxy, cast.bea)
        assert "squid.test" in answer.headers["via"]


async def test_caddy_speaks_http_2_over_tls(server: Server, cast: Cast) -> None:
    async with running("caddy", server.port) as proxy:
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        trusting.set_alpn_protocols(["h2", "http/1.1"])
        _, writer = await asyncio.open_connection("localhost", proxy.port, ssl=trusting)
        assert "h2" == writer.get_extra_info("ssl_object").selected_alpn_protocol()
        writer.transport.abort()


async def test_hostile_buffer_holds_answers_until_they_end_or_are_given_up(server: Server, cast: Cast) -> None:
    async with (
        Hostile(server.port, "buffer", seconds=MOMENT).running() as hostile,
        client_of(cast.bea, hostile.url) as client,
    ):
        assert not await begins(client, "GET", MOMENT / 2)
        got, seconds = await read(client)
        assert b"event: ready" in got
        assert seconds >= MOMENT
        assert 200 == (await client.get("/api/v1/me")).status_code
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get("/api/v1/events?wait=5")


async def test_hostile_cut_cuts_streams_anywhere_and_the_same_dice_at_the_same_places(
    server: Server, cast: Cast
) -> None:
    cursor = (await cast.bea.get("/me")).json()["cursor"]
    for number in range(STREAM_BYTES_MAX // 400):
        await cast.sol.say(cast.conversation_id, f"{number} {'.' * 400}")
    lengths: list[list[int]] = []
    for seed in (7, 7, 8):
        async with Hostile(server.port, "cut", seed=seed).running() as hostile:
            async with client_of(cast.bea, hostile.url) as client:
                lengths.append([len((await read(client, cursor=cursor))[0]) for _ in range(5)])
            assert 5 == hostile.harm
    assert all(length < STREAM_BYTES_MAX for cuts in lengths for length in cuts)
    assert len({tuple(cuts) for cuts in lengths}) >= 2


async def test_hostile_cut_cuts_some_answers_to_calls_and_no_files(server: Server, cast: Cast) -> None:
    async with Hostile(server.port, "cut").running() as hostile, client_of(cast.bea, hostile.url) as client:
        whole = 0
        for _ in range(40):
            with suppress(httpx.TransportError):
                whole += (await client.get("/api/v1/me")).status_code == 200
        assert hostile.harm == 40 - whole
        assert 5 < hostile.harm < 25
        files = [(await client.get("/static/client/store.js")).status_code for _ in range(20)]
        assert [200] * 20 == files


async def test_hostile_delay_lets_the_head_pass_and_the_body_wait(server: Server, cast: Cast) -> None:
    async with (
        Hostile(server.port, "delay", seconds=MOMENT).running() as hostile,
        client_of(cast.bea, hostile.url) as client,
    ):
        began_at = time.monotonic()
        async with client.stream("GET", STREAM) as response:
            assert time.monotonic() - began_at < MOMENT
            assert "text/event-stream" == response.headers["content-type"]
            async for chunk in response.aiter_raw():
                assert chunk.startswith(b"retry:")
                assert time.monotonic() - began_at >= MOMENT
                break
        assert 1 == hostile.harm


@pytest.mark.parametrize(("mode", "is_cut_while_talking"), [("drop", True), ("idle", False)])
async def test_hostile_drop_ends_all_and_idle_only_what_is_silent(
    server: Server, cast: Cast, mode: str, is_cut_while_talking: bool
) -> None:
    async with (
        Hostile(server.port, mode, seconds=MOMENT).running() as hostile,
        client_of(cast.bea, hostile.url) as client,
    ):
        reading = asyncio.create_task(read(client))
        began_at = time.monotonic()
        while time.monotonic() - began_at < 3 * MOMENT:
            await cast.sol.say(cast.conversation_id, "Still there?")
            await asyncio.sleep(MOMENT / 10)
        assert is_cut_while_talking == reading.done()
        got, seconds = await reading
        assert b"event: message.sent" in got
        assert seconds >= MOMENT
        assert 1 == hostile.harm
