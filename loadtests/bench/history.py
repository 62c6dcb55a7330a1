"""Scenario `history`: does a page cost the same in a long conversation, does a list of 10,000 open fast."""

from __future__ import annotations

import random
from statistics import median
from time import perf_counter
from typing import Any

import msgspec

from loadtests.bench import fill, servers
from loadtests.bench.check import percentile
from loadtests.bench.client import Call, Connection, connect, exchange
from loadtests.bench.meter import Cost, metered
from loadtests.bench.people import token
from loadtests.bench.report import Report, Row, at_most, told
from loadtests.bench.servers import Bench, Server

DATABASE = "parley_large"
SHORT_MESSAGES = 1000
CONVERSATIONS = 10_000
PAGE = 50
COST_TIMES_MAX = 1.3
LIST_MS_MAX = 15.0
WARM_UPS = 50
SEED = 20


async def measure(bench: Bench, report: Report) -> list[Row]:
    long, requests = (100_000, 200) if bench.is_quick else (1_000_000, 1000)
    await servers.migrated(bench, DATABASE)
    lengths = {fill.LONG: long, fill.SHORT: SHORT_MESSAGES}
    await fill.fill(bench.postgres, DATABASE, lengths, CONVERSATIONS)
    async with servers.parley(bench, DATABASE, is_filled=True) as server:
        pages = await pages_of(bench, server, lengths, requests)
        lists = await _lists(server, requests // 4)
    report.raw["history"] = {
        "pages": {str(lengths[name]): {"cost": cost.as_json(), "ms": ms} for name, (cost, ms) in pages.items()},
        "requests": requests,
        "list_ms": lists,
    }
    costs = {name: cost.cpu / requests * 1e6 for name, (cost, _) in pages.items()}
    return [
        at_most(
            f"CPU of a history page at {long:,} messages, of one at {SHORT_MESSAGES:,}",
            costs[fill.LONG] / costs[fill.SHORT],
            COST_TIMES_MAX,
            " ×",
        ),
        at_most(f"first page of {CONVERSATIONS:,} conversations, median", median(lists), LIST_MS_MAX, " ms"),
        told(f"  CPU of a page at {long:,} messages", costs[fill.LONG], " µs"),
        told(f"  CPU of a page at {SHORT_MESSAGES:,} messages", costs[fill.SHORT], " µs"),
        told(f"  page at {long:,} messages, median", median(pages[fill.LONG][1]), " ms"),
        told(f"  page at {SHORT_MESSAGES:,} messages, median", median(pages[fill.SHORT][1]), " ms"),
        told("  first page of conversations, 99 %", percentile(sorted(lists), 99), " ms"),
    ]


async def pages_of(
    bench: Bench, server: Server, lengths: dict[str, int], requests: int
) -> dict[str, tuple[Cost, list[float]]]:
    """So many pages around the middle of each conversation, in turns of fifty so that all see the same machine."""
    connection, chance = await connect(server.port), random.Random(SEED)
    found: dict[str, tuple[Cost, list[float]]] = {name: (Cost(), []) for name in lengths}
    bea = token(server, fill.BUYER)

    def page(name: str) -> Call:
        before = int(lengths[name] * chance.uniform(0.4, 0.6))
        return Call("GET", f"/api/v1/conversations/{name}/messages?before={before}&limit={PAGE}", bea)

    try:
        for name in lengths:
            for _ in range(WARM_UPS):
                await _page_of(connection, page(name))
        for _ in range(requests // PAGE):
            for name in lengths:
                with metered(bench, server) as cost:
                    found[name][1].extend([await _page_of(connection, page(name)) for _ in range(PAGE)])
                found[name][0].add(cost)
    finally:
        connection.close()
    return found


async def _page_of(connection: Connection, request: Call) -> float:
    """Milliseconds for a page of fifty messages. Raises `RuntimeError` when it is anything else."""
    took, answer = await _timed(connection, request)
    if len(answer["messages"]) != PAGE:
        raise RuntimeError(f"{request.path} gave {len(answer['messages'])} messages")
    return took


async def _lists(server: Server, requests: int) -> list[float]:
    """Milliseconds for each first page of the seller's conversations."""
    connection, call = await connect(server.port), Call("GET", "/api/v1/conversations", token(server, fill.SELLER))
    try:
        times = []
        for _ in range(requests):
            took, answer = await _timed(connection, call)
            if not answer["conversations"] or answer["next"] is None:
                raise RuntimeError("the seller's list is not the first page of many")
            times.append(took)
        return times
    finally:
        connection.close()


async def _timed(connection: Connection, request: Call) -> tuple[float, Any]:
    data = request.encode()
    started_at = perf_counter()
    status, body = await exchange(connection, data)
    took = (perf_counter() - started_at) * 1000
    if status != 200:
        raise RuntimeError(f"{request.path} answered {status}: {body[:400]!r}")
    return took, msgspec.json.decode(body)
