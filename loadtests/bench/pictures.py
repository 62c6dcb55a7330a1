"""The charts of docs/performance.md: which numbers, which words. How they are drawn is `chart`'s business."""

from __future__ import annotations

from typing import Any

from loadtests.bench.capacity import KINDS
from loadtests.bench.chart import Bar, Group, Series, Words, bars, lines
from loadtests.bench.saved import PerMessage, Saved, per_message
from loadtests.bench.tables import NOOP, OBVIOUS

PARLEY = "Parley"
MICROSECONDS = "µs of CPU"


def pictures(saved: Saved) -> dict[str, str]:
    """Every chart by its file's name."""
    return {
        "beside.svg": _beside(saved),
        "streams.svg": _growing(
            saved, "streams", "A message beside more and more open streams", "people with an open stream"
        ),
        "conversations.svg": _growing(
            saved, "conversations", "A message over more and more conversations", "conversations that are written to"
        ),
        "length.svg": _length(saved),
        "participants.svg": _participants(saved),
        "workers.svg": _workers(saved),
    }


def _beside(saved: Saved) -> str:
    closed, lone, insert = saved.of("closed"), saved.of("open"), saved.of("insert")
    ours, floor = saved.of("fanout")
    groups = (
        Group(
            "One message, 16 senders as fast as they are answered",
            (
                _bar(PARLEY, per_message(closed, "parley")),
                _bar(OBVIOUS, per_message(closed, "obvious")),
                _bar(NOOP, per_message(closed, "noop")),
            ),
        ),
        Group(
            "One message, 200 a second at random moments",
            (_bar(PARLEY, per_message(lone, "parley")), _bar(OBVIOUS, per_message(lone, "obvious"))),
        ),
        Group(
            "One message in Postgres alone, 16 senders",
            (
                Bar(PARLEY, (0.0, insert["parley"]["postgres_us"])),
                Bar("a bare insert of its rows", (0.0, insert["bare"]["postgres_us"])),
            ),
        ),
        Group(
            "One delivery to an open stream",
            (
                Bar(PARLEY, (ours["delivery_cpu_us"],)),
                Bar("a bare uvloop writer", (floor["delivery_cpu_us"],)),
            ),
        ),
    )
    words = Words(
        "Beside the obvious design and the floors: CPU, less is better",
        "Bars of CPU time, split into server and Postgres. Each group has a scale of its own. "
        + " ".join(_in_words(group) for group in groups),
    )
    return bars(words, ("server", "Postgres"), groups)


def _bar(name: str, cost: PerMessage) -> Bar:
    return Bar(name, (cost.server, cost.postgres))


def _in_words(group: Group) -> str:
    return f"{group.title}: " + ", ".join(f"{bar.name} {sum(bar.parts):,.0f} {group.unit}" for bar in group.bars) + "."


def _growing(saved: Saved, scenario: str, title: str, x_name: str) -> str:
    points = saved.of(scenario)
    series = (
        Series("server", _over(points, "server_us")),
        Series("Postgres", _over(points, "postgres_us")),
        Series("both", _over(points, "cpu_us")),
    )
    return lines(Words(title, _said(series, x_name)), x_name, MICROSECONDS, series)


def _length(saved: Saved) -> str:
    points = saved.of("length")
    series = (
        Series("sending a message", _over(points, "cpu_us")),
        Series("reading a page of 50", _over(points, "page_cpu_us")),
    )
    x_name = "messages in the conversation"
    return lines(Words("In a longer and longer conversation", _said(series, x_name)), x_name, MICROSECONDS, series)


def _participants(saved: Saved) -> str:
    points = saved.of("participants")
    series = (
        Series("a message", _over(points, "cpu_us")),
        Series("for each person it reaches", tuple((one["size"], one["cpu_us"] / one["size"]) for one in points)),
    )
    x_name = "participants, each with an open stream"
    return lines(Words("A message to more and more people", _said(series, x_name)), x_name, MICROSECONDS, series)


def _workers(saved: Saved) -> str:
    by_workers = saved.of("workers")
    groups = tuple(
        Group(
            title,
            tuple(
                Bar(f"{workers} worker{'s' if workers != '1' else ''}", (by_workers[workers][kind]["capacity"],))
                for workers in ("1", "2")
            ),
            unit="a second",
        )
        for kind, title in KINDS.items()
    )
    words = Words(
        "What workers can do if each has a core, more is better",
        "Bars of capacity a second, by the CPU of the busiest worker. "
        + " ".join(_in_words(group) for group in groups),
    )
    return bars(words, ("capacity",), groups)


def _over(points: list[dict[str, Any]], name: str) -> tuple[tuple[float, float], ...]:
    return tuple((point["size"], point[name]) for point in points)


def _said(series: tuple[Series, ...], x_name: str) -> str:
    """The chart for those who hear it."""
    each = [f"{one.name}: " + ", ".join(f"{value:,.0f} at {size:,.0f}" for size, value in one.points) for one in series]
    return f"Lines of {MICROSECONDS} by {x_name}. " + "; ".join(each) + "."
