"""Scenario `streams`: what a message costs while 100, or 10,000, people have a stream open.

The same hundred people talk throughout; everyone else only holds a stream. So what grows is what quiet streams cost
those who talk, and their heartbeats, which are measured in a quiet while before each load.
"""

from __future__ import annotations

import asyncio
import sys

from loadtests.bench import servers
from loadtests.bench.load import Stage
from loadtests.bench.meter import Cost, metered, settled
from loadtests.bench.people import open_chats, pairs
from loadtests.bench.processes import resident_bytes, until
from loadtests.bench.report import Report, Row, told
from loadtests.bench.scaling import Effort, Point, loaded, rows_of, warmed
from loadtests.bench.servers import Bench
from loadtests.bench.streams import Tally, open_streams

FULL = Effort((100, 1_000, 3_000, 10_000))
QUICK = Effort((100, 1_000), seconds=2.0, rounds=1)
QUIET_SECONDS = 5.0
HEARTBEAT_SECONDS_MAX = 25.0  # the server's 15 s, a fifth more, and some
CLIENT_BUSY = 0.8  # of a core; above it our reading may be what is slow


async def measure(bench: Bench, report: Report) -> list[Row]:
    effort = QUICK if bench.is_quick else FULL
    async with servers.parley(bench) as server:
        talking = await open_chats(server, pairs(effort.sizes[0] // 2))
        stage = Stage(server, talking, [], Tally())
        await _open(stage, effort.sizes[0], talking_only=True)
        await warmed(bench, stage)
        points = [await _point(bench, stage, size, effort) for size in effort.sizes]
    report.raw["streams"] = [point.as_json() for point in points]
    _tell_a_busy_client(points)
    last = points[-1]
    return [
        *rows_of(points, "streams"),
        told(
            f"  resident memory per stream, from {points[-2].size:,} to {last.size:,}",
            last.more["stream_bytes"] / 1024,
            " KB",
        ),
        told(f"  heartbeats of {last.size:,} streams, of one core", last.more["quiet_percent"], " %"),
    ]


async def _point(bench: Bench, stage: Stage, size: int, effort: Effort) -> Point:
    """Messages are charged for all that happens meanwhile, heartbeats included."""
    point, had = Point(size), len(stage.streams)
    before = resident_bytes(stage.server.pid)
    await _open(stage, size)
    await settled(bench, stage.server)
    if size > had:
        point.more["stream_bytes"] = (resident_bytes(stage.server.pid) - before) / (size - had)
        await until(lambda: all(one.pings for one in stage.streams), HEARTBEAT_SECONDS_MAX, "every first heartbeat")
    quiet = await _quiet(bench, stage)
    point.more["quiet_percent"] = 100 * quiet.server_cpu / quiet.seconds
    for _ in range(effort.rounds):
        point.rounds.append(await loaded(bench, stage, effort.seconds))
    return point


async def _open(stage: Stage, size: int, *, talking_only: bool = False) -> None:
    """More streams, up to `size` in all: those who talk first, then people in conversations of their own."""
    have = len(stage.streams)
    chats = stage.chats if talking_only else await open_chats(stage.server, pairs((size - have) // 2, f"quiet-{size}-"))
    readers = [member for chat in chats for member in chat.members]
    stage.streams += await open_streams(stage.server.port, readers, stage.tally)


async def _quiet(bench: Bench, stage: Stage) -> Cost:
    with metered(bench, stage.server) as cost:
        await asyncio.sleep(QUIET_SECONDS)
    return cost


def _tell_a_busy_client(points: list[Point]) -> None:
    for point in points:
        busy = max(one.cost.client_cpu / one.cost.seconds for one in point.rounds)
        if busy > CLIENT_BUSY:
            print(f"  at {point.size:,} streams our own reading took {busy:.0%} of a core", file=sys.stderr, flush=True)
