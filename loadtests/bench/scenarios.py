"""The scenarios by name, in the order in which they run and are told of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from loadtests.bench import (
    by_conversations,
    by_length,
    by_participants,
    by_streams,
    by_workers,
    fanout,
    history,
    idle,
    inserting,
    latency,
    resume,
    throughput,
)
from loadtests.bench.report import Report, Row
from loadtests.bench.servers import Bench

Scenario = Callable[[Bench, Report], Awaitable[list[Row]]]

SCENARIOS: dict[str, tuple[str, Scenario]] = {
    "closed": ("16 senders as fast as answered, 200 conversations, 400 streams", throughput.measure),
    "open": ("200 messages a second, 200 conversations, 400 streams", latency.measure),
    "fanout": ("one message to 1,000 streams", fanout.measure),
    "idle": ("5,000 quiet streams", idle.measure),
    "resume": ("catching up after a cut", resume.measure),
    "history": ("pages of a long conversation, a list of 10,000", history.measure),
    "insert": ("16 senders, and the same rows by bare inserts", inserting.measure),
    "streams": ("200 messages a second among 100 people, beside more and more streams", by_streams.measure),
    "conversations": ("200 messages a second over more and more conversations", by_conversations.measure),
    "length": ("200 messages a second, and pages, in longer and longer conversations", by_length.measure),
    "participants": ("100 messages a second to more and more people", by_participants.measure),
    "workers": ("one worker, and two behind an even balancer", by_workers.measure),
}
GROUPS = {"scaling": ["streams", "conversations", "length", "participants", "workers"]}


def chosen(only: list[str] | None) -> list[str]:
    """The scenarios to run; a group stands for its own."""
    return [name for given in only or SCENARIOS for name in GROUPS.get(given, [given])]
