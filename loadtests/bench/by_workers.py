"""Scenario `workers`: how much more two workers can do than one.

A benchmark on a few cores cannot let two workers, Postgres and its own client run as fast as they like: whoever waits
for a core is not measured but guessed. So each worker's CPU is counted instead, for three kinds of work, and

    capacity = work done / CPU seconds of the busiest worker

which is what the workers could do a second if everything else had cores of its own. The speeds themselves are told too;
on two cores they say little.

What a second of CPU is worth depends on what the other cores do meanwhile, most of all where two of them are threads of
one. So the one worker is not measured alone, but beside another one that has a log of its own: two workers apart, then
two workers of one log, under the same load. What differs is what sharing a log costs, and nothing else. (Beside an idle
machine two workers seemed to read 2.5 times as many pages as one.)

The load a worker (so many senders and readers each) is the same, because how much is committed together depends on it.
The two have a port each, as behind a balancer that deals out evenly; of every two people who talk in one log one is at
the other worker. All four are up at once, and the two sides take turns.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import cycle, islice

from loadtests.bench import check, servers
from loadtests.bench.capacity import KINDS, Side
from loadtests.bench.client import Call
from loadtests.bench.fanout import PEOPLE, STREAMS_EACH, sending
from loadtests.bench.load import SENDERS, Sender, Sent, Stage, closed_loop, delivered
from loadtests.bench.meter import settled
from loadtests.bench.people import Chat, open_chats, pairs
from loadtests.bench.reading import read_for
from loadtests.bench.report import Report, Row, at_least, at_most, told
from loadtests.bench.servers import Bench, Server
from loadtests.bench.streams import Reader, Stream, Tally, open_streams

COUNT = 2
LOGS = (2, 1)  # of that many workers: each its own, all one
RATIO_MIN = 1.6
CONVERSATIONS = 200
PAGE = 50


async def measure(bench: Bench, report: Report) -> list[Row]:
    turns, seconds, sends = (1, 1.0, 16) if bench.is_quick else (10, 1.0, 26)
    async with AsyncExitStack() as stack:
        sides = [await stack.enter_async_context(_side(bench, logs)) for logs in LOGS]
        for turn in range(turns + 1):
            for side in sides:
                if turn == 1:
                    side.work = {kind: [] for kind in KINDS}  # the first turn was to warm up
                for worker in side.workers:
                    await settled(bench, worker)
                await _send(bench, side, seconds)
                await _read(bench, side, seconds)
                await _deliver(bench, side, sends)
    one, two = sides
    times = {kind: two.times(one, kind) for kind in KINDS}
    report.raw["workers"] = {str(side.workers_a_log): side.as_json() for side in sides} | {"times": times}
    return _rows(one, two, times)


def _rows(one: Side, two: Side, times: dict[str, float]) -> list[Row]:
    found = [
        at_least(f"capacity of two workers, of one's: {what}", times[kind], RATIO_MIN, " ×")
        for kind, what in KINDS.items()
    ]
    works = [work for side in (one, two) for turns in side.work.values() for work in turns]
    faults = sum(count for work in works for count in work.faults.values())
    found.append(at_most("messages lost, doubled, refused or out of order; pages refused", faults, 0))
    for kind, what in KINDS.items():
        for count, side in zip(("one worker", "two workers"), (one, two), strict=True):
            found.append(told(f"  {what}: {count}, a second, sharing this machine", side.middle(kind, "per_second")))
            found.append(told(f"  {what}: {count}, CPU each, Postgres included", side.middle(kind, "cpu_us"), " µs"))
    return found


@asynccontextmanager
async def _side(bench: Bench, logs: int) -> AsyncIterator[Side]:
    side = Side(logs)
    async with AsyncExitStack() as stack:
        for log in range(logs):
            database, secret = f"parley_workers_{logs}_{log}", secrets.token_urlsafe(48)
            await servers.migrated(bench, database)
            workers = [
                await stack.enter_async_context(servers.started(bench, database, PARLEY_JWT_SECRET=secret))
                for _ in range(COUNT // logs)
            ]
            chats = await open_chats(workers[0], pairs(CONVERSATIONS))
            side.workers += workers
            side.talks += [await _talk(workers, place, chats[place :: len(workers)]) for place in range(len(workers))]
            side.crowds += [await _crowd(workers)] * len(workers)
        yield side


async def _talk(workers: list[Server], place: int, chats: list[Chat]) -> Stage:
    """These people's messages are taken by one worker; the two of each pair have their streams at different ones."""
    tally = Tally()
    streams = await _spread(workers, [member for chat in chats for member in chat.members], tally)
    return Stage(workers[place], chats, streams, tally)


async def _crowd(workers: list[Server]) -> Stage:
    [chat] = await open_chats(workers[0], [tuple(f"person-{number}" for number in range(PEOPLE))])
    tally = Tally()
    readers = [member for member in chat.members for _ in range(STREAMS_EACH)]
    return Stage(workers[0], [chat], await _spread(workers, readers, tally), tally)


async def _spread(workers: list[Server], readers: list[Reader], tally: Tally) -> list[Stream]:
    """Streams dealt out to the workers in turn."""
    count = len(workers)
    return [
        stream
        for place, worker in enumerate(workers)
        for stream in await open_streams(worker.port, readers[place::count], tally)
    ]


async def _send(bench: Bench, side: Side, seconds: float) -> None:
    """16 senders at each worker."""
    for stage in side.talks:
        stage.forget()
    with side.working(bench, "sends") as work:
        loads = [delivered(stage, closed_loop(stage, seconds)) for stage in side.talks]
        sent: list[list[Sent]] = await asyncio.gather(*loads)
    for verdict in map(check.verdict, side.talks, sent):
        work.units += verdict.acknowledged
        work.add(verdict.found())


async def _read(bench: Bench, side: Side, seconds: float) -> None:
    """16 readers at each worker, each asking for the newest page of one conversation after the other."""
    with side.working(bench, "reads") as work:
        loads = [read_for(stage.server.port, _pages(stage), seconds, SENDERS) for stage in side.talks]
        found = await asyncio.gather(*loads)
    work.units += sum(one.answered for one in found)
    work.add({"refused": sum(one.refused for one in found)})


def _pages(stage: Stage) -> list[bytes]:
    path = "/api/v1/conversations/{}/messages?limit={}".format
    return [Call("GET", path(chat.id, PAGE), chat.members[0].token).encode() for chat in stage.chats]


async def _deliver(bench: Bench, side: Side, sends: int) -> None:
    """One message after the other to all of a crowd, taken by the workers in turn."""
    senders = [Sender(lambda: None) for _ in side.workers]
    try:
        for sender, worker, crowd in zip(senders, side.workers, side.crowds, strict=True):
            crowd.forget()
            await sender.open(worker.port, 1)
        in_turn = islice(cycle(list(map(sending, side.crowds, senders))), sends)
        with side.working(bench, "deliveries") as work:
            for send in in_turn:
                await send()
    finally:
        for sender in senders:
            sender.close()
    for crowd in {id(crowd): crowd for crowd in side.crowds}.values():
        sent = [one for sender, its in zip(senders, side.crowds, strict=True) if its is crowd for one in sender.sent]
        verdict = check.verdict(crowd, sent)
        work.units += verdict.delivered
        work.add(verdict.found())
