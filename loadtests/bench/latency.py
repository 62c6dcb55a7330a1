"""Scenario `open`: 200 messages a second at random moments, whatever the answers do; how long until they are seen."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from statistics import median
from typing import Any

from loadtests.bench import check, servers
from loadtests.bench.load import Stage, delivered, open_loop, stage_of_pairs
from loadtests.bench.meter import Cost, metered, patiently, settled
from loadtests.bench.report import Report, Row, at_most, told
from loadtests.bench.servers import Bench, Server

CONVERSATIONS = 200
PER_SECOND = 200.0
CPU_SHARE_MAX = 0.6
P50_MS_MAX = 3.0
P99_MS_MAX = 10.0
WARM_UP_SECONDS = 2.0


@dataclass(frozen=True)
class Round:
    """One measured load on one program."""

    program: str
    cost: Cost
    verdict: check.Verdict
    p50_ms: float
    p99_ms: float
    max_ms: float

    @property
    def cpu_us(self) -> float:
        return self.cost.cpu / max(1, self.verdict.acknowledged) * 1e6

    def as_json(self) -> dict[str, Any]:
        return {
            "program": self.program,
            "cpu_us_per_message": self.cpu_us,
            "p50_ms": self.p50_ms,
            "p99_ms": self.p99_ms,
            "max_ms": self.max_ms,
            **self.cost.as_json(),
            **self.verdict.as_json(),
        }


async def measure(bench: Bench, report: Report) -> list[Row]:
    """Rounds of both programs in turn; medians."""
    seconds, rounds = (5.0, 1) if bench.is_quick else (12.0, 5)
    found: list[Round] = []
    for _ in range(rounds):
        found += [
            await _round(bench, servers.parley(bench), seconds),
            await _round(bench, servers.obvious(bench), seconds),
        ]
    report.raw["open"] = [one.as_json() for one in found]
    return _rows(found)


def _rows(found: list[Round]) -> list[Row]:
    def middle(program: str, name: str) -> float:
        return median(float(getattr(one, name)) for one in found if one.program == program)

    ours, theirs = middle("parley", "cpu_us"), middle("obvious", "cpu_us")
    faults = sum(one.verdict.faults() for one in found if one.program == "parley")
    return [
        at_most("CPU per message (server and Postgres), of the obvious design's", ours / theirs, CPU_SHARE_MAX),
        at_most(
            "from sending to seen by the other, half of the messages", middle("parley", "p50_ms"), P50_MS_MAX, " ms"
        ),
        at_most(
            "from sending to seen by the other, 99 % of the messages", middle("parley", "p99_ms"), P99_MS_MAX, " ms"
        ),
        at_most("messages lost, doubled, refused or out of order", faults, 0),
        told("  CPU per message: parley", ours, " µs"),
        told("  CPU per message: obvious", theirs, " µs"),
        told("  half seen within: obvious", middle("obvious", "p50_ms"), " ms"),
        told("  99 % seen within: obvious", middle("obvious", "p99_ms"), " ms"),
    ]


async def _round(bench: Bench, program: AbstractAsyncContextManager[Server], seconds: float) -> Round:
    async with program as server:
        stage = await stage_of_pairs(server, CONVERSATIONS)
        await patiently(bench, server, lambda: delivered(stage, open_loop(stage, WARM_UP_SECONDS, PER_SECOND)))
        await settled(bench, server)
        return await patiently(bench, server, lambda: _measured(bench, stage, seconds))


async def _measured(bench: Bench, stage: Stage, seconds: float) -> Round:
    stage.forget()
    with metered(bench, stage.server) as cost:
        sent = await delivered(stage, open_loop(stage, seconds, PER_SECOND))
    took = check.latencies_ms(stage, sent)
    p50, p99 = check.percentile(took, 50), check.percentile(took, 99)
    return Round(stage.server.name, cost, check.verdict(stage, sent), p50, p99, took[-1])
