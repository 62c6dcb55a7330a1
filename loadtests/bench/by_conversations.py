"""Scenario `conversations`: what a message costs when 200 people have 10, or 10,000, conversations among them.

People and their open streams stay the same; messages go to all conversations alike, so with 10,000 of them hardly any
is written to twice, and neither server nor Postgres has it at hand.
"""

from __future__ import annotations

from loadtests.bench import servers
from loadtests.bench.load import Stage
from loadtests.bench.people import open_chats, reader
from loadtests.bench.report import Report, Row
from loadtests.bench.scaling import Effort, Point, loaded, rows_of, warmed
from loadtests.bench.servers import Bench
from loadtests.bench.streams import Tally, open_streams

FULL = Effort((10, 100, 1_000, 10_000))
QUICK = Effort((10, 1_000), seconds=2.0, rounds=1)
SIDE = 100  # buyers, and as many sellers: 10,000 different pairs


async def measure(bench: Bench, report: Report) -> list[Row]:
    effort = QUICK if bench.is_quick else FULL
    points = []
    async with servers.parley(bench) as server:
        stage = Stage(server, [], [], Tally())
        everyone = [reader(server, f"{side}-{number}") for number in range(SIDE) for side in ("buyer", "seller")]
        stage.streams += await open_streams(server.port, everyone, stage.tally)
        for size in effort.sizes:
            stage.chats += await open_chats(server, groups(len(stage.chats), size))
            await warmed(bench, stage)
            point = Point(size)
            for _ in range(effort.rounds):
                point.rounds.append(await loaded(bench, stage, effort.seconds))
            points.append(point)
    report.raw["conversations"] = [point.as_json() for point in points]
    return rows_of(points, "conversations")


def groups(start: int, end: int) -> list[tuple[str, ...]]:
    """Different pairs by number: the first hundred have nobody in common."""
    return [(f"buyer-{number % SIDE}", f"seller-{(number + number // SIDE) % SIDE}") for number in range(start, end)]
