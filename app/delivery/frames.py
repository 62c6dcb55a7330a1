"""Control frames: what a stream says of itself. Events bring frames of their own, made once (`hub.Entry`)."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from app import schemas
from app.delivery.hub import HUB

_encode = msgspec.json.Encoder().encode


def frame(kind: str, data: msgspec.Struct, *, cursor: str | None = None) -> bytes:
    """A control frame. With a cursor, the client resumes from there."""
    id_ = f"id: {cursor}\n" if cursor else ""
    return f"{id_}event: {kind}\ndata: ".encode() + _encode(data) + b"\n\n"


def ping(cursor: str) -> bytes:
    """A heartbeat for whoever has everything up to this cursor."""
    return frame("ping", schemas.Ping(server_time=datetime.now(UTC), head=str(HUB.cursor)), cursor=cursor)
