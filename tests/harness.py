"""What tests stand on: a real Postgres, real server processes, and people who talk to them over real sockets."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import asyncpg
import httpx
import jwt

SECRET = "a-secret-of-the-tests-that-is-long-enough"
ROOT = Path(__file__).parent.parent
PATIENCE_SECONDS = 45.0  # a machine may stand still for many seconds; nobody waits so long for what comes
LOOK_SECONDS = 0.1
WHOLE_SECONDS = 60  # a token that lasts so long ends at a whole second, as a shop's does
T = TypeVar("T")


def token(user_id: str, *, ttl_seconds: float = 3600, **claims: Any) -> str:
    """A token as the shop's back end would sign it, another one each time; one that ends soon, to the fraction of a
    second."""
    end = time.time() + ttl_seconds
    exp = int(end) if ttl_seconds >= WHOLE_SECONDS else end
    return jwt.encode({"sub": user_id, "exp": exp, "jti": uuid.uuid4().hex, **claims}, SECRET, algorithm="HS256")


class RunningTime(threading.Thread):
    """Seconds in which this machine ran, for what must be done within some time. When it stands still, as a guest of a
    full host does for seconds, nobody gets a turn, the server as little as the one who waits for it."""

    TICK_SECONDS = 0.01
    GAP_SECONDS_MAX = 0.1  # a longer time between two ticks was a standstill

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.seconds = 0.0
        self.start()

    def run(self) -> None:
        at = time.monotonic()
        while True:
            time.sleep(self.TICK_SECONDS)
            now = time.monotonic()
            self.seconds += min(now - at, self.GAP_SECONDS_MAX)
            at = now


RUNNING = RunningTime()


def running_seconds() -> float:
    """The clock to measure by what must not take too long."""
    return RUNNING.seconds


async def eventually(look: Callable[[], Awaitable[T]], within: float = PATIENCE_SECONDS) -> T:
    """What `look` gives as soon as it is true; AssertionError when it is not in time."""
    deadline = running_seconds() + within
    while True:
        if found := await look():
            return found
        assert running_seconds() < deadline, f"did not become true within {within} s, last seen: {found!r}"
        await asyncio.sleep(0.02)


async def hasten(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """Let a Postgres of the tests not wait for the disk, which may stand still for seconds. It must survive kill -9,
    and does, but no power cut."""
    await connection.execute("ALTER SYSTEM SET fsync = off")
    await connection.execute("SELECT pg_reload_conf()")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A real `parley serve`. `options` are settings by name: `Server(url, SEND_LIMIT="off")`."""

    def __init__(
        self, database_url: str, log_dir: Path, *arguments: str, port: int | None = None, **options: str
    ) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.arguments = arguments
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("PARLEY_")},
            "PARLEY_DATABASE_URL": database_url,
            "PARLEY_JWT_SECRET": SECRET,
            "PARLEY_SEND_LIMIT": "off",
            "PARLEY_OPEN_LIMIT": "off",
            "PARLEY_AUTH_FAILURE_LIMIT": "off",
            "PARLEY_DATA_DIR": str(log_dir / "data"),
            **{f"PARLEY_{key}": value for key, value in options.items()},
        }
        self.log_path = log_dir / f"server-{self.port}-{uuid.uuid4().hex[:6]}.log"
        self.process: subprocess.Popen[bytes] | None = None

    async def start(self, until: str = "ready") -> Server:
        """Start it and wait for its health: `ready`, or only `live` where the test lets it never be ready."""
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: ASYNC220  starting takes no time, and tests end it by its pid
                [sys.executable, "-m", "app", "serve", "--port", str(self.port), *self.arguments],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        async with httpx.AsyncClient(verify=False) as client:

            async def is_there() -> bool:
                assert self.process is not None
                assert self.process.poll() is None, f"the server ended: {self.log}"
                try:
                    return (await client.get(f"{self.url}/health/{until}")).status_code == 200
                except httpx.TransportError:
                    return False

            await eventually(is_there)
        return self

    @property
    def log(self) -> str:
        return self.log_path.read_text()

    def kill(self) -> None:
        """kill -9, workers and all."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    async def stop(self) -> int:
        """SIGTERM; the exit status."""
        assert self.process is not None
        self.process.terminate()
        return await asyncio.to_thread(self.process.wait, 20)

    async def close(self) -> None:
        """End it somehow, at the end of a test."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                await asyncio.to_thread(self.process.wait, 15)
            except subprocess.TimeoutExpired:
                self.kill()


