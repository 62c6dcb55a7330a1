"""`python -m loadtests.sizing.measure`: what one message and one more process cost, over each bus, in one run.

One process takes all messages, another one has nobody and only hears: its CPU is what every further process pays for
each message. Variants run in turn, so that the machine's mood meets all of them; medians. Ratios are what to read.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from loadtests.bench import check, postgres
from loadtests.bench.client import HOST
from loadtests.bench.latency import PER_SECOND
from loadtests.bench.load import Sent, Stage, closed_loop, delivered, open_loop, stage_of_pairs
from loadtests.bench.processes import cpu_seconds, free_port, running
from loadtests.bench.servers import Bench, Server, migrated, started

CONVERSATIONS = 100
WARM_UP_SECONDS = 1.5
IDLE_SECONDS = 6.0
TRIES_MAX = 4
DATABASE = "sizing_bench"

# The functions that write say NOTIFY; for one variant they say nothing.
SILENCE = """
DO $$ DECLARE f text; BEGIN
    FOR f IN SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname LIKE 'parley%' AND prosrc LIKE '%pg_notify(%'
    LOOP
        EXECUTE replace(f, 'PERFORM pg_notify(', 'PERFORM concat(');
    END LOOP;
END $$
"""


@dataclass(frozen=True)
class Variant:
    """A way to run: over which bus, with how many processes that only hear, and whether commits say NOTIFY."""

    name: str
    is_nats: bool
    hearers: int
    says_notify: bool = True


VARIANTS = (
    Variant("postgres, alone", is_nats=False, hearers=0),
    Variant("postgres, and one that hears", is_nats=False, hearers=1),
    Variant("nats, alone", is_nats=True, hearers=0),
    Variant("nats, and one that hears", is_nats=True, hearers=1),
    Variant("nats, alone, no NOTIFY in commits", is_nats=True, hearers=0, says_notify=False),
)


@dataclass
class Spent:
    """Microseconds of CPU: for each message of a load, or for each second of an idle while."""

    sender: float
    hearer: float
    postgres: float
    nats: float
    per_second: float = 0.0
    faults: int = 0


@dataclass
class Stand:
    """What runs for one variant."""

    bench: Bench
    server: Server
    hearers: list[Server]
    nats: list[int] = field(default_factory=list)

    def counters(self) -> tuple[float, float, float, float]:
        return (
            cpu_seconds(self.server.pid),
            cpu_seconds(*(hearer.pid for hearer in self.hearers)),
            cpu_seconds(self.bench.postgres.pid),
            cpu_seconds(*self.nats),
        )


@asynccontextmanager
async def standing(bench: Bench, variant: Variant) -> AsyncIterator[Stand]:
    """A new database, NATS if need be, and the processes."""
    await migrated(bench, DATABASE)
    if not variant.says_notify:
        connection = await bench.postgres.connect(DATABASE)
        await connection.execute(SILENCE)
        await connection.close()
    async with AsyncExitStack() as stack:
        nats, environment = [], {"PARLEY_JWT_SECRET": secrets.token_urlsafe(48)}
        if variant.is_nats:
            port = free_port()
            command = [str(Path(sys.executable).parent / "nats-server"), "-a", HOST, "-p", str(port)]
            nats.append(await stack.enter_async_context(running(command, log=bench.folder / "nats.log")))
            environment["PARLEY_BUS"] = f"nats://{HOST}:{port}"
        servers = [
            await stack.enter_async_context(started(bench, DATABASE, **environment)) for _ in range(1 + variant.hearers)
        ]
        yield Stand(bench, servers[0], servers[1:], nats)


async def round_of(bench: Bench, variant: Variant, seconds: float) -> dict[str, Spent]:
    """One turn of a variant: idle, then 200 messages a second, then as many as go."""
    async with standing(bench, variant) as stand:
        stage = await stage_of_pairs(stand.server, CONVERSATIONS)
        await delivered(stage, closed_loop(stage, WARM_UP_SECONDS))
        await asyncio.sleep(WARM_UP_SECONDS)
        before = stand.counters()
        await asyncio.sleep(IDLE_SECONDS)
        found = {"idle": _spent(before, stand.counters(), IDLE_SECONDS)}
        for name in ("open", "closed"):
            stage.forget()
            before = stand.counters()
            load = open_loop(stage, seconds, PER_SECOND) if name == "open" else closed_loop(stage, seconds)
            sent = await delivered(stage, load)
            found[name] = _of_load(stage, sent, before, stand.counters())
        return found


def _spent(before: tuple[float, ...], after: tuple[float, ...], share: float) -> Spent:
    sender, hearer, database, nats = ((now - then) / share * 1e6 for then, now in zip(before, after, strict=True))
    return Spent(sender, hearer, database, nats)


def _of_load(stage: Stage, sent: list[Sent], before: tuple[float, ...], after: tuple[float, ...]) -> Spent:
    verdict = check.verdict(stage, sent)
    spent = _spent(before, after, max(1, verdict.acknowledged))
    took = max(one.answered_at for one in sent) - min(one.started_at for one in sent)
    spent.per_second, spent.faults = verdict.acknowledged / took, verdict.faults()
    return spent


async def measure(seconds: float, rounds: int) -> dict[tuple[str, str], Spent]:
    """Medians by (load, variant)."""
    turns: dict[tuple[str, str], list[Spent]] = {}
    with postgres.embedded() as server, tempfile.TemporaryDirectory(prefix="parley-sizing-") as folder:
        bench = Bench(server, Path(folder), is_quick=False)
        for number in range(rounds):
            for variant in VARIANTS:
                print(f"round {number + 1} of {rounds}: {variant.name} …", file=sys.stderr, flush=True)
                for load, spent in (await _patiently(bench, variant, seconds)).items():
                    turns.setdefault((load, variant.name), []).append(spent)
    return {key: _middle(found) for key, found in turns.items()}


async def _patiently(bench: Bench, variant: Variant, seconds: float) -> dict[str, Spent]:
    """Once more when others kept the machine so busy that the moments of the open loop could not be kept; a turn that
    never succeeds is left out."""
    for _ in range(TRIES_MAX):
        try:
            return await round_of(bench, variant, seconds)
        except RuntimeError as error:
            print(f"  again: {error}", file=sys.stderr, flush=True)
    return {}


def _middle(found: list[Spent]) -> Spent:
    names = ("sender", "hearer", "postgres", "nats", "per_second")
    return Spent(
        **{name: median(getattr(one, name) for one in found) for name in names}, faults=sum(one.faults for one in found)
    )


def table(found: dict[tuple[str, str], Spent]) -> str:
    """One line a variant under each load."""
    titles = {
        "idle": "idle: µs of CPU a second",
        "open": f"{PER_SECOND:g} messages a second, each a commit of its own: µs of CPU a message",
        "closed": "16 senders as fast as they are answered: µs of CPU a message",
    }
    lines = []
    for load, title in titles.items():
        lines += ["", title, f"  {'':36}{'sender':>9}{'hearer':>9}{'Postgres':>10}{'NATS':>8}{'per s':>9}{'faults':>8}"]
        for variant in VARIANTS:
            if (load, variant.name) not in found:
                lines.append(f"  {variant.name:36}  the machine was too busy")
                continue
            one = found[load, variant.name]
            lines.append(
                f"  {variant.name:36}{one.sender:9.0f}{one.hearer:9.0f}{one.postgres:10.0f}{one.nats:8.0f}"
                f"{one.per_second:9.0f}{one.faults:8}"
            )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m loadtests.sizing.measure", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each load")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    print(table(asyncio.run(measure(given.seconds, given.rounds))))


if __name__ == "__main__":
    main()
