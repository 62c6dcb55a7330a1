"""What the scaling scenarios share: one load at several sizes, and what a message costs at each of them.

The load is always the same (an open loop at a fixed rate, so that batches are of the same size throughout); only one
thing grows. Not here: what grows, which is one module each (`by_streams`, `by_conversations`, `by_length`,
`by_participants`, `by_workers`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import Any

from loadtests.bench import check
from loadtests.bench.load import Stage, delivered, open_loop
from loadtests.bench.meter import Cost, metered, patiently, settled
from loadtests.bench.report import Row, at_most, told
from loadtests.bench.servers import Bench

PER_SECOND = 200.0
WARM_UP_SECONDS = 1.5


@dataclass(frozen=True)
class Round:
    """One measured load. Costs are microseconds of CPU for an acknowledged message."""

    cost: Cost
    verdict: check.Verdict

    @property
    def server_us(self) -> float:
        return self.cost.server_cpu / max(1, self.verdict.acknowledged) * 1e6

    @property
    def postgres_us(self) -> float:
        return self.cost.postgres_cpu / max(1, self.verdict.acknowledged) * 1e6

    @property
    def cpu_us(self) -> float:
        return self.server_us + self.postgres_us

    def as_json(self) -> dict[str, Any]:
        return {**self.cost.as_json(), **self.verdict.as_json()}


@dataclass
class Point:
    """One size, the loads at it, and what else was seen there."""

    size: int
    rounds: list[Round] = field(default_factory=list)
    more: dict[str, float] = field(default_factory=dict)

    def middle(self, name: str) -> float:
        """The median of a figure of the rounds."""
        return median(float(getattr(one, name)) for one in self.rounds)

    def as_json(self) -> dict[str, Any]:
        figures = {name: self.middle(name) for name in ("cpu_us", "server_us", "postgres_us")}
        return {"size": self.size, **figures, **self.more, "rounds": [one.as_json() for one in self.rounds]}


@dataclass(frozen=True)
class Effort:
    """How much is measured at each size."""

    sizes: tuple[int, ...]
    seconds: float = 3.0
    rounds: int = 3


async def loaded(bench: Bench, stage: Stage, seconds: float, per_second: float = PER_SECOND) -> Round:
    """The load once."""

    async def once() -> Round:
        stage.forget()
        with metered(bench, stage.server) as cost:
            sent = await delivered(stage, open_loop(stage, seconds, per_second))
        return Round(cost, check.verdict(stage, sent))

    return await patiently(bench, stage.server, once)


async def warmed(bench: Bench, stage: Stage, per_second: float = PER_SECOND) -> None:
    """Have the server see everything once, and rest."""
    await loaded(bench, stage, WARM_UP_SECONDS, per_second)
    await settled(bench, stage.server)


def rows_of(points: list[Point], what: str) -> list[Row]:
    """`what` names the sizes, as in "streams"."""
    first, last = points[0], points[-1]
    return [
        told(
            f"CPU per message at {last.size:,} {what}, of that at {first.size:,}",
            last.middle("cpu_us") / first.middle("cpu_us"),
            " ×",
        ),
        no_faults(points),
        *(told(f"  CPU per message: {point.size:,} {what}", point.middle("cpu_us"), " µs") for point in points),
    ]


def no_faults(points: list[Point]) -> Row:
    faults = sum(one.verdict.faults() for point in points for one in point.rounds)
    return at_most("messages lost, doubled, refused or out of order", faults, 0)
