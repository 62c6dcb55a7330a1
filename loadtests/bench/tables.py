"""The tables of docs/performance.md, in Markdown: which numbers, in which words. Nothing is measured here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from loadtests.bench.capacity import KINDS
from loadtests.bench.chart import number
from loadtests.bench.report import Row
from loadtests.bench.saved import Saved, per_message
from loadtests.bench.turns import Rounds, middle, share

OBVIOUS, NOOP = "the obvious design", "a handler that does nothing"
AT_ONCE = "16 senders at once"

Block = Callable[[Saved], str]


def targets(saved: Saved) -> str:
    """Every row that has a target."""
    return _rows(saved, lambda row: row.is_reached is not None)


def everything(saved: Saved) -> str:
    return _rows(saved, lambda row: True)


def _rows(saved: Saved, is_shown: Callable[[Row], bool]) -> str:
    found = []
    for name in saved.names():
        if shown := [_row(row) for row in saved.rows[name] if is_shown(row)]:
            found += [[f"**{name}: {saved.titles[name]}**", "", "", ""], *shown]
    return _table(["", "target", "reached", ""], found)


def _row(row: Row) -> list[str]:
    return [row.measured.strip(), row.target, row.reached, {True: "yes", False: "**missed**", None: ""}[row.is_reached]]


@dataclass(frozen=True)
class Beside:
    """Our number and another program's."""

    what: str
    other: str
    ours: float
    theirs: float
    unit: str = " µs"
    share: float | None = None  # where it is not simply the one by the other

    def cells(self) -> list[str]:
        ours, theirs = (f"{number(value)}{self.unit}" for value in (self.ours, self.theirs))
        return [self.what, ours, self.other, theirs, f"{self.share or self.ours / self.theirs:.2f} ×"]


def beside(saved: Saved) -> str:
    closed, lone, insert = saved.of("closed"), saved.of("open"), saved.of("insert")
    ours, floor = saved.of("fanout")
    stored, bare = insert["parley"]["postgres_us"], insert["bare"]["postgres_us"]

    def cpu(when: str, rounds: Rounds) -> Beside:
        mine, theirs = (per_message(rounds, program).cpu for program in ("parley", "obvious"))
        shared = share(rounds, "cpu_us_per_message", "parley", "obvious")
        return Beside(f"CPU of a message, {when}", OBVIOUS, mine, theirs, share=shared)

    def sends(other: str, program: str) -> Beside:
        mine, theirs = (middle(closed, one, "sends_per_second") for one in ("parley", program))
        shared = share(closed, "sends_per_second", "parley", program)
        return Beside(f"messages a second, {AT_ONCE}", other, mine, theirs, "", shared)

    found = [
        cpu(AT_ONCE, closed),
        cpu("200 a second", lone),
        sends(OBVIOUS, "obvious"),
        sends(NOOP, "noop"),
        Beside(f"CPU of Postgres for a message, {AT_ONCE}", "a bare insert of the same rows", stored, bare),
        Beside("CPU of a delivery", "a bare uvloop writer", ours["delivery_cpu_us"], floor["delivery_cpu_us"]),
    ]
    return _table(["", "Parley", "beside it", "", "ours of that"], [one.cells() for one in found])


@dataclass(frozen=True)
class Column:
    """A figure of each point; `share` is what it is divided by."""

    name: str
    key: str
    share: float = 1.0


def growing(scenario: str, heading: str, *more: Column) -> Block:
    """The table of a scaling scenario: what a message costs at each size, and more columns."""
    columns = (
        Column("CPU of a message, µs", "cpu_us"),
        Column("server", "server_us"),
        Column("Postgres", "postgres_us"),
    )

    def block(saved: Saved) -> str:
        found = [
            [f"{point['size']:,}"]
            + [number(point[one.key] / one.share) if one.key in point else "" for one in (*columns, *more)]
            for point in saved.of(scenario)
        ]
        return _table([heading, *(one.name for one in (*columns, *more))], found)

    return block


def workers(saved: Saved) -> str:
    raw = saved.of("workers")
    found = []
    for kind, what in KINDS.items():
        for count in ("1", "2"):
            side = raw[count][kind]
            figures = [number(side[name]) for name in ("capacity", "cpu_us", "per_second")]
            times = "" if count == "1" else f"**{raw['times'][kind]:.2f} ×**"
            found.append([what, count, figures[0], times, f"{side['busiest_percent']:.0f} %", *figures[1:]])
    heads = ["", "workers", "capacity a second", "of one's", "CPU that the busiest took", "CPU each, Postgres too, µs"]
    return _table([*heads, "seen a second, sharing this machine"], found)


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] + ["--:"] * (len(heads) - 1), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
