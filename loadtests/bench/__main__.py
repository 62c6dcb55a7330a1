"""`python -m loadtests.bench`: run the scenarios and print the table. Ends with 1 when a target was missed."""

from __future__ import annotations

import argparse
import asyncio
import resource
import signal
import sys
import tempfile
from pathlib import Path

import uvloop

from loadtests.bench import machine, postgres, report
from loadtests.bench.scenarios import GROUPS, SCENARIOS, chosen
from loadtests.bench.servers import Bench

FILES_MIN = 12_000  # 10,000 streams here, as many in the server, and some for everything else
SCENARIO_SECONDS = 900.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m loadtests.bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=[*SCENARIOS, *GROUPS], help="this one (may be repeated)")
    parser.add_argument("--quick", action="store_true", help="shorter and smaller: a rough guess")
    parser.add_argument("--json", type=Path, metavar="PATH", help="save the raw numbers here")
    given = parser.parse_args()
    _allow_many_files()
    try:
        sys.exit(uvloop.run(run(chosen(given.only), is_quick=given.quick, json_path=given.json)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit("interrupted; everything that was started is stopped")


async def run(names: list[str], *, is_quick: bool, json_path: Path | None) -> int:
    """Measure, print, save. What fails is a missed line of the table and does not stop the rest."""
    _stop_on_terminate()
    with postgres.embedded() as server, tempfile.TemporaryDirectory(prefix="parley-bench-logs-") as folder:
        bench = Bench(server, Path(folder), is_quick)
        result = report.Report(server.version, is_quick)
        conditions: list[machine.Condition] = []
        for name in names:
            title, measure = SCENARIOS[name]
            print(f"{name}: {title} …", file=sys.stderr, flush=True)
            sync_ms, before = machine.sync_ms(bench.folder), machine.now(server.pid)
            try:
                async with asyncio.timeout(SCENARIO_SECONDS):
                    result.rows[f"{name}: {title}"] = await measure(bench, result)
            except Exception as error:  # a scenario that breaks is a result too
                print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
                result.rows[f"{name}: {title}"] = [report.failed("the scenario", error)]
            conditions.append(machine.between(before, machine.now(server.pid), sync_ms))
            result.raw.setdefault("machine", {})[name] = conditions[-1].as_json()
            if json_path is not None:
                result.save(json_path)
        result.rows["the machine meanwhile"] = machine.rows(conditions)
        if json_path is not None:
            result.save(json_path)
    print(result.table())
    return 0 if result.is_all_reached() else 1


def _stop_on_terminate() -> None:
    """SIGTERM ends us as Ctrl-C does: in order, with every child stopped."""
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


def _allow_many_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if hard != resource.RLIM_INFINITY else 65_536
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    if max(soft, wanted) < FILES_MIN:
        print(f"only {wanted} files may be open: all scenarios together need {FILES_MIN} (ulimit -n)", file=sys.stderr)


if __name__ == "__main__":
    main()
