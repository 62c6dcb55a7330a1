"""The soak: `python -m loadtests.soak --minutes 30`. Ends with 1 when anything was lost, doubled or out of order."""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from loadtests.bench import postgres
from loadtests.soak import report
from loadtests.soak.faults import BACK_SECONDS, FAULTS, Happening
from loadtests.soak.memory import Memory
from loadtests.soak.stage import DATABASE, Stage, staged

FINISH_SECONDS = 60.0
FILL = 20_000  # as many events as a worker keeps in memory, so that it has its full size from the start


def main() -> None:
    parser = argparse.ArgumentParser(prog="loadtests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--per-second", type=float, default=60, help="messages, on average")
    parser.add_argument("--pause", type=float, default=8, help="seconds between two faults, on average")
    parser.add_argument("--only", choices=[fault.__name__ for fault in FAULTS], help="one kind of fault")
    parser.add_argument("--fill", type=int, default=FILL, help="messages before it begins")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="keep the figures here")
    sys.exit(asyncio.run(run(parser.parse_args())))


async def run(given: argparse.Namespace) -> int:
    with postgres.embedded() as server, tempfile.TemporaryDirectory(prefix="parley-soak-") as folder:
        async with staged(server, Path(folder), seed=given.seed, fill=given.fill) as stage:
            result = await soak(stage, given)
        if not result.is_good:
            kept = Path(tempfile.gettempdir()) / "parley-soak.log"
            kept.write_bytes((Path(folder) / "parley.log").read_bytes())
            print(f"the server's log is kept in {kept}", file=sys.stderr)
    print(result.text())
    if given.json is not None:
        given.json.write_text(json.dumps(result.as_json(), indent=1))
    return 0 if result.is_good else 1


async def soak(stage: Stage, given: argparse.Namespace) -> report.Report:
    """Load, break, finish, judge."""
    following = [asyncio.create_task(follower.run()) for follower in stage.followers]
    await stage.until(lambda: all(one.is_live for one in stage.followers), BACK_SECONDS, "everyone to follow")
    each = given.per_second / len(stage.outboxes)
    sending = [asyncio.create_task(outbox.run(each)) for outbox in stage.outboxes]
    happenings: list[Happening] = []
    before, memory, began = len(stage.books.promises), Memory(), perf_counter()
    watching = asyncio.create_task(memory.watch(stage))
    failure = None
    try:
        await _break(stage, given, happenings, until=began + given.minutes * 60)
    except Exception as error:  # a fault that was not overcome, or a sender that was refused: judged all the same
        failure = f"{type(error).__name__}: {error}"
    seconds = perf_counter() - began
    failure = failure or await _finish(stage, sending)
    for task in (*following, *sending, watching):
        task.cancel()
    await asyncio.gather(*following, *sending, watching, return_exceptions=True)
    verdict = await stage.books.judge(stage.database.postgres, DATABASE)
    return report.Report(seconds, len(stage.books.promises) - before, verdict, happenings, memory.kinds(), failure)


async def _break(stage: Stage, given: argparse.Namespace, happenings: list[Happening], until: float) -> None:
    """One fault after another, each waited for until all is well again."""
    dice, began = random.Random(given.seed), perf_counter()
    faults = [fault for fault in FAULTS if given.only in (None, fault.__name__)]
    deck: list[int] = []
    while (left := until - perf_counter()) > 0:
        await asyncio.sleep(min(left, dice.uniform(0.5, 1.5) * given.pause))
        deck = deck or dice.sample(range(len(faults)), len(faults))  # each kind has its turn
        fault = faults[deck.pop()]
        happening = Happening(fault.__name__, perf_counter() - began)
        print(f"{happening.at:7.1f} s  {happening.name} …", end="", file=sys.stderr, flush=True)
        happenings.append(happening)
        happening.recovery = await fault(stage, dice)
        print(f" well after {perf_counter() - began - happening.at:.1f} s", file=sys.stderr, flush=True)


async def _finish(stage: Stage, sending: list[asyncio.Task[None]]) -> str | None:
    """Everything that was begun is acknowledged and delivered, or it is said what was not."""
    for outbox in stage.outboxes:
        outbox.is_hushed = True
    try:
        await asyncio.wait_for(asyncio.gather(*sending), FINISH_SECONDS)
        async with stage.database.connected() as connection:
            head: int = await connection.fetchval("SELECT position FROM log_head")
        await stage.until(
            lambda: all(one.account.upto >= head for one in stage.followers), FINISH_SECONDS, "everyone to be complete"
        )
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


if __name__ == "__main__":
    main()
