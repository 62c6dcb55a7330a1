"""The outbox: sends one message after another, each until it is acknowledged, with the same `client_id`."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Callable
from time import perf_counter

import msgspec

from loadtests.bench.client import Call, Connection, connect, exchange
from loadtests.bench.people import Chat
from loadtests.soak.books import Books, Promise

ANSWER_SECONDS = 5.0  # a worker that hangs is given up, and the message said again on another connection
BACKOFF_SECONDS = 0.05
ACKNOWLEDGED = (200, 201)
TO_BE_REPEATED = (0, 429, 503)  # 0: the connection broke
RECEIPT_SHARE = 0.1
WORDS = ("Is", "the", "oak", "table", "still", "there?", "I", "could", "fetch", "it", "on", "Saturday", "🪑", "\n")


class _Message(msgspec.Struct):
    conversation_id: str
    seq: int


class _Sent(msgspec.Struct):
    message: _Message
    cursor: str


class Refused(Exception):
    """An answer that no outbox expects: the soak is over."""


class Outbox:
    """One person's. `on_sent(at, position)` is called with every acknowledgement, `at` on `perf_counter`."""

    def __init__(self, port: int, chats: list[Chat], books: Books, seed: int) -> None:
        self.port = port
        self.chats = chats
        self.books = books
        self.random = random.Random(seed)
        self.on_sent: Callable[[float, int], None] = lambda at, position: None
        self.connection: Connection | None = None
        self.is_hushed = False

    async def run(self, per_second: float) -> None:
        """Send at random moments, so many a second on average, until hushed; what was begun is finished."""
        while not self.is_hushed:
            await asyncio.sleep(self.random.expovariate(per_second))
            await self.send(self.random.choice(self.chats))

    async def send(self, chat: Chat) -> None:
        client_id = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        member = self.random.choice(chat.members)
        body = "Hello! " + " ".join(self.random.choices(WORDS, k=self.random.randint(1, 60)))
        path = f"/api/v1/conversations/{chat.id}"
        draft = {"client_id": client_id, "body": body}
        self.books.attempt(client_id)
        sent = msgspec.json.decode(
            await self._until_stored("POST", f"{path}/messages", member.token, draft), type=_Sent
        )
        position = int(sent.cursor.rpartition("-")[2])
        self.books.promise(client_id, Promise(sent.message.conversation_id, sent.message.seq, position))
        self.on_sent(perf_counter(), position)
        if self.random.random() < RECEIPT_SHARE:
            reader = self.random.choice(chat.members)
            await self._until_stored("PUT", f"{path}/receipt", reader.token, {"read_seq": sent.message.seq})

    async def _until_stored(self, method: str, path: str, token: str, content: object) -> bytes:
        request = Call(method, path, token, content).encode()
        while True:
            status, body = await self._exchange(request)
            if status in ACKNOWLEDGED:
                return body
            if status not in TO_BE_REPEATED:
                raise Refused(f"{method} {path} answered {status}: {body[:300]!r}")
            self.books.repeated += 1
            await asyncio.sleep(BACKOFF_SECONDS)

    async def _exchange(self, request: bytes) -> tuple[int, bytes]:
        """One request and its answer; (0, …) when the connection broke or nothing came in time."""
        try:
            if self.connection is None or self.connection.closed:
                self.connection = await connect(self.port)
            return await asyncio.wait_for(exchange(self.connection, request), ANSWER_SECONDS)
        except (OSError, TimeoutError):
            self.cut()
            return 0, b""

    def cut(self) -> None:
        """End the connection; what was under way is said again on another."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None
