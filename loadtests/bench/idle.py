"""Scenario `idle`: what 5,000 streams cost that nobody writes to: memory, connecting, heartbeats."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

from loadtests.bench import servers
from loadtests.bench.meter import Cost, metered, settled
from loadtests.bench.people import Chat, open_chats, pairs, reader
from loadtests.bench.processes import resident_bytes
from loadtests.bench.report import Report, Row, at_least, at_most, told
from loadtests.bench.servers import Bench, Server
from loadtests.bench.streams import Reader, Stream, Tally, close_streams, open_streams

STREAM_BYTES_MAX = 16 * 1024
CONNECT_US_MAX = 400.0
HEARTBEAT_PERCENT_MAX = 2.0
WARM_PAIRS = 50
TURNS = 3  # of each the middle one counts
OFFLINE_SECONDS = 15.0  # presence forgives ten seconds; coming back later is coming back


@dataclass(frozen=True)
class Connecting:
    """All streams opened, 64 at a time: their cost, and the time until the last was ready."""

    streams: list[Stream]  # until they have hung up
    count: int
    cost: Cost
    seconds: float

    @property
    def server_us(self) -> float:
        return self.cost.server_cpu / self.count * 1e6

    @property
    def postgres_us(self) -> float:
        return self.cost.postgres_cpu / self.count * 1e6

    def as_json(self) -> dict[str, Any]:
        return {"all_ready_seconds": self.seconds, **self.cost.as_json()}


@dataclass(frozen=True)
class Beating:
    """A quiet while: its cost, heartbeats seen, and streams that had none or were lost."""

    cost: Cost
    heartbeats: int
    silent: int

    def as_json(self) -> dict[str, Any]:
        return {"heartbeats": self.heartbeats, "silent_streams": self.silent, **self.cost.as_json()}


async def measure(bench: Bench, report: Report) -> list[Row]:
    """Different people in pairs. A hundred streams are open before, so that what a server loads once is not charged.

    First the server has never seen them and writes them down. Then it knows them, and they come in turns with new
    tokens and with these once more, as in a browser, whose page has asked for other things before it opens its stream.
    """
    count, seconds = (1000, 20.0) if bench.is_quick else (5000, 40.0)
    async with servers.parley(bench) as server:
        warm = await open_chats(server, pairs(WARM_PAIRS, "warm-"))
        chats = await open_chats(server, pairs(count // 2))
        await open_streams(server.port, _everyone(warm), Tally())
        await settled(bench, server)
        before = resident_bytes(server.pid)
        first = await _connect(bench, server, _everyone(chats))
        await settled(bench, server)
        grown = resident_bytes(server.pid) - before
        beating = await _beat(bench, server, first.streams, seconds)
        new: list[Connecting] = []
        known: list[Connecting] = []
        streams = first.streams
        for _ in range(TURNS):
            readers = [reader(server, person.user_id) for person in _everyone(chats)]
            for kind in (new, known):
                await _gone(bench, server, streams)
                kind.append(await _connect(bench, server, readers))
                streams = kind[-1].streams
    report.raw["idle"] = {
        "streams": count,
        "resident_bytes": grown,
        "connecting_first": first.as_json(),
        "connecting_with_new_tokens": [turn.as_json() for turn in new],
        "connecting_with_known_tokens": [turn.as_json() for turn in known],
        "heartbeats": beating.as_json(),
    }
    share = 100 * beating.cost.server_cpu / beating.cost.seconds
    reached = 100 * (1 - beating.silent / count)
    return [
        at_most(
            f"resident memory per stream, at {count:,} streams", grown / count / 1024, STREAM_BYTES_MAX / 1024, " KB"
        ),
        at_most("CPU of the server per new stream", median(turn.server_us for turn in new), CONNECT_US_MAX, " µs"),
        at_most(f"heartbeats of {count:,} streams, of one core", share, HEARTBEAT_PERCENT_MAX, " %"),
        at_least(f"streams with a heartbeat within {seconds:g} s", reached, 100, " %"),
        told(
            "  CPU of the server, the token shown before",
            median(turn.server_us for turn in known),
            " µs",
        ),
        told("  CPU of Postgres per new stream", median(turn.postgres_us for turn in new), " µs"),
        told("  CPU of the server, person seen for the first time", first.server_us, " µs"),
        told("  CPU of Postgres, person seen for the first time", first.postgres_us, " µs"),
        told(f"  all {count:,} ready, 64 connecting at a time", median(turn.seconds for turn in new), " s"),
    ]


async def _gone(bench: Bench, server: Server, streams: list[Stream]) -> None:
    """All hang up, and are offline."""
    await close_streams(streams)
    streams.clear()
    await asyncio.sleep(OFFLINE_SECONDS)
    await settled(bench, server)


async def _connect(bench: Bench, server: Server, readers: list[Reader]) -> Connecting:
    with metered(bench, server) as cost:
        started_at = perf_counter()
        streams = await open_streams(server.port, readers, Tally())
        took = perf_counter() - started_at
        await asyncio.sleep(1.0)  # what connecting still brings about, such as telling who is online
    return Connecting(streams, len(streams), cost, took)


async def _beat(bench: Bench, server: Server, streams: list[Stream], seconds: float) -> Beating:
    pings = [stream.pings for stream in streams]
    with metered(bench, server) as cost:
        await asyncio.sleep(seconds)
    more = [stream.pings - old for stream, old in zip(streams, pings, strict=True)]
    silent = sum(stream.closed or count == 0 for stream, count in zip(streams, more, strict=True))
    return Beating(cost, sum(more), silent)


def _everyone(chats: list[Chat]) -> list[Reader]:
    return [member for chat in chats for member in chat.members]
