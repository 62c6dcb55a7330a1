"""What workers could do if each had a core: work done, by the CPU of the busiest. Not here: the work (`by_workers`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from loadtests.bench.load import Stage
from loadtests.bench.meter import metered
from loadtests.bench.processes import cpu_seconds
from loadtests.bench.servers import Bench, Server

KINDS = {"deliveries": "deliveries to 1,000 streams", "reads": "pages of 50 messages", "sends": "messages of pairs"}


@dataclass
class Work:
    """What was done of one kind in one turn, over so many logs. CPU in seconds; `workers_cpu`: of each worker."""

    logs: int = 1
    units: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    workers_cpu: list[float] = field(default_factory=list)
    postgres_cpu: float = 0.0

    def add(self, faults: Mapping[str, int]) -> None:
        for kind, count in faults.items():
            self.faults[kind] = self.faults.get(kind, 0) + count

    @property
    def capacity(self) -> float:
        """Units a second and log, if the busiest worker had a core of its own and never waited."""
        return self.units / self.logs / max(0.01, *self.workers_cpu)

    @property
    def cpu_us(self) -> float:
        return (sum(self.workers_cpu) + self.postgres_cpu) / max(1, self.units) * 1e6

    @property
    def per_second(self) -> float:
        """Of a log."""
        return self.units / self.logs / max(0.01, self.seconds)

    @property
    def busiest_percent(self) -> float:
        """Of the CPU of a log's workers."""
        return 100 * self.logs * max(self.workers_cpu) / max(0.01, sum(self.workers_cpu))


FIGURES = ("capacity", "cpu_us", "per_second", "busiest_percent")


@dataclass
class Side:
    """Workers, the people at them, and what each kind of work cost. `talks`: the pairs whose messages each worker
    takes; their streams are spread over all workers of its log, and so are those of its crowd."""

    logs: int
    workers: list[Server] = field(default_factory=list)
    talks: list[Stage] = field(default_factory=list)
    crowds: list[Stage] = field(default_factory=list)
    work: dict[str, list[Work]] = field(default_factory=lambda: {kind: [] for kind in KINDS})

    @contextmanager
    def working(self, bench: Bench, kind: str) -> Iterator[Work]:
        """One more turn of a kind; its costs are set when the block ends."""
        work, before = Work(self.logs), [cpu_seconds(worker.pid) for worker in self.workers]
        with metered(bench, self.workers[0]) as cost:
            yield work
        work.workers_cpu = [cpu_seconds(worker.pid) - then for worker, then in zip(self.workers, before, strict=True)]
        work.postgres_cpu, work.seconds = cost.postgres_cpu, cost.seconds
        self.work[kind].append(work)

    @property
    def workers_a_log(self) -> int:
        return len(self.workers) // self.logs

    def middle(self, kind: str, figure: str) -> float:
        """The median of the turns."""
        return median(float(getattr(work, figure)) for work in self.work[kind])

    def times(self, other: Side, kind: str) -> float:
        """Our capacity, of the other side's: the median of the turns, each beside the other's of that time."""
        turns = zip(self.work[kind], other.work[kind], strict=True)
        return median(ours.capacity / theirs.capacity for ours, theirs in turns)

    def as_json(self) -> dict[str, Any]:
        return {
            kind: {figure: self.middle(kind, figure) for figure in FIGURES} | {"turns": [asdict(one) for one in turns]}
            for kind, turns in self.work.items()
        }
