"""What benchmarks have saved as JSON, read again: several runs as one, the newest of each scenario.

So one scenario can be measured anew without the others. Nothing is measured here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from loadtests.bench.report import Row
from loadtests.bench.scenarios import SCENARIOS
from loadtests.bench.turns import Rounds

MEANWHILE = "the machine meanwhile"


class Missing(Exception):
    """The data lack a scenario that the page is about."""


@dataclass(frozen=True)
class Run:
    """One start of the benchmark."""

    machine: str
    versions: dict[str, str]
    is_quick: bool


@dataclass
class Saved:
    """By scenario: its title, its rows, its raw numbers, and how busy the machine was with other things."""

    runs: dict[str, Run] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    raw: dict[str, Any] = field(default_factory=dict)
    conditions: dict[str, dict[str, float]] = field(default_factory=dict)

    def of(self, scenario: str) -> Any:
        """Raw numbers. Raises `Missing`."""
        if scenario not in self.raw:
            raise Missing(f'No raw numbers of "{scenario}". Measure it: make bench ARGS="--only {scenario} --json …"')
        return self.raw[scenario]

    def names(self) -> list[str]:
        """The scenarios that were measured, in their usual order."""
        return [name for name in SCENARIOS if name in self.rows]

    def used(self) -> list[tuple[Run, list[str]]]:
        """The runs that something is taken from, each with the names of its scenarios."""
        found: dict[int, tuple[Run, list[str]]] = {}
        for name in self.names():
            found.setdefault(id(self.runs[name]), (self.runs[name], []))[1].append(name)
        return list(found.values())


def read(folder: Path) -> Saved:
    """Everything in the folder's JSON files."""
    contents = [json.loads(path.read_text()) for path in folder.glob("*.json")]
    saved = Saved()
    for content in sorted(contents, key=lambda content: str(content["started_at"])):
        run = Run(content["machine"], content["versions"], content["is_quick"])
        for heading, rows in content["rows"].items():
            if heading != MEANWHILE:
                _take(saved, run, content["raw"], heading, [Row(**row) for row in rows])
    return saved


def _take(saved: Saved, run: Run, raw: dict[str, Any], heading: str, rows: list[Row]) -> None:
    """In the place of an older run's; a scenario that failed leaves no older numbers behind."""
    name, _, title = heading.partition(": ")
    saved.runs[name], saved.titles[name], saved.rows[name] = run, title, rows
    saved.conditions[name] = raw["machine"][name]
    saved.raw.pop(name, None)
    if name in raw:
        saved.raw[name] = raw[name]


@dataclass(frozen=True)
class PerMessage:
    """Microseconds of CPU for a message, medians of a program's rounds."""

    server: float
    postgres: float

    @property
    def cpu(self) -> float:
        return self.server + self.postgres


def per_message(rounds: Rounds, program: str) -> PerMessage:
    of_it = [one for one in rounds if one["program"] == program]

    def middle(name: str) -> float:
        costs: list[float] = [one[name] / max(1, one["acknowledged"]) * 1e6 for one in of_it]
        return median(costs)

    return PerMessage(middle("server_cpu"), middle("postgres_cpu"))
