"""How much of the machine was ours. Ratios survive a busy machine better than times do, but neither is immune."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import psutil

from loadtests.bench.processes import cpu_seconds
from loadtests.bench.report import Row, told

SYNCS = 50
PAGE_BYTES = 8192
BUSY_PERCENT = 10.0


@dataclass(frozen=True)
class Moment:
    """Counters of the whole machine and of what the benchmark runs, in CPU seconds, and the clock."""

    at: float
    stolen: float
    busy: float
    ours: float
    total: float


@dataclass(frozen=True)
class Condition:
    """While one scenario ran: how long, shares of all cores, and one synchronous write before it."""

    seconds: float
    stolen_percent: float
    others_percent: float
    sync_ms: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def now(postgres_pid: int) -> Moment:
    times = psutil.cpu_times()
    stolen = float(getattr(times, "steal", 0.0))
    busy = times.user + times.system + float(getattr(times, "irq", 0.0)) + float(getattr(times, "softirq", 0.0))
    return Moment(perf_counter(), stolen, busy, cpu_seconds(os.getpid(), postgres_pid), busy + stolen + times.idle)


def between(before: Moment, after: Moment, sync_ms: float) -> Condition:
    share = 100 / max(0.01, after.total - before.total)
    others = (after.busy - before.busy) - (after.ours - before.ours)
    stolen = (after.stolen - before.stolen) * share
    return Condition(after.at - before.at, stolen, max(0.0, others * share), sync_ms)


def sync_ms(folder: Path) -> float:
    """Milliseconds that one page needs to reach the disk, as every commit must: the median of fifty."""
    path, times = folder / "sync", []
    with path.open("wb", buffering=0) as file:
        for _ in range(SYNCS):
            started_at = perf_counter()
            file.write(b"x" * PAGE_BYTES)
            os.fdatasync(file.fileno())
            times.append((perf_counter() - started_at) * 1000)
    path.unlink()
    return median(times)


def rows(conditions: list[Condition]) -> list[Row]:
    found = [
        told(
            "CPU taken by other machines on the same host, worst scenario",
            max(c.stolen_percent for c in conditions),
            " %",
        ),
        told("CPU taken by other programs, worst scenario", max(c.others_percent for c in conditions), " %"),
        told("one page written and synced to disk, slowest scenario", max(c.sync_ms for c in conditions), " ms"),
    ]
    if any(c.stolen_percent + c.others_percent > BUSY_PERCENT for c in conditions):
        found.append(Row("too busy with other things: times and speeds are worth little", "", ""))
    return found
