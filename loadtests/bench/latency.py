"""Scenario `open`: 200 messages a second at random moments, whatever the answers do; how long until they are seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from loadtests.bench import check, servers
from loadtests.bench.load import Stage, delivered, open_loop, stage_of_pairs
from loadtests.bench.meter import Cost, metered, patiently, settled
from loadtests.bench.report import Report, Row, at_most, told
from loadtests.bench.servers import Bench
from loadtests.bench.turns import Rounds, in_turns, middle, share

CONVERSATIONS = 200
PER_SECOND = 200.0
CPU_SHARE_MAX = 0.6
P50_MS_MAX = 3.0
P99_MS_MAX = 10.0
WARM_UP_SECONDS = 1.0


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
    """Both programs in turns, started anew a few times; medians. Where a program's memory comes to lie makes up to 3 %
    of a lone message, and turns of one start do not tell."""
    seconds, turns, starts = (5.0, 1, 1) if bench.is_quick else (6.0, 4, 3)
    found: list[Round] = []
    for _ in range(starts):
        async with servers.parley(bench) as ours, servers.obvious(bench) as theirs:
            stages = [await stage_of_pairs(server, CONVERSATIONS) for server in (ours, theirs)]
            found += [await _round(bench, stage, seconds) for stage in in_turns(stages, turns)]
    report.raw["open"] = [one.as_json() for one in found]
    return _rows(found, report.raw["open"])


def _rows(found: list[Round], rounds: Rounds) -> list[Row]:
    ours, theirs = "parley", "obvious"
    faults = sum(one.verdict.faults() for one in found if one.program == ours)
    return [
        at_most(
            "CPU per message (server and Postgres), of the obvious design's",
            share(rounds, "cpu_us_per_message", ours, theirs),
            CPU_SHARE_MAX,
        ),
        at_most(
            "from sending to seen by the other, half of the messages", middle(rounds, ours, "p50_ms"), P50_MS_MAX, " ms"
        ),
        at_most(
            "from sending to seen by the other, 99 % of the messages", middle(rounds, ours, "p99_ms"), P99_MS_MAX, " ms"
        ),
        at_most("messages lost, doubled, refused or out of order", faults, 0),
        *(
            told(f"  CPU per message: {program}", middle(rounds, program, "cpu_us_per_message"), " µs")
            for program in (ours, theirs)
        ),
        told("  half seen within: obvious", middle(rounds, theirs, "p50_ms"), " ms"),
        told("  99 % seen within: obvious", middle(rounds, theirs, "p99_ms"), " ms"),
    ]


async def _round(bench: Bench, stage: Stage, seconds: float) -> Round:
    await patiently(bench, stage.server, lambda: delivered(stage, open_loop(stage, WARM_UP_SECONDS, PER_SECOND)))
    await settled(bench, stage.server)
    return await patiently(bench, stage.server, lambda: _measured(bench, stage, seconds))


async def _measured(bench: Bench, stage: Stage, seconds: float) -> Round:
    stage.forget()
    with metered(bench, stage.server) as cost:
        sent = await delivered(stage, open_loop(stage, seconds, PER_SECOND))
    took = check.latencies_ms(stage, sent)
    p50, p99 = check.percentile(took, 50), check.percentile(took, 99)
    return Round(stage.server.name, cost, check.verdict(stage, sent), p50, p99, took[-1])
