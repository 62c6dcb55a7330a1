"""The cast: tokens, users and conversations, made over HTTP as a shop's back end would."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import Any

import jwt
import msgspec

from loadtests.bench.client import Call, many
from loadtests.bench.servers import Server
from loadtests.bench.streams import Reader

TOKEN_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Chat:
    """A conversation and its people."""

    id: str
    members: tuple[Reader, ...]


def token(server: Server, user_id: str, role: str = "user") -> str:
    """A token such as the shop would sign, another one each time."""
    now = int(time.time())
    claims = {"sub": user_id, "name": user_id.title(), "role": role, "iat": now, "exp": now + TOKEN_SECONDS}
    claims["jti"] = uuid.uuid4().hex
    return jwt.encode(claims, server.secret, "HS256")


def reader(server: Server, user_id: str) -> Reader:
    return Reader(user_id, token(server, user_id))


async def open_chats(server: Server, groups: list[tuple[str, ...]]) -> list[Chat]:
    """One conversation for each group of user ids: a buyer, a seller, and agents after them."""
    service = token(server, "shop", "service")
    answers = await many(
        server.port,
        [Call("POST", "/api/v1/conversations", service, {"participants": _roles(group)}) for group in groups],
    )
    chats = []
    for group, (status, body) in zip(groups, answers, strict=True):
        if status not in (200, 201):
            raise RuntimeError(f"opening a conversation answered {status}: {body[:400]!r}")
        chat_id = msgspec.json.decode(body)["conversation"]["id"]
        chats.append(Chat(chat_id, tuple(reader(server, user_id) for user_id in group)))
    return chats


def pairs(count: int, prefix: str = "") -> list[tuple[str, ...]]:
    """So many pairs of different people."""
    return [(f"{prefix}buyer-{number}", f"{prefix}seller-{number}") for number in range(count)]


def _roles(group: tuple[str, ...]) -> list[dict[str, Any]]:
    roles = ("buyer", "seller", *["agent"] * (len(group) - 2))
    return [{"user_id": user_id, "role": role} for user_id, role in zip(group, roles, strict=True)]
