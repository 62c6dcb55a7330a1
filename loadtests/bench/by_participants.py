"""Scenario `participants`: what a message costs in a conversation of 2, or of 100, people with a stream each.

The conversations are there at once and take turns, so that they see the same machine.
"""

from __future__ import annotations

from loadtests.bench import servers
from loadtests.bench.load import Stage
from loadtests.bench.people import open_chats
from loadtests.bench.report import Report, Row, told
from loadtests.bench.scaling import Effort, Point, loaded, rows_of, warmed
from loadtests.bench.servers import Bench, Server
from loadtests.bench.streams import Tally, open_streams

FULL = Effort((2, 10, 30, 100))
QUICK = Effort((2, 30), seconds=1.0, rounds=1)
PER_SECOND = 100.0  # to a hundred people that is 10,000 deliveries a second, and our reading shares the machine


async def measure(bench: Bench, report: Report) -> list[Row]:
    effort = QUICK if bench.is_quick else FULL
    points = [Point(size) for size in effort.sizes]
    async with servers.parley(bench) as server:
        stages = [await _stage(server, size) for size in effort.sizes]
        for stage in stages:
            await warmed(bench, stage, PER_SECOND)
        for _ in range(effort.rounds):
            for point, stage in zip(points, stages, strict=True):
                point.rounds.append(await loaded(bench, stage, effort.seconds, PER_SECOND))
    for point in points[1:]:
        point.more["person_us"] = _person_us(points[0], point)
    report.raw["participants"] = [point.as_json() for point in points]
    return [
        *rows_of(points, "participants"),
        *(
            told(f"  of that, each person more: {point.size:,} participants", point.more["person_us"], " µs")
            for point in points[1:]
        ),
    ]


def _person_us(least: Point, point: Point) -> float:
    """What one person more costs a message: one delivery, and a place in the message's audience."""
    return (point.middle("cpu_us") - least.middle("cpu_us")) / (point.size - least.size)


async def _stage(server: Server, size: int) -> Stage:
    [chat] = await open_chats(server, [tuple(f"of-{size}-{number}" for number in range(size))])
    tally = Tally()
    return Stage(server, [chat], await open_streams(server.port, list(chat.members), tally), tally)