class Event(NamedTuple):
    """A frame of a stream; `id` is None on signals and `bye`."""

    id: str | None
    type: str
    data: Any


CONTROL = ("hello", "ready", "ping", "reset", "bye")


async def lines(chunks: AsyncIterator[str]) -> AsyncIterator[str]:
    """Lines as the server ends them: httpx's `aiter_lines` would also end one at a U+2028 in a body."""
    rest = ""
    async for chunk in chunks:
        *whole, rest = (rest + chunk).split("\n")
        for line in whole:
            yield line


async def frames(lines: AsyncIterator[str]) -> AsyncIterator[Event]:
    """SSE lines to events (WHATWG HTML 9.2.6)."""
    id_, kind, data = None, "message", ""
    async for line in lines:
        if line == "":
            if data:
                yield Event(id_, kind, json.loads(data))
            id_, kind, data = None, "message", ""
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "id":
            id_ = value
        elif field == "event":
            kind = value
        elif field == "data":
            data += value


class Stream:
    """An open stream; everything that came is in `events`, in order."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.headers: httpx.Headers = httpx.Headers()
        self.status = 0
        self.is_over = False
        self.came = asyncio.Condition()

    async def read(self, response: httpx.Response) -> None:
        try:
            async for event in frames(lines(response.aiter_text())):
                async with self.came:
                    self.events.append(event)
                    self.came.notify_all()
        except httpx.TransportError:
            pass
        finally:
            async with self.came:
                self.is_over = True
                self.came.notify_all()

    async def until(self, found: Callable[[list[Event]], T], within: float = PATIENCE_SECONDS) -> T:
        """Wait for a condition on the events so far; gives what it gave."""
        deadline = running_seconds() + within
        async with self.came:
            while not (result := found(self.events)):
                assert not self.is_over, f"the stream ended, it had: {self.events[-5:]}"
                assert running_seconds() < deadline, f"did not come within {within} s, it had: {self.events[-8:]}"
                await self._anything_new()
            return result

    async def _anything_new(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await self.came.wait()

    async def next(self, kind: str, nth: int = 1, within: float = PATIENCE_SECONDS) -> Event:
        """The nth event of a kind."""
        await self.until(lambda events: sum(event.type == kind for event in events) >= nth, within)
        return [event for event in self.events if event.type == kind][nth - 1]

    async def end(self, within: float = PATIENCE_SECONDS) -> None:
        deadline = running_seconds() + within
        async with self.came:
            while not self.is_over:
                assert running_seconds() < deadline, f"did not end within {within} s, it had: {self.events[-8:]}"
                await self._anything_new()

    @property
    def durable(self) -> list[Event]:
        """The events of the log alone, in the order they came."""
        return [event for event in self.events if event.type not in CONTROL and event.id is not None]


class Person:
    """Somebody of the cast with an HTTP client: `await bea.post("/conversations", …)` answers with the response."""

    def __init__(self, url: str, user_id: str, **claims: Any) -> None:
        self.id = user_id
        self.url = url
        self.token = token(user_id, **claims)
        self.elsewhere: list[Person] = []
        self.http = httpx.AsyncClient(
            base_url=f"{url}/api/v1",
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=40,
            verify=False,  # plain HTTP: loading certificates would take 0.1 s a client
            limits=httpx.Limits(max_connections=200),
        )

    def at(self, url: str) -> Person:
        """The same person at another server."""
        other = Person(url, self.id)
        other.token = self.token
        other.http.headers["Authorization"] = f"Bearer {self.token}"
        self.elsewhere.append(other)
        return other

    async def close(self) -> None:
        """Close the connections, those at other servers too."""
        await self.http.aclose()
        for other in self.elsewhere:
            await other.close()

    async def get(self, path: str, **params: Any) -> httpx.Response:
        return await self.http.get(path, params=params)

    async def post(self, path: str, **body: Any) -> httpx.Response:
        return await self.http.post(path, json=body)

    async def put(self, path: str, **body: Any) -> httpx.Response:
        return await self.http.put(path, json=body)

    async def patch(self, path: str, **body: Any) -> httpx.Response:
        return await self.http.patch(path, json=body)

    async def delete(self, path: str) -> httpx.Response:
        return await self.http.delete(path)

    async def say(self, conversation_id: str, body: str, **more: Any) -> dict[str, Any]:
        """Send a text; the answer's JSON."""
        draft = {"client_id": str(uuid.uuid4()), "body": body, **more}
        response = await self.http.post(f"/conversations/{conversation_id}/messages", json=draft)
        assert response.status_code == 201, response.text
        return response.json()  # type: ignore[no-any-return]

    async def catch_up(self, cursor: str) -> tuple[list[dict[str, Any]], str]:
        """All events after a cursor by plain polling, and the cursor after them."""
        found: list[dict[str, Any]] = []
        while True:
            answer = (await self.get("/events", cursor=cursor, wait=0)).json()
            found += answer["events"]
            cursor = answer["cursor"]
            if not answer["more"]:
                return found, cursor

    @asynccontextmanager
    async def stream(
        self, cursor: str | None = None, *, method: str = "GET", headers: dict[str, str] | None = None
    ) -> AsyncIterator[Stream]:
        """An open stream, from `hello` on."""
        stream = Stream()
        params = {"cursor": cursor} if cursor else {}
        async with self.http.stream(method, "/events/stream", params=params, headers=headers, timeout=None) as response:
            stream.status, stream.headers = response.status_code, response.headers
            assert response.status_code == 200, (await response.aread()).decode()
            reading = asyncio.create_task(stream.read(response))
            try:
                await stream.next("hello")
                yield stream
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)


