"""The alert rules of docs/deploy, tried by Prometheus's own `promtool`."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.browser.proxies.real import SEARCHED
from tests.deploy.proxies import DEPLOY

Series = dict[str, str]  # promtool's notation: a value, and so much more a minute, so many times
RULES = DEPLOY / "alerts.yml"
MINUTES = 30


def steady(name: str, per_minute: float, labels: str = "") -> Series:
    return {f"{name}{{{labels}}}": f"0+{per_minute}x{MINUTES}"}


def histogram(name: str, per_minute: dict[str, int], labels: str = "") -> Series:
    """Of all that come a minute, so many up to each bound. `100` come in all."""
    bounds = per_minute | {"+Inf": 100}
    return {
        key: value
        for bound, count in bounds.items()
        for key, value in steady(f"{name}_bucket", count, f'{labels}le="{bound}"').items()
    }


def idle(connections: int) -> Series:
    return {'parley_pool_connections{state="idle"}': f"{connections}x{MINUTES}"}


SEND = 'writer="send",'
# By alert: its trouble, and what is still well.
CASES: dict[str, tuple[Series, Series]] = {
    "ParleyIsAway": ({'up{job="parley"}': f"0x{MINUTES}"}, {'up{job="parley"}': f"1x{MINUTES}"}),
    "ParleyIsDeaf": (
        steady("parley_listener_deaf_seconds_total", 60),
        steady("parley_listener_deaf_seconds_total", 10),
    ),
    "ParleyDeliversLate": (
        histogram("parley_delivery_lag_seconds", {"0.5": 97, "1": 98, "2.5": 100}),
        histogram("parley_delivery_lag_seconds", {"0.5": 98, "1": 100, "2.5": 100}),
    ),
    "ParleyCommitsSlowly": (
        histogram("parley_commit_seconds", {"0.25": 97, "0.5": 98, "1": 100}, SEND),
        histogram("parley_commit_seconds", {"0.25": 98, "0.5": 100, "1": 100}, SEND),
    ),
    "ParleyHasFullBatches": (
        histogram("parley_batch_size", {"16": 0, "32": 45, "64": 100}, SEND),
        histogram("parley_batch_size", {"16": 0, "32": 55, "64": 100}, SEND),
    ),
    "ParleyCannotContinueCursors": (
        steady("parley_resets_total", 90, 'reason="too_old"'),
        steady("parley_resets_total", 30, 'reason="too_old"'),
    ),
    "ParleyPoolIsEmpty": (idle(0), idle(1)),
}


def rules() -> dict[str, dict[str, Any]]:
    [group] = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


@pytest.mark.parametrize("name", CASES)
def test_each_alert_fires_in_its_trouble_and_only_then(name: str, tmp_path: Path) -> None:
    rule = rules()[name]
    by = {"ParleyIsAway": {"job": "parley"}, "ParleyPoolIsEmpty": {"state": "idle"}}.get(name, {})
    told = [{"exp_labels": rule["labels"] | by, "exp_annotations": rule["annotations"]}]
    cases = [
        {
            "interval": "1m",
            "input_series": [{"series": one, "values": values} for one, values in series.items()],
            "alert_rule_test": [{"eval_time": f"{MINUTES}m", "alertname": name, "exp_alerts": expected}],
        }
        for series, expected in zip(CASES[name], (told, []), strict=True)
    ]
    (tmp_path / "cases.yml").write_text(yaml.safe_dump({"rule_files": [str(RULES)], "tests": cases}))
    promtool("test", "rules", "cases.yml", folder=tmp_path)


def test_no_alert_is_left_out(tmp_path: Path) -> None:
    assert set(CASES) == set(rules())
    promtool("check", "rules", str(RULES), folder=tmp_path)


def promtool(*arguments: str, folder: Path) -> None:
    program = shutil.which("promtool", path=SEARCHED)
    assert program, "tests/browser/install installs it"
    done = subprocess.run([program, *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
