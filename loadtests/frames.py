"""What comes from the server, taken apart: frames of a stream, answers of a poll, cursors. No network here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

FRAME_END = b"\n\n"
CONTROL = frozenset(("hello", "ready", "ping", "reset", "bye"))


class Frame(NamedTuple):
    """One event. `cursor` is None on signals and on `bye`."""

    cursor: str | None
    type: str
    data: Any

    @property
    def is_durable(self) -> bool:
        """Of the log: it has a position, and must come exactly once."""
        return self.cursor is not None and self.type not in CONTROL


class Place(NamedTuple):
    """A cursor, looked into. Ordinary clients must not: to them it is opaque."""

    epoch: str
    position: int


def place_of(cursor: str) -> Place:
    epoch, _, position = cursor.rpartition("-")
    return Place(epoch, int(position))


def parse(text: bytes) -> Frame | None:
    """A frame of a stream (WHATWG HTML 9.2.6), without or with its blank line; None when it says nothing."""
    cursor, kind, data = None, "message", b""
    for line in text.split(b"\n"):
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"id":
            cursor = value.decode()
        elif name == b"event":
            kind = value.decode()
        elif name == b"data":
            data += value
    return Frame(cursor, kind, msgspec.json.decode(data)) if data else None


def polled(answer: Any) -> Iterator[Frame]:
    """The events of a poll's answer, in their order."""
    for event in answer["events"]:
        yield Frame(event["cursor"], event["type"], event["data"])
