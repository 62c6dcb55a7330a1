"""Figures over locust's wires: each worker's go with its reports to the master, which adds up, judges and prints."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path
from typing import Any

import gevent
from locust import events
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from loadtests.tally import FAULTS, Tally, Totals, judge
from loadtests.worker import WORKER

KEY = "parley"
FAULTS_SHOWN_MAX = 10
LAST_WORD_SECONDS = 75.0  # for a worker to check all its users: as long as a call is tried, and then some
TIMES = (
    ("SEEN", "sent → seen"),
    ("SEEN", "sent → seen, long poll"),
    ("SEEN", "sent → seen, after a cut"),
    ("SEEN", "sent → seen, slow reader"),
    ("STREAM", "connect → ready"),
    ("STREAM", "cut → ready again"),
    ("POST", "POST message"),
)
TOTALS = Totals()
LOG = logging.getLogger("loadtests")


@events.init.add_listener
def on_init(environment: Environment, **_: Any) -> None:
    """The master hears its workers; the web page shows the verdict at /parley."""
    if isinstance(environment.runner, MasterRunner):
        environment.runner.register_message(KEY, on_last_word)
    if environment.web_ui is not None and environment.web_ui.app is not None:
        environment.web_ui.app.add_url_rule("/parley", "parley", lambda: figures(environment))


@events.test_start.add_listener
def on_test_start(environment: Environment, **_: Any) -> None:
    TOTALS.clear()


@events.report_to_master.add_listener
def on_report(data: dict[str, Any], **_: Any) -> None:
    data[KEY] = WORKER.tally.as_json()


@events.worker_report.add_listener
def on_worker_report(client_id: str, data: dict[str, Any], **_: Any) -> None:
    if KEY in data:
        TOTALS.take(client_id, data[KEY])


@events.test_stop.add_listener
def on_test_stop(environment: Environment, **_: Any) -> None:
    """On a worker all users have been checked by now. The master waits for that: locust itself does not, because it
    takes users for gone as soon as they are told to go."""
    if isinstance(environment.runner, WorkerRunner):
        environment.runner.send_message(KEY, WORKER.tally.as_json())
        return
    deadline = time.monotonic() + LAST_WORD_SECONDS
    while isinstance(environment.runner, MasterRunner) and TOTALS.unfinished() and time.monotonic() < deadline:
        gevent.sleep(0.1)
    LOG.info(judge(total(environment))[1])


def on_last_word(msg: Any, **_: Any) -> None:
    TOTALS.take(msg.node_id, msg.data, is_last=True)


@events.quitting.add_listener
def on_quitting(environment: Environment, **_: Any) -> None:
    """Before locust stops its users by force: let them finish, then judge."""
    if environment.runner is None or isinstance(environment.runner, WorkerRunner):
        return
    environment.runner.stop()
    environment.process_exit_code = judge(total(environment))[0]
    path = getattr(environment.parsed_options, "verdict", None)
    if path:
        Path(path).write_text(json.dumps(figures(environment), indent=2, ensure_ascii=False) + "\n")
    events.quit.add_listener(lambda **_: print(text(environment), flush=True))


def total(environment: Environment) -> Tally:
    if not isinstance(environment.runner, MasterRunner):
        TOTALS.take("local", WORKER.tally.as_json())
    return TOTALS.sum()


def figures(environment: Environment) -> dict[str, Any]:
    """All figures for machines: counts, faults, and times in milliseconds."""
    found = total(environment)
    code, sentence = judge(found)
    return {"verdict": sentence, "exit_code": code, **found.as_json(), "times_ms": _times(environment)}


def text(environment: Environment) -> str:
    """The same for people."""
    found = total(environment)
    counts = found.counts
    lines = [
        "",
        f"users       {counts['users']} came, {counts['checked users']} were checked to the end"
        + (f", {counts['users turned away']} were turned away" if counts["users turned away"] else ""),
        f"messages    {counts['messages acknowledged']} acknowledged, {counts['messages given up']} given up, "
        f"{counts['messages seen']} seen by others",
        f"streams     {counts['connects']} connects, {counts['reconnects']} reconnects, {counts['resets']} resets",
    ]
    for name, row in _times(environment).items():
        lines.append(
            f"  {name:<26} {row['count']:>7} ×  p50 {row['p50']:>6g}  p95 {row['p95']:>6g}  p99 {row['p99']:>6g} ms"
        )
    lines.append(
        "faults      " + "   ".join(f"{kind} {counts[kind]}" for kind in FAULTS) + f"   (late {counts['late']})"
    )
    lines += [f"  {fault}" for fault in found.faults[:FAULTS_SHOWN_MAX]]
    return "\n".join([*lines, judge(found)[1]])


def _times(environment: Environment) -> dict[str, dict[str, int]]:
    rows = {}
    for kind, name in TIMES:
        entry = environment.stats.entries.get((name, kind))
        if entry is not None and entry.num_requests:
            p50, p95, p99 = (entry.get_response_time_percentile(share) for share in (0.5, 0.95, 0.99))
            rows[name] = {"count": entry.num_requests, "p50": p50, "p95": p95, "p99": p99}
    return rows
