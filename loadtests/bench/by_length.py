"""Scenario `length`: what a message, and a page, costs in a conversation of 1,000, or of 1,000,000, messages.

All of them are in one database, have the same two people, and take turns, so that they see the same machine.
"""

from __future__ import annotations

from statistics import median

from loadtests.bench import fill, servers
from loadtests.bench.history import PAGE, pages_of
from loadtests.bench.load import Stage
from loadtests.bench.people import Chat, reader
from loadtests.bench.report import Report, Row, told
from loadtests.bench.scaling import Effort, Point, loaded, rows_of, warmed
from loadtests.bench.servers import Bench, Server
from loadtests.bench.streams import Tally, open_streams

DATABASE = "parley_lengths"
FULL = Effort((1_000, 10_000, 100_000, 1_000_000))
QUICK = Effort((1_000, 100_000), seconds=2.0, rounds=1)
OTHER_CONVERSATIONS = 100
PAGES, PAGES_QUICK = 400, 100


async def measure(bench: Bench, report: Report) -> list[Row]:
    effort, pages = (QUICK, PAGES_QUICK) if bench.is_quick else (FULL, PAGES)
    ids = {f"00000000-0000-7000-8000-{size:012}": size for size in effort.sizes}
    await servers.migrated(bench, DATABASE)
    await fill.fill(bench.postgres, DATABASE, ids, OTHER_CONVERSATIONS)
    async with servers.parley(bench, DATABASE, is_filled=True) as server:
        points = await _sends(bench, server, ids, effort)
        found = await pages_of(bench, server, ids, pages)
    for point, (cost, times_ms) in zip(points, found.values(), strict=True):
        point.more |= {"page_cpu_us": cost.cpu / len(times_ms) * 1e6, "page_ms": median(times_ms)}
    report.raw["length"] = [point.as_json() for point in points]
    first, last = points[0], points[-1]
    return [
        *rows_of(points, "messages before it"),
        told(
            f"CPU of a page of {PAGE} at {last.size:,} messages, of one at {first.size:,}",
            last.more["page_cpu_us"] / first.more["page_cpu_us"],
            " ×",
        ),
        *(
            told(f"  CPU of a page of {PAGE}: {point.size:,} messages", point.more["page_cpu_us"], " µs")
            for point in points
        ),
    ]


async def _sends(bench: Bench, server: Server, ids: dict[str, int], effort: Effort) -> list[Point]:
    people = (reader(server, fill.BUYER), reader(server, fill.SELLER))
    tally = Tally()
    streams = await open_streams(server.port, list(people), tally)
    stages = [Stage(server, [Chat(id_, people)], streams, tally) for id_ in ids]
    points = [Point(size) for size in ids.values()]
    for stage in stages:
        await warmed(bench, stage)
    for _ in range(effort.rounds):
        for point, stage in zip(points, stages, strict=True):
            point.rounds.append(await loaded(bench, stage, effort.seconds))
    return points
