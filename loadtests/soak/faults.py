"""The faults. Each breaks one thing, mends it again where it does not mend itself, and waits until all is as before.

A fault gives the seconds that people had to wait for it, where a figure is promised for that: from the moment Postgres
takes connections again, or the worker is gone, to the first acknowledged send and to the last stream that is live.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import perf_counter, time

import psutil

from loadtests.soak.follower import Follower
from loadtests.soak.stage import WORKERS, Stage

BACK_SECONDS = 30.0  # whatever takes longer is a failure of the soak
STARTED_SECONDS = 4.0  # a worker serves by then

LISTENERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE 'LISTEN%'
"""
EVERYONE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
TELLERS = "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE prosrc LIKE '%pg_notify(''parley_log''%'"


@dataclass
class Recovery:
    """Seconds until a send was acknowledged, and until every stream was live."""

    sent: float | None = None
    live: float | None = None


@dataclass
class Happening:
    """What was done, when (seconds since the start), and what it cost."""

    name: str
    at: float
    recovery: Recovery = field(default_factory=Recovery)


Fault = Callable[[Stage, random.Random], Awaitable[Recovery]]


async def kill_worker(stage: Stage, dice: random.Random) -> Recovery:
    """kill -9 of the one that has the most connections, when the other one serves too."""
    await stage.until(
        lambda: all(time() - one.create_time() > STARTED_SECONDS for one in stage.workers()), 30, "workers"
    )
    victim = max(stage.workers(), key=lambda worker: len(worker.net_connections()))
    return await _end(stage, victim, signal.SIGKILL)


async def kill_all_workers(stage: Stage, dice: random.Random) -> Recovery:
    """kill -9 of both at once: only the supervisor is left. No figure is promised for that."""
    for worker in stage.workers():
        worker.kill()
    await _all_are_well(stage)
    return Recovery()


async def end_worker(stage: Stage, dice: random.Random) -> Recovery:
    """SIGTERM of one: it drains, and another comes."""
    await _end(stage, dice.choice(stage.workers()), signal.SIGTERM)
    return Recovery()


async def freeze_worker(stage: Stage, dice: random.Random) -> Recovery:
    """SIGSTOP of one for a while: its streams are silent, its answers do not come."""
    worker = dice.choice(stage.workers())
    async with _frozen([worker]):
        await asyncio.sleep(dice.uniform(1, 5))
    await _all_are_well(stage)
    return Recovery()


async def restart_postgres(stage: Stage, dice: random.Random) -> Recovery:
    await stage.database.stop()
    return await _back(stage)


async def postgres_away(stage: Stage, dice: random.Random) -> Recovery:
    """Gone for some seconds, so that every back-off has come to its end."""
    await stage.database.stop()
    await asyncio.sleep(dice.uniform(3, 8))
    return await _back(stage)


async def freeze_postgres(stage: Stage, dice: random.Random) -> Recovery:
    """All of it, as on a machine whose disk hangs."""
    async with _frozen(stage.database.processes()):
        await asyncio.sleep(dice.uniform(1, 4))
    await _all_are_well(stage)
    return Recovery()


async def terminate_listeners(stage: Stage, dice: random.Random) -> Recovery:
    return await _terminate(stage, LISTENERS)


async def terminate_everyone(stage: Stage, dice: random.Random) -> Recovery:
    return await _terminate(stage, EVERYONE)


async def drop_notify(stage: Stage, dice: random.Random) -> Recovery:
    """For a while nobody says a word on the log's channel."""
    async with stage.database.connected() as connection:
        functions = [row[0] for row in await connection.fetch(TELLERS)]
        if not functions:
            raise LookupError("no function tells the log by NOTIFY any more: `drop_notify` needs mending")
        for text in functions:
            await connection.execute(text.replace("pg_notify('parley_log'", "pg_notify('nobody_listens'"))
        try:
            await asyncio.sleep(dice.uniform(2, 6))
        finally:
            for text in functions:
                await connection.execute(text)
    await _all_are_well(stage)
    return Recovery()


