"""Was it right? Every acknowledged message exactly once on every member's stream, in the order of the stream's ids."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import msgspec

from loadtests.bench.load import Sent, Stage
from loadtests.bench.streams import MESSAGE_MARK, Frame, Stream, field_of


class _Message(msgspec.Struct):
    client_id: str
    conversation_id: str
    seq: int | None = None


class _Event(msgspec.Struct):
    message: _Message


class Seen(msgspec.Struct, frozen=True):
    """A message on a stream: when, and its number in the stream."""

    at: float
    position: int
    client_id: str
    conversation_id: str
    seq: int | None


@dataclass(frozen=True)
class Verdict:
    """Counts of messages. All but the first two must be 0; `disordered` is only reported of the obvious design."""

    acknowledged: int
    delivered: int
    refused: int
    lost: int
    doubled: int
    unexpected: int
    disordered: int

    def faults(self, *, is_order_promised: bool = True) -> int:
        return sum(self.found().values()) - (0 if is_order_promised else self.disordered)

    def found(self) -> dict[str, int]:
        """How often what went wrong. A message refused and stored all the same is also unexpected on each stream."""
        return {kind: count for kind, count in asdict(self).items() if kind not in ("acknowledged", "delivered")}

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


_decode = msgspec.json.Decoder(_Event).decode


def seen_by(stream: Stream) -> list[Seen]:
    """The stream's messages in the order of arrival."""
    return [_seen(frame) for frame in stream.frames if MESSAGE_MARK in frame.text]


def _seen(frame: Frame) -> Seen:
    message = _decode(field_of(frame.text, b"data").encode()).message
    position = int(field_of(frame.text, b"id").rpartition("-")[2])
    return Seen(frame.at, position, message.client_id, message.conversation_id, message.seq)


def verdict(stage: Stage, sent: list[Sent]) -> Verdict:
    """Compare what was acknowledged with what each stream got."""
    expected: defaultdict[str, set[str]] = defaultdict(set)
    for one in sent:
        if one.status == 201:
            for member in stage.chats[one.line.chat].members:
                expected[member.user_id].add(one.client_id)
    acknowledged = sum(one.status == 201 for one in sent)
    delivered = lost = doubled = unexpected = disordered = 0
    for stream in stage.streams:
        seen = seen_by(stream)
        due, times = expected[stream.reader.user_id], Counter(one.client_id for one in seen)
        delivered += len(seen)
        lost += len(due - times.keys())
        doubled += sum(count - 1 for count in times.values())
        unexpected += len(times.keys() - due)
        disordered += disorder(seen)
    return Verdict(acknowledged, delivered, len(sent) - acknowledged, lost, doubled, unexpected, disordered)


def disorder(seen: list[Seen]) -> int:
    """How often an id did not grow, or a conversation's next number was not one more."""
    found = sum(after.position <= before.position for before, after in pairwise(seen))
    last_seq: dict[str, int] = {}
    for one in seen:
        if one.seq is not None:
            found += one.seq != last_seq.get(one.conversation_id, one.seq - 1) + 1
            last_seq[one.conversation_id] = one.seq
    return found


def latencies_ms(stage: Stage, sent: list[Sent]) -> list[float]:
    """From just before writing the POST to the whole frame on the other members' streams, sorted. One clock."""
    started = {one.client_id: (one.started_at, stage.chats[one.line.chat].members[one.line.sender]) for one in sent}
    found = []
    for stream in stage.streams:
        for one in seen_by(stream):
            started_at, author = started[one.client_id]
            if author.user_id != stream.reader.user_id:
                found.append((one.at - started_at) * 1000)
    return sorted(found)


def percentile(ordered: list[float], percent: float) -> float:
    """The value that so many percent do not exceed (nearest rank)."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
