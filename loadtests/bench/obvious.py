"""The baseline: the design that an experienced developer would write down first, with the same stack.

Each POST is one transaction on a connection of the pool: who is a member, insert, update the conversation, NOTIFY with
the message. A listener decodes each notification and puts it into the queue of every stream of every member; each
stream is Litestar's own server-sent event response. It is correct as long as it runs, and honest: where two ordinary
ways exist it takes the cheaper one. It does less than Parley: no resuming, no idempotency, no numbering, no receipts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import jwt
import msgspec
import uvicorn
from litestar import Litestar, Request, get, post
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import NotAuthorizedException, NotFoundException
from litestar.response import ServerSentEvent, ServerSentEventMessage

HEARTBEAT_SECONDS = 15.0

TABLES = """
CREATE TABLE conversation (
    id uuid PRIMARY KEY,
    last_message_id bigint,
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE member (
    conversation_id uuid NOT NULL REFERENCES conversation (id),
    user_id text NOT NULL,
    role text NOT NULL,
    PRIMARY KEY (conversation_id, user_id)
);
CREATE TABLE message (
    id bigserial PRIMARY KEY,
    conversation_id uuid NOT NULL REFERENCES conversation (id),
    sender_id text NOT NULL,
    client_id uuid NOT NULL,
    kind text NOT NULL,
    body text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX message_by_conversation ON message (conversation_id, id);
"""
MEMBERS = "SELECT user_id FROM member WHERE conversation_id = $1"
INSERT = """
INSERT INTO message (conversation_id, sender_id, client_id, kind, body) VALUES ($1, $2, $3, $4, $5)
RETURNING id, created_at
"""
UPDATE = "UPDATE conversation SET last_message_id = $2, updated_at = $3 WHERE id = $1"


class Draft(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a client sends."""

    client_id: UUID
    kind: str = "text"
    body: str = ""
    context: dict[str, str] | None = None
    reply_to: UUID | None = None
    last_seen_seq: int | None = None


class Participant(msgspec.Struct, frozen=True):
    user_id: str
    role: str


class Opening(msgspec.Struct, frozen=True):
    participants: list[Participant]


queues: defaultdict[str, set[asyncio.Queue[dict[str, Any]]]] = defaultdict(set)


async def caller(request: Request[Any, Any, Any]) -> str:
    """The user id in a valid token."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    try:
        claims = jwt.decode(token, os.environ["BENCH_JWT_SECRET"], ["HS256"], options={"require": ["exp", "sub"]})
    except jwt.InvalidTokenError as error:
        raise NotAuthorizedException from error
    return str(claims["sub"])


@post("/api/v1/conversations")
async def open_conversation(data: Opening, caller: str, state: State) -> dict[str, Any]:
    conversation_id = uuid4()
    async with state.pool.acquire() as connection, connection.transaction():
        await connection.execute("INSERT INTO conversation (id) VALUES ($1)", conversation_id)
        await connection.executemany(
            "INSERT INTO member (conversation_id, user_id, role) VALUES ($1, $2, $3)",
            [(conversation_id, participant.user_id, participant.role) for participant in data.participants],
        )
    return {"conversation": {"id": str(conversation_id)}}


@post("/api/v1/conversations/{conversation_id:uuid}/messages")
async def send(conversation_id: UUID, data: Draft, caller: str, state: State) -> dict[str, Any]:
    async with state.pool.acquire() as connection, connection.transaction():
        members = [row["user_id"] for row in await connection.fetch(MEMBERS, conversation_id)]
        if caller not in members:
            raise NotFoundException
        row = await connection.fetchrow(INSERT, conversation_id, caller, data.client_id, data.kind, data.body)
        await connection.execute(UPDATE, conversation_id, row["id"], row["created_at"])
        message = {
            "id": row["id"],
            "conversation_id": str(conversation_id),
            "sender_id": caller,
            "client_id": str(data.client_id),
            "kind": data.kind,
            "body": data.body,
            "created_at": row["created_at"].isoformat(),
        }
        notice = json.dumps({"members": members, "message": message})
        await connection.execute("SELECT pg_notify('messages', $1)", notice)
    return {"message": message, "cursor": str(message["id"])}


def deliver(connection: Any, pid: int, channel: str, notice: object) -> None:
    """Put a notified message into the queue of every stream of its members."""
    event = json.loads(str(notice))
    for user_id in event["members"]:
        for queue in queues.get(user_id, ()):
            queue.put_nowait(event["message"])


@get("/api/v1/events/stream")
async def stream(caller: str) -> ServerSentEvent:
    return ServerSentEvent(events(caller))


async def events(user_id: str) -> AsyncGenerator[ServerSentEventMessage, None]:
    """A user's messages from now on, and a comment when it is quiet."""
    queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    queues[user_id].add(queue)
    try:
        yield ServerSentEventMessage(event="ready", data="{}")
        while True:
            try:
                async with asyncio.timeout(HEARTBEAT_SECONDS):  # a timer; the usual `wait_for` adds a task
                    message = await queue.get()
            except TimeoutError:
                yield ServerSentEventMessage(event="ping", data="{}")
            else:
                data = {"conversation_id": message["conversation_id"], "message": message}
                yield ServerSentEventMessage(id=message["id"], event="message.sent", data=json.dumps(data))
    finally:
        queues[user_id].discard(queue)
        if not queues[user_id]:
            del queues[user_id]


@get("/health/ready")
async def ready() -> dict[str, bool]:
    return {"ready": True}


@asynccontextmanager
async def database(app: Litestar) -> AsyncGenerator[None, None]:
    """The pool, the tables and the listener."""
    url = os.environ["BENCH_DATABASE_URL"]
    async with asyncpg.create_pool(url) as pool:
        await pool.execute(TABLES)
        listener = await asyncpg.connect(url)
        await listener.add_listener("messages", deliver)
        app.state.pool = pool
        try:
            yield
        finally:
            await listener.close()


def create_app() -> Litestar:
    return Litestar(
        [open_conversation, send, stream, ready],
        dependencies={"caller": Provide(caller)},
        lifespan=[database],
        openapi_config=None,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    uvicorn.run(
        create_app(),
        port=parser.parse_args().port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=2,
    )


if __name__ == "__main__":
    main()
