"""create_app(settings): wiring only. What starts, what is served, what ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import Any

from litestar import Litestar, Router
from litestar.config.compression import CompressionConfig
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.middleware import DefineMiddleware
from litestar.middleware.compression import CompressionMiddleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app import database, limits, memory
from app.api import contexts, conversations, demo, docs, events, files, me, messages, operating, pages, problems
from app.api.body import Strict
from app.api.door import signed_in
from app.api.hot import Hot
from app.chat import contexts as items
from app.chat import presence, sessions
from app.chat.messages import SENDS
from app.chat.receipts import RECEIPTS
from app.chat.users import MEETINGS
from app.database import FAILED
from app.delivery import log
from app.delivery.bus import Bus
from app.delivery.bus_nats import NatsBus
from app.delivery.bus_postgres import PostgresBus
from app.delivery.hub import HUB
from app.delivery.leases import Leases
from app.delivery.listener import LISTENER
from app.delivery.rates import RATES, SCARCE
from app.delivery.wheel import WHEEL
from app.delivery.wire import cork, note
from app.identity import Identity
from app.lasting import for_ever, once
from app.settings import Settings

BODY_BYTES_MAX = 64 * 1024  # 4,000 characters, each escaped as JSON may, and what is around them
TRIM_SECONDS = 300.0
TELL_REST_SECONDS = 5.0
SESSIONS_LOOK_SECONDS = 5.0
SESSIONS_LOOK_DEAF_SECONDS = 0.5  # an ended token ends its streams within a second all the same

# Long answers of calls. Not streams, whose every frame leaves at once, and not files, which are compressed once.
COMPRESSION = CompressionConfig(
    backend="brotli", brotli_quality=4, brotli_gzip_fallback=True, gzip_compress_level=4, minimum_size=1_000
)


def create_app(settings: Settings) -> Edge:
    """The ASGI application of one process."""
    limits.SENDS.rate = settings.send_limit
    limits.OPENINGS.rate = settings.open_limit
    limits.AUTH_FAILURES.rate = settings.auth_failure_limit
    signed = Router(
        path="/",
        before_request=signed_in,
        middleware=[DefineMiddleware(CompressionMiddleware, config=COMPRESSION)],
        route_handlers=[me.ROUTER, contexts.ROUTER, conversations.ROUTER, messages.ROUTER],
    )
    api = Router(
        path="/api/v1",
        dto=Strict,
        return_dto=None,
        response_headers={"Cache-Control": "no-store"},  # what people say is kept by no cache
        route_handlers=[signed, events.ROUTER],
    )
    identity = Identity(settings)
    app = Litestar(
        route_handlers=[
            api,
            operating.ROUTER,
            *docs.ROUTES,
            *pages.ROUTES,
            *(demo.routes() if settings.demo else []),
        ],
        state=State({"settings": settings, "identity": identity}),
        exception_handlers=problems.HANDLERS,
        request_max_body_size=BODY_BYTES_MAX,
        cors_config=_cors(settings),
        openapi_config=docs.CONFIG,
        lifespan=[_running],
        logging_config=None,
    )
    return Edge(app, Hot(app, settings, identity, body_bytes_max=BODY_BYTES_MAX))


class Edge:
    """The outermost layer: lets a stream write to its connection and cut off a reader that stopped reading, lets heads
    leave with their bodies, and while the process drains asks clients to close their kept connections, so that none is
    cut within a request.

    Everything but an ordinary message or stream goes on through uvicorn's reading of a proxy's headers.
    """

    def __init__(self, app: Litestar, hot: Hot) -> None:
        self.app = app
        self.hot = hot
        self.others: Any = self._other

    def trust(self, proxies: list[str] | str) -> None:
        """Believe these addresses for whom they speak: a list, or a text with commas, as uvicorn takes it."""
        self.others = ProxyHeadersMiddleware(self._other, proxies)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        answer = None
        if scope["type"] == "http":
            answer = self.hot.takes_send(scope)
            if answer is None:
                note(scope, send)
                answer = await self.hot.stream(scope)
            if answer is None:
                cork(scope, send)
            send = _closing(send) if HUB.is_draining else send
        await (answer or self.others)(scope, receive, send)

    async def _other(self, scope: Any, receive: Any, send: Any) -> None:
        if scope.get("method") == "HEAD" and not scope["path"].startswith("/api/"):
            scope = {**scope, "method": "GET"}  # uvicorn leaves the body out (RFC 9110, 9.3.2)
        await self.app(scope, receive, send)


def _closing(send: Any) -> Any:
    async def send_and_close(message: Any) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
        await send(message)

    return send_and_close


def _cors(settings: Settings) -> CORSConfig | None:
    if not settings.allowed_origins:
        return None
    return CORSConfig(
        allow_origins=list(settings.allowed_origins),
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Last-Event-ID", "Cache-Control"],
        expose_headers=["Retry-After"],
        allow_credentials=True,
        max_age=600,
    )


@asynccontextmanager
async def _running(app: Litestar) -> AsyncIterator[None]:
    """Everything that lives as long as the process."""
    settings: Settings = app.state.settings
    identity: Identity = app.state.identity
    await database.connect(settings)
    leases = Leases(presence.announce)
    HUB.on_presence = leases.notice
    HUB.revoked = identity.revoked
    said: asyncio.Queue[str] = asyncio.Queue(maxsize=10_000)

    def on_signal(kind: str, data: str, audience: list[str]) -> None:
        if kind == sessions.REVOKED:
            sessions.hear_end(identity, data)
        elif kind == SCARCE:
            RATES.hear(data)
        elif kind == "presence":
            if not said.full():
                said.put_nowait(data)
        else:
            HUB.signal(audience, kind, data.encode())

    async def on_connect() -> None:
        await LISTENER.on_connect()
        await sessions.load_ended(identity)

    LISTENER.bus = _bus(settings, on_head=LISTENER.hint, on_signal=on_signal, on_connect=on_connect)
    await LISTENER.start()
    tasks: list[asyncio.Task[Any]] = [
        asyncio.create_task(for_ever(work))
        for work in (
            LISTENER.bus.run,
            LISTENER.run,
            WHEEL.run,
            leases.run,
            RATES.run,
            partial(_tell_presence, said),
            partial(_look_for_ended_sessions, identity),
            partial(_trim, timedelta(days=settings.log_retention_days), identity),
            _tell_rest,
        )
    ]
    tasks.append(asyncio.create_task(once(partial(asyncio.to_thread, files.warm))))
    memory.settle()
    try:
        yield
    finally:
        for writer in (SENDS, RECEIPTS, MEETINGS):
            await writer.finish()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await leases.close()
        await database.disconnect()


def _bus(settings: Settings, **hooks: Any) -> Bus:
    if settings.bus != "postgres":
        return NatsBus(settings.bus, **hooks)
    url = settings.listen_url or settings.database_url
    assert url is not None  # database.connect has used it
    return PostgresBus(url, **hooks)


async def _tell_presence(said: asyncio.Queue[str]) -> None:
    """Presence heard together is told together."""
    while True:
        batch = [await said.get()]
        while not said.empty():
            batch.append(said.get_nowait())
        with suppress(*FAILED):
            await presence.hear(batch)


async def _look_for_ended_sessions(identity: Identity) -> None:
    """Sessions ended elsewhere are told by the bus, which may lose anything."""
    looked_at, since = monotonic(), sessions.LONG_AGO
    while True:
        await asyncio.sleep(SESSIONS_LOOK_DEAF_SECONDS)
        if LISTENER.is_hearing and monotonic() - looked_at < SESSIONS_LOOK_SECONDS:
            continue
        looked_at = monotonic()
        with suppress(*FAILED):
            since = await sessions.load_ended(identity, since)


async def _trim(keep: timedelta, identity: Identity) -> None:
    """Trim the log and the ended sessions from time to time. Several processes may try; the rows they find are gone for
    the others."""
    while True:
        await asyncio.sleep(TRIM_SECONDS)
        with suppress(*FAILED):
            await sessions.forget_ended(identity)
            while await log.trim(keep):
                pass


async def _tell_rest() -> None:
    """What a process that was killed, or lost its database, has told only some conversations."""
    while True:
        with suppress(*FAILED):
            await items.tell_rest()
        await asyncio.sleep(TELL_REST_SECONDS)


def drain() -> None:
    """Stop being ready, and say goodbye to every stream and poll. Requests go on being answered."""
    HUB.is_draining = True
    for reader in HUB.all_readers():
        reader.end("draining")
