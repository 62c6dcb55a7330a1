"""What the files of docs/deploy name is there: metrics, commands, settings, files."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from app import settings
from tests.browser.proxies.real import SEARCHED
from tests.deploy.proxies import DEPLOY
from tests.harness import ROOT, SECRET, Cast, Server

METRIC = re.compile(r"\bparley_[a-z_]+\b")


def read_yaml(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text())


@pytest.mark.parametrize("name", ["alerts.yml", "grafana.json"])
async def test_every_metric_is_one_that_a_server_gives(server: Server, cast: Cast, name: str) -> None:
    await cast.bea.say(cast.conversation_id, "So that there is something to count")
    async with httpx.AsyncClient() as anyone:
        given = set(METRIC.findall((await anyone.get(f"{server.url}/metrics")).text))
    named = set(METRIC.findall((DEPLOY / name).read_text()))
    assert len(named) > 5
    assert set() == named - given


def test_every_alert_says_when_it_matters_and_what_it_means() -> None:
    [group] = read_yaml("alerts.yml")["groups"]
    for rule in group["rules"]:
        assert {"alert", "expr", "for", "labels", "annotations"} == rule.keys()
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"].endswith((".", "?"))


def test_no_panel_of_the_dashboard_covers_another() -> None:
    panels = json.loads((DEPLOY / "grafana.json").read_text())["panels"]
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
    assert len(places) == len(panels) == len({panel["id"] for panel in panels})


def test_the_unit_is_one_that_systemd_takes(tmp_path: Any) -> None:
    """`systemd-analyze verify`, with the program and the user of this machine in place of the installed ones."""
    unit = (DEPLOY / "parley@.service").read_text()
    assert "ExecStart=/opt/parley/.venv/bin/parley serve" in unit
    for told, given in (("/opt/parley/.venv/bin/parley", "/bin/true"), ("/opt/parley", "/"), ("=parley", "=daemon")):
        unit = unit.replace(told, given)
    path = tmp_path / "parley@.service"
    path.write_text(unit)
    analyze = shutil.which("systemd-analyze", path=SEARCHED)
    assert analyze is not None, "systemd-analyze is not installed: `make test` does it on Debian and Ubuntu"
    done = subprocess.run(
        [analyze, "verify", "--man=no", path], capture_output=True, text=True, timeout=60, check=False
    )
    assert [] == [line for line in done.stderr.splitlines() if "parley@" in line]


def test_settings_are_ones_that_the_server_reads() -> None:
    known = set(re.findall(r'"(PARLEY_[A-Z_]+)"', Path(settings.__file__).read_text()))
    for name in ("parley@.service", "parley.env", "Containerfile", "compose.yaml"):
        named = set(re.findall(r"\bPARLEY_[A-Z_]+\b", (DEPLOY / name).read_text()))
        assert named
        assert set() == named - known, name


def by_shell(path: Path) -> dict[str, str]:
    """The settings as `set -a; . /etc/parley.env` gives them to a command."""
    done = subprocess.run(["/bin/sh", "-euc", 'set -a; . "$0"; env', path], env={}, capture_output=True, check=True)
    pairs = (line.split("=", 1) for line in done.stdout.decode().splitlines())
    return {name: value for name, value in pairs if name.startswith("PARLEY_")}


def test_an_address_of_several_parameters_comes_whole_out_of_the_file_of_settings(tmp_path: Path) -> None:
    """Unquoted it ended at its `&`, and what followed took a database of its own."""
    text, address = (DEPLOY / "parley.env").read_text(), "127.0.0.1:5432/parley"
    parameters = "?sslmode=require&application_name=a$b c;d"
    path = tmp_path / "parley.env"
    path.write_text(text.replace(address, address + parameters))
    assert by_shell(path)["PARLEY_DATABASE_URL"].endswith(address + parameters)


def test_every_block_of_commands_that_needs_the_settings_reads_them() -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / "docs" / "deploy.md").read_text(), re.MULTILINE | re.DOTALL)
    needy = re.compile(r"bin/parley |\$PARLEY_")
    wanting = [block for block in blocks if needy.search(block) and ". /etc/parley.env" not in needy.split(block)[0]]
    assert len([block for block in blocks if needy.search(block)]) > 3
    assert [] == wanting


def test_the_settings_do_not_start_before_somebody_has_made_a_secret() -> None:
    """One that stands in a public file is everybody's."""
    given = by_shell(DEPLOY / "parley.env")
    with pytest.raises(settings.SettingsError) as caught:
        settings.read(given)
    [mistake] = caught.value.mistakes
    assert mistake.startswith("PARLEY_JWT_SECRET: required")
    assert "openssl rand" in mistake
    assert settings.read({**given, "PARLEY_JWT_SECRET": SECRET})


def test_the_image_has_what_it_copies_and_its_workers_are_alike() -> None:
    copied = re.findall(r"^COPY (.+) \S+$", (DEPLOY / "Containerfile").read_text(), re.MULTILINE)
    assert [] == [path for line in copied for path in line.split() if not (ROOT / path).exists()]
    services = read_yaml("compose.yaml")["services"]
    assert services["one"] == services["two"]
    assert (ROOT / "docs/deploy" / services["one"]["build"]["context"]).resolve() == ROOT
    assert (ROOT / services["one"]["build"]["dockerfile"]).exists()
    site = (DEPLOY / "Caddyfile.compose").read_text()
    assert {"one", "two"} == set(re.findall(r"\b(\w+):8000\b", site))
    alone = (DEPLOY / "Caddyfile").read_text()
    for told, given in (
        ("127.0.0.1:8001 127.0.0.1:8002", "one:8000 two:8000"),
        ("chat.shop.example {", "{$SITE:localhost} {"),
    ):
        alone = alone.replace(told, given)
    assert alone.splitlines()[1:] == site.splitlines()[1:], "they differ in nothing but names"


def test_roll_leaves_the_others_alone_when_one_does_not_come_back() -> None:
    done = subprocess.run(
        [DEPLOY / "roll", "1", "2"],
        env={"PATH": SEARCHED, "RESTART": "true {}", "WITHIN": "1"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (1, "") == (done.returncode, done.stdout)
    assert "port 1 is not ready within 1 s" in done.stderr
