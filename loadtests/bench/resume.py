"""Scenario `resume`: catching up after a cut, alone with much to read and a thousand at once."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, replace
from statistics import median
from time import perf_counter
from typing import Any

from loadtests.bench import check, servers
from loadtests.bench.client import Call, many
from loadtests.bench.load import BODY, undisturbed
from loadtests.bench.meter import settled
from loadtests.bench.people import Chat, open_chats, pairs
from loadtests.bench.report import Report, Row, at_most, told
from loadtests.bench.servers import Bench, Server
from loadtests.bench.streams import Reader, Tally, close_streams, open_stream, open_streams

MISSED_EVENTS = 1000
CONNECTS = 20
CATCH_UP_MS_MAX = 30.0
CROWD = 1000
SMALL_CROWD = 100
CROWD_SECONDS_MAX = 2.0
STATEMENTS_PER_CLIENT_MAX = 0.05  # a batch of a hundred is one statement; one each would be 1.0
WINDOW_SECONDS = 4.0


@dataclass(frozen=True)
class Crowd:
    """So many clients reconnecting at once."""

    clients: int
    all_ready_seconds: float
    statements: int
    faults: int

    def as_json(self) -> dict[str, Any]:
        return {"clients": self.clients, "all_ready_seconds": self.all_ready_seconds, "statements": self.statements}


async def measure(bench: Bench, report: Report) -> list[Row]:
    async with servers.parley(bench) as server:
        times, faults = await _alone(server)
        small = await _crowd(bench, server, SMALL_CROWD)
        large = await _crowd(bench, server, CROWD)
    more_statements = (large.statements - small.statements) / (large.clients - small.clients)
    report.raw["resume"] = {
        "catch_up_ms": times,
        "missed_events": MISSED_EVENTS,
        "crowds": [small.as_json(), large.as_json()],
    }
    return [
        at_most(
            "1,000 missed events delivered and ready, from before connecting", median(times), CATCH_UP_MS_MAX, " ms"
        ),
        at_most("1,000 clients reconnecting at once, all ready", large.all_ready_seconds, CROWD_SECONDS_MAX, " s"),
        at_most("SQL statements meanwhile, for each client more", more_statements, STATEMENTS_PER_CLIENT_MAX),
        at_most("missed events lost, doubled or out of order", faults + small.faults + large.faults, 0),
        told(f"  slowest of {CONNECTS} catching up", max(times), " ms"),
        told(f"  SQL statements in {WINDOW_SECONDS:g} s with {SMALL_CROWD} clients", small.statements),
        told(f"  SQL statements in {WINDOW_SECONDS:g} s with {CROWD:,} clients", large.statements),
    ]


async def _alone(server: Server) -> tuple[list[float], int]:
    """One person connects 20 times with a cursor from before 1,000 messages: milliseconds each, and faults."""
    [chat] = await open_chats(server, pairs(1, "far-"))
    cursor = await _cursor(server, chat.members[0])
    expected = await _send(server, [chat] * MISSED_EVENTS)
    times: list[float] = []
    faults = 0
    behind = replace(chat.members[0], cursor=cursor)
    for _ in range(CONNECTS):
        with undisturbed():
            started_at = perf_counter()
            stream = await open_stream(server.port, behind, Tally())
            times.append((await stream.ready - started_at) * 1000)
        seen = [one for one in check.seen_by(stream) if one.at <= stream.ready.result()]
        faults += len(expected ^ {one.client_id for one in seen}) + check.disorder(seen)
        await close_streams([stream])
    return times, faults


async def _crowd(bench: Bench, server: Server, count: int) -> Crowd:
    """Everyone had a stream, missed one message of theirs, and comes back in the same moment."""
    chats = await open_chats(server, pairs(count // 2, f"crowd-{count}-"))
    people = [member for chat in chats for member in chat.members]
    streams = await open_streams(server.port, people, Tally())
    await settled(bench, server)
    behind = [replace(stream.reader, cursor=stream.cursor()) for stream in streams]
    await close_streams(streams)
    expected = await _send(server, chats)
    await bench.postgres.log_statements(is_on=True)
    offset, started_at = bench.postgres.log_size(), perf_counter()
    streams = await open_streams(server.port, behind, Tally(), at_once=count)
    took = max(stream.ready.result() for stream in streams) - started_at
    await asyncio.sleep(max(0.0, WINDOW_SECONDS - (perf_counter() - started_at)))
    statements = bench.postgres.statements_since(offset)
    await bench.postgres.log_statements(is_on=False)
    seen = [check.seen_by(stream) for stream in streams]
    faults = sum(len(one) != 1 or one[0].client_id not in expected for one in seen)
    await close_streams(streams)
    return Crowd(count, took, statements, faults)


async def _cursor(server: Server, person: Reader) -> str:
    stream = await open_stream(server.port, person, Tally())
    try:
        return stream.cursor()
    finally:
        stream.close()


async def _send(server: Server, chats: list[Chat]) -> set[str]:
    """A message from the second member of each; their client ids."""
    drafts = [{"client_id": str(uuid.uuid4()), "kind": "text", "body": BODY} for _ in chats]
    path = "/api/v1/conversations/{}/messages".format
    calls = [
        Call("POST", path(chat.id), chat.members[1].token, draft) for chat, draft in zip(chats, drafts, strict=True)
    ]
    answers = await many(server.port, calls)
    if refused := [status for status, _ in answers if status != 201]:
        raise RuntimeError(f"{len(refused)} of {len(chats)} sends were refused, the first with {refused[0]}")
    return {draft["client_id"] for draft in drafts}