async def cut_clients(stage: Stage, dice: random.Random) -> Recovery:
    """Every connection of every client, in the middle of whatever it is."""
    for follower in stage.followers:
        follower.cut()
    for outbox in stage.outboxes:
        outbox.cut()
    await _all_are_well(stage)
    return Recovery()


async def slow_readers(stage: Stage, dice: random.Random) -> Recovery:
    """A third of the followers read nothing for a while."""
    slow = dice.sample(stage.followers, len(stage.followers) // 3)
    for follower in slow:
        follower.reading.clear()
    await asyncio.sleep(dice.uniform(2, 6))
    for follower in slow:
        follower.reading.set()
    await _all_are_well(stage)
    return Recovery()


FAULTS: tuple[Fault, ...] = (
    kill_worker,
    kill_worker,
    kill_all_workers,
    end_worker,
    freeze_worker,
    restart_postgres,
    restart_postgres,
    postgres_away,
    freeze_postgres,
    terminate_listeners,
    terminate_everyone,
    drop_notify,
    cut_clients,
    slow_readers,
)


# --- what they are made of -----------------------------------------------------------------------------------------


async def _end(stage: Stage, victim: psutil.Process, how: signal.Signals) -> Recovery:
    cuts = {follower: follower.cuts for follower in _streams(stage)}
    began = perf_counter()
    victim.send_signal(how)
    await stage.until(lambda: victim not in stage.workers(), BACK_SECONDS, "a worker to end")
    sent = await _acknowledged(stage, began)
    await stage.until(lambda: all(one.is_live for one in cuts), BACK_SECONDS, "the streams to come back")
    back = [one.live_at - began for one, before in cuts.items() if one.cuts > before]
    await _all_are_well(stage)
    return Recovery(sent - began, max(back, default=0.0))


async def _back(stage: Stage) -> Recovery:
    await stage.database.start()
    began = perf_counter()
    sent = await _acknowledged(stage, began)
    live = await _everyone_has_heard(stage)
    await _all_are_well(stage)
    return Recovery(sent - began, live - began)


async def _terminate(stage: Stage, query: str) -> Recovery:
    async with stage.database.connected() as connection:
        await connection.execute(query)
    await _all_are_well(stage)
    return Recovery()


@asynccontextmanager
async def _frozen(processes: list[psutil.Process]) -> AsyncIterator[None]:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.suspend()
    try:
        yield
    finally:
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()


def _streams(stage: Stage) -> list[Follower]:
    return [follower for follower in stage.followers if not follower.is_polling]


async def _acknowledged(stage: Stage, since: float) -> float:
    """When the next send was acknowledged."""
    moment: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def sent(at: float, position: int) -> None:
        if at > since and not moment.done():
            moment.set_result(at)

    for outbox in stage.outboxes:
        outbox.on_sent = sent
    try:
        return await asyncio.wait_for(moment, BACK_SECONDS)
    finally:
        for outbox in stage.outboxes:
            outbox.on_sent = lambda at, position: None


async def _everyone_has_heard(stage: Stage) -> float:
    """When everybody who follows has all that is promised by now."""
    position = max(promise.position for promise in list(stage.books.promises.values())[-200:])
    streams = _streams(stage)
    await stage.until(
        lambda: all(one.account.upto >= position for one in streams), BACK_SECONDS, "the streams to be complete"
    )
    return perf_counter()


async def _all_are_well(stage: Stage) -> None:
    """Both workers are there, everyone is live, a send is acknowledged, and everyone has heard of it."""
    await stage.until(lambda: len(stage.workers()) == WORKERS, BACK_SECONDS, "two workers")
    await _acknowledged(stage, perf_counter())
    await stage.until(lambda: all(one.is_live for one in stage.followers), BACK_SECONDS, "everyone to be live")
    await _everyone_has_heard(stage)
