"""Memory over the whole soak, process by process: Parley's by what is resident, Postgres' by what is its own.

A worker that was killed is followed by another, so processes come and go; what must be flat is their size, not whose it
is. A worker is counted from the moment it has settled.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter, time

import psutil

from loadtests.soak.stage import Stage

LOOK_SECONDS = 2.0
SETTLED_SECONDS = 10.0
MEGABYTE = 1024 * 1024
SHARE = 5  # the first and the last fifth of the time are compared


@dataclass
class Memory:
    """Megabytes, by kind of process: (seconds since the start, one process' size) for workers."""

    began: float = field(default_factory=perf_counter)
    workers: list[tuple[float, float]] = field(default_factory=list)
    supervisor: list[tuple[float, float]] = field(default_factory=list)
    postgres: list[tuple[float, float]] = field(default_factory=list)

    async def watch(self, stage: Stage) -> None:
        """Look from time to time, for ever."""
        while True:
            with contextlib.suppress(psutil.Error):  # whoever dies in this moment
                self.look(stage)
            await asyncio.sleep(LOOK_SECONDS)

    def look(self, stage: Stage) -> None:
        at = perf_counter() - self.began
        self.supervisor.append((at, psutil.Process(stage.server.pid).memory_info().rss / MEGABYTE))
        for worker in stage.workers():
            if time() - worker.create_time() > SETTLED_SECONDS:
                self.workers.append((at, worker.memory_info().rss / MEGABYTE))
        own = sum(process.memory_full_info().uss for process in stage.database.processes())
        self.postgres.append((at, own / MEGABYTE))

    def kinds(self) -> dict[str, tuple[float, float]]:
        """(start, end) by kind, in megabytes: the medians of the first and the last fifth of the time."""
        kinds = {"a worker": self.workers, "the supervisor": self.supervisor, "Postgres, in all": self.postgres}
        return {kind: ends(samples) for kind, samples in kinds.items() if samples}


def ends(samples: list[tuple[float, float]]) -> tuple[float, float]:
    """The medians of the first and the last fifth of the time that the samples span."""
    first, last = samples[0][0], samples[-1][0]
    span = (last - first) / SHARE
    return (
        median(size for at, size in samples if at <= first + span),
        median(size for at, size in samples if at >= last - span),
    )