class Cast(NamedTuple):
    """bea buys, sol sells, ada is sol's agent, eve overhears; the shop is the back end, mod the moderator.

    `listing` is sol's, and `conversation_id` is where bea has asked sol about it.
    """

    bea: Person
    sol: Person
    ada: Person
    eve: Person
    shop: Person
    mod: Person
    listing: str
    conversation_id: str


async def gather_cast(url: str) -> Cast:
    """A cast that nobody else knows: fresh ids, so that tests share a server without meeting."""
    mark = uuid.uuid4().hex[:8]
    people = {
        name: Person(url, f"{name}-{mark}", name=name.capitalize(), **({"role": role} if role else {}))
        for name, role in {"bea": "", "sol": "", "ada": "", "eve": "", "shop": "service", "mod": "admin"}.items()
    }
    for person in people.values():
        assert (await person.get("/me")).status_code == 200
    listing = f"table-{mark}"
    told = await people["shop"].put(f"/contexts/listing/{listing}", title=f"Table {mark}", seller_id=people["sol"].id)
    assert told.status_code == 200, told.text
    opened = await people["bea"].post("/conversations", context={"kind": "listing", "id": listing})
    assert opened.status_code == 201, opened.text
    return Cast(**people, listing=listing, conversation_id=opened.json()["conversation"]["id"])


async def close_cast(cast: Cast) -> None:
    for person in cast:
        if isinstance(person, Person):
            await person.close()


def positions(events: list[Event]) -> Iterator[int]:
    """The positions of durable events."""
    return (int(event.id.rsplit("-", 1)[1]) for event in events if event.id is not None)
