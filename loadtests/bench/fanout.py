"""Scenario `fanout`: one message to 1,000 streams, beside a bare protocol that writes the same bytes as often.

A conversation has at most 100 people, so each has ten streams. What the POST itself costs is measured with one stream
and taken off, of ours and of the floor alike: what remains are the other 999 deliveries. Both programs run at once and
are asked in turn, so that whatever else the machine does meets both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter
from typing import Any

from loadtests.bench import check, servers
from loadtests.bench.client import HEADERS_END, connect, exchange
from loadtests.bench.load import Sender, Stage
from loadtests.bench.meter import Cost, metered, settled
from loadtests.bench.people import open_chats, reader
from loadtests.bench.report import Report, Row, at_most, told
from loadtests.bench.servers import Bench, Server
from loadtests.bench.streams import MESSAGE_MARK, Reader, Tally, open_streams

PEOPLE = 100
STREAMS_EACH = 10
FLOOR_TIMES_MAX = 2.0
DELIVERY_SECONDS = 10.0
WARM_UPS = 5

Send = Callable[[], Awaitable[None]]
"""One message to all open streams; returns when the last of them has it."""


@dataclass
class Fanout:
    """A program, its streams, and what sending cost with one of them and with all."""

    stage: Stage
    readers: list[Reader]
    sends: int = 0
    alone: Cost = field(default_factory=Cost)
    together: Cost = field(default_factory=Cost)
    times_ms: list[float] = field(default_factory=list)

    @property
    def delivery_us(self) -> float:
        """CPU of the server for one delivery."""
        return (self.together.server_cpu - self.alone.server_cpu) / (self.sends * (len(self.readers) - 1)) * 1e6

    def as_json(self) -> dict[str, Any]:
        return {
            "program": self.stage.server.name,
            "sends": self.sends,
            "streams": len(self.readers),
            "delivery_cpu_us": self.delivery_us,
            "alone": self.alone.as_json(),
            "together": self.together.as_json(),
            "median_ms_to_all": median(self.times_ms),
        }

    async def open(self, count: int) -> None:
        have = len(self.stage.streams)
        self.stage.streams += await open_streams(self.stage.server.port, self.readers[have:count], self.stage.tally)


async def measure(bench: Bench, report: Report) -> list[Row]:
    turns, sends = (3, 20) if bench.is_quick else (6, 40)
    async with AsyncExitStack() as stack:
        ours = await _parley(await stack.enter_async_context(servers.parley(bench)))
        floor = _writer(await stack.enter_async_context(servers.writer(bench)))
        await ours.open(1)
        await floor.open(1)
        sender = Sender(lambda: None)
        stack.callback(sender.close)
        await sender.open(ours.stage.server.port, 1)
        send = sending(ours.stage, sender)
        for _ in range(WARM_UPS):
            await send()
        write = await _writing(floor.stage, _chunk(ours.stage), stack)
        await settled(bench, ours.stage.server)
        await _turns(bench, [(ours, send), (floor, write)], turns, sends)
        for one in (ours, floor):
            await one.open(len(one.readers))
            one.alone, one.together, one.sends, one.times_ms = one.together, Cost(), 0, []
        await settled(bench, ours.stage.server)
        ours.stage.forget()
        sender.sent.clear()
        await _turns(bench, [(ours, send), (floor, write)], turns, sends)
        faults = check.verdict(ours.stage, sender.sent).faults()
    report.raw["fanout"] = [ours.as_json(), floor.as_json()]
    return _rows(ours, floor, faults)


def _rows(ours: Fanout, floor: Fanout, faults: int) -> list[Row]:
    times = ours.delivery_us / floor.delivery_us
    post_us = ours.alone.server_cpu / ours.sends * 1e6
    return [
        at_most("CPU of the server per delivery, of the bare protocol's", times, FLOOR_TIMES_MAX, " ×"),
        at_most("messages lost, doubled, refused or out of order", faults, 0),
        told("  CPU per delivery: parley", ours.delivery_us, " µs"),
        told("  CPU per delivery: bare protocol", floor.delivery_us, " µs"),
        told("  CPU of the server for the POST and one delivery: parley", post_us, " µs"),
        told("  from sending until all 1,000 have it: parley", median(ours.times_ms), " ms"),
        told("  from sending until all 1,000 have it: bare protocol", median(floor.times_ms), " ms"),
    ]


async def _turns(bench: Bench, programs: list[tuple[Fanout, Send]], turns: int, sends: int) -> None:
    """So many sends of each program, one after the other, in so many turns; added to `together`."""
    for _ in range(turns):
        for program, send in programs:
            with metered(bench, program.stage.server) as cost:
                for _ in range(sends):
                    started_at = perf_counter()
                    await send()
                    program.times_ms.append((perf_counter() - started_at) * 1000)
            program.together.add(cost)
            program.sends += sends


async def _parley(server: Server) -> Fanout:
    [chat] = await open_chats(server, [tuple(f"person-{number}" for number in range(PEOPLE))])
    readers = [member for member in chat.members for _ in range(STREAMS_EACH)]
    return Fanout(Stage(server, [chat], [], Tally()), readers)


def _writer(server: Server) -> Fanout:
    return Fanout(Stage(server, [], [], Tally()), [reader(server, "anyone")] * (PEOPLE * STREAMS_EACH))


def sending(stage: Stage, sender: Sender) -> Send:
    """Sends from the first member of the only chat, one after the other."""
    line = next(line for line in stage.lines() if line.sender == 0)

    async def send() -> None:
        everywhere = stage.tally.expect(len(stage.streams))
        sender.send(line)
        await asyncio.wait_for(everywhere, DELIVERY_SECONDS)
        await sender.drain()

    return send


async def _writing(stage: Stage, chunk: bytes, stack: AsyncExitStack) -> Send:
    connection = await connect(stage.server.port)
    stack.callback(connection.close)
    request = b"POST / HTTP/1.1\r\nContent-Length: %d" % len(chunk) + HEADERS_END + chunk

    async def send() -> None:
        everywhere = stage.tally.expect(len(stage.streams))
        await asyncio.gather(exchange(connection, request), asyncio.wait_for(everywhere, DELIVERY_SECONDS))

    return send


def _chunk(stage: Stage) -> bytes:
    """The bytes of one delivery as our server wrote them, chunk framing included."""
    frame = next(one.text for one in stage.streams[0].frames if MESSAGE_MARK in one.text) + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(frame), frame)
