"""Scenario `closed`: 16 senders as fast as they are answered, 200 conversations of two, 400 streams, one worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from loadtests.bench import check, servers
from loadtests.bench.load import Sent, Stage, closed_loop, delivered, stage_of_pairs
from loadtests.bench.meter import Cost, metered
from loadtests.bench.people import Chat, pairs, reader
from loadtests.bench.report import Report, Row, at_least, at_most, told
from loadtests.bench.servers import Bench, Server
from loadtests.bench.streams import Tally
from loadtests.bench.turns import Rounds, in_turns, middle, share

CONVERSATIONS = 200
CPU_SHARE_MAX = 0.30
FLOOR_SHARE_MIN_PERCENT = 60
WARM_UP_SECONDS = 0.5


@dataclass(frozen=True)
class Round:
    """One measured load on one program."""

    program: str
    cost: Cost
    sends_per_second: float
    verdict: check.Verdict

    @property
    def cpu_us(self) -> float:
        return self.cost.cpu / max(1, self.verdict.acknowledged) * 1e6

    @property
    def client_us(self) -> float:
        return self.cost.client_cpu / max(1, self.verdict.acknowledged) * 1e6

    def as_json(self) -> dict[str, Any]:
        return {
            "program": self.program,
            "cpu_us_per_message": self.cpu_us,
            "client_us_per_message": self.client_us,
            "sends_per_second": self.sends_per_second,
            **self.cost.as_json(),
            **self.verdict.as_json(),
        }


async def measure(bench: Bench, report: Report) -> list[Row]:
    """Short loads on all three programs in turns; medians."""
    seconds, turns = (1.5, 2) if bench.is_quick else (2.0, 16)
    async with servers.parley(bench) as ours, servers.obvious(bench) as theirs:
        stages = [await stage_of_pairs(server, CONVERSATIONS) for server in (ours, theirs)]
        answer_bytes = (
            _answer_bytes(await delivered(stages[0], closed_loop(stages[0], WARM_UP_SECONDS))) or servers.ANSWER_BYTES
        )
        async with servers.noop(bench, answer_bytes) as floor:
            stages.append(_floor_stage(floor))
            found = [await _round(bench, stage, seconds) for stage in in_turns(stages, turns)]
    report.raw["closed"] = [one.as_json() for one in found]
    return _rows(found, report.raw["closed"])


def _rows(found: list[Round], rounds: Rounds) -> list[Row]:
    ours, theirs, floor = "parley", "obvious", "noop"
    faults = sum(one.verdict.faults() for one in found if one.program == ours)
    theirs_wrong = sum(one.verdict.faults(is_order_promised=False) for one in found if one.program == theirs)
    return [
        at_most(
            "CPU per message (server and Postgres), of the obvious design's",
            share(rounds, "cpu_us_per_message", ours, theirs),
            CPU_SHARE_MAX,
        ),
        at_least(
            "acknowledged sends per second, of the no-op handler's",
            100 * share(rounds, "sends_per_second", ours, floor),
            FLOOR_SHARE_MIN_PERCENT,
            " %",
        ),
        at_most("messages lost, doubled, refused or out of order", faults, 0),
        at_most("  the same of the obvious design, order aside", theirs_wrong, 0),
        *(
            told(f"  CPU per message: {program}", middle(rounds, program, "cpu_us_per_message"), " µs")
            for program in (ours, theirs, floor)
        ),
        told(
            "  CPU per message: the load generator, not counted above",
            middle(rounds, ours, "client_us_per_message"),
            " µs",
        ),
        *(
            told(f"  sends per second: {program}", middle(rounds, program, "sends_per_second"))
            for program in (ours, theirs, floor)
        ),
    ]


def _floor_stage(server: Server) -> Stage:
    """Chats that nobody keeps, for the program that keeps nothing."""
    chats = [
        Chat(f"00000000-0000-4000-8000-{number:012}", tuple(reader(server, user_id) for user_id in pair))
        for number, pair in enumerate(pairs(CONVERSATIONS))
    ]
    return Stage(server, chats, [], Tally())


async def _round(bench: Bench, stage: Stage, seconds: float) -> Round:
    await delivered(stage, closed_loop(stage, WARM_UP_SECONDS))
    stage.forget()
    with metered(bench, stage.server) as cost:
        sent = await delivered(stage, closed_loop(stage, seconds))
    if stage.server.name == "noop":
        cost.postgres_cpu = 0.0  # it has no database; what Postgres did meanwhile was for the others
    return Round(stage.server.name, cost, _speed(sent), check.verdict(stage, sent))


def _speed(sent: list[Sent]) -> float:
    acknowledged = [one for one in sent if one.status == 201]
    if not acknowledged:
        return 0.0
    return len(acknowledged) / (acknowledged[-1].answered_at - min(one.started_at for one in acknowledged))


def _answer_bytes(sent: list[Sent]) -> int:
    return next((len(one.body) for one in sent if one.status == 201), 0)
