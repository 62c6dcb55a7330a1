"""The load test as people start it: against a server of its own, and against one behind a relay that is not honest."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from loadtests.tally import UNPROVEN
from tests.conftest import NewServer
from tests.harness import ROOT, SECRET, Server, free_port
from tests.loadtests.relay import Relay

PATIENCE_SECONDS = 90

pytestmark = pytest.mark.system


async def load(report: Path, *arguments: str, **environment: str) -> tuple[int, str, dict[str, Any]]:
    """Exit code, what it printed, and its figures."""
    others = {key: value for key, value in os.environ.items() if not key.startswith(("PARLEY_", "LOADTEST_"))}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "loadtests.run", "--report", str(report), *arguments),
        cwd=ROOT,
        env={**others, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    assert process.returncode is not None
    text = output.decode()
    return process.returncode, text, json.loads(report.with_suffix(".json").read_text())


async def test_it_starts_a_server_restarts_it_and_finds_nothing_wrong(tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    arguments = ("--minutes", "0.15", "--users", "20", "--spawn-rate", "20", "--shape", "mix")
    code, text, figures = await load(report, *arguments, LOADTEST_PAUSE="1")
    counts = figures["counts"]
    assert 0 == code, text
    assert "PASSED" in text
    assert "started anew 1 times" in text
    assert [] == figures["faults"]
    assert counts["users"] == counts["checked users"] >= 10
    assert counts["messages seen"] > 0
    assert '"SEEN"' in report.read_text()


async def test_over_two_workers_it_fails_for_each_message_lost_doubled_or_swapped(
    new_server: NewServer, tmp_path: Path
) -> None:
    server = await new_server()
    relay = await Relay(server.port, ["drop", "double", "swap"]).start()
    arguments = (
        "--url",
        f"{relay.url}/",
        "--minutes",
        "0.15",
        "--users",
        "16",
        "--spawn-rate",
        "16",
        "--processes",
        "2",
    )
    environment = {"LOADTEST_PAUSE": "0.4", "LOADTEST_TRANSPORTS": "stream=1", "LOADTEST_CUTS": "0"}
    try:
        report = tmp_path / "report.html"
        code, text, figures = await load(
            report, *arguments, "--shape", "steady", LOADTEST_JWT_SECRET=SECRET, **environment
        )
    finally:
        await relay.close()
    assert {"drop": 1, "double": 1, "swap": 1} == dict(relay.done), text
    assert 1 == code, text
    found = {kind: figures["counts"].get(kind, 0) for kind in ("lost", "doubled", "reordered", "strange")}
    assert {"lost": 1, "doubled": 1, "reordered": 1, "strange": 0} == found, text
    assert "FAILED: 1 lost, 1 doubled, 1 reordered" in text
    assert figures["counts"]["users"] == figures["counts"]["checked users"] > 0


async def told(tmp_path: Path, url: str, **environment: str) -> str:
    """What it says when it does not even begin."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "loadtests.run", "--url", url, "--report", str(tmp_path / "r.html")),
        cwd=ROOT,
        env={**{key: value for key, value in os.environ.items() if not key.startswith("LOADTEST_")}, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), PATIENCE_SECONDS)
    assert process.returncode == UNPROVEN
    assert not (tmp_path / "r.json").exists()
    return output.decode()


async def test_it_says_at_once_when_it_has_no_tokens(tmp_path: Path) -> None:
    assert "LOADTEST_JWT_SECRET" in await told(tmp_path, "http://127.0.0.1:9")


async def test_it_says_at_once_that_the_server_lets_nobody_in(tmp_path: Path, server: Server) -> None:
    wrong = await told(tmp_path, server.url, LOADTEST_JWT_SECRET="w" * 32)
    assert f"{server.url} answers 401: The token is not valid: its signature does not match." in wrong
    assert "The tokens' secret, audience and issuer must be the server's." in wrong
    away = f"http://127.0.0.1:{free_port()}"
    assert f"{away} cannot be asked: " in await told(tmp_path, away, LOADTEST_JWT_SECRET=SECRET)
    elsewhere = await told(tmp_path, f"{server.url}/elsewhere", LOADTEST_JWT_SECRET=SECRET)
    assert f"{server.url}/elsewhere answers 404: " in elsewhere


async def test_it_says_at_once_that_something_else_is_there(tmp_path: Path) -> None:
    """A shop's front page, whatever was asked for."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>")
        await writer.drain()
        writer.close()

    elsewhere = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{elsewhere.sockets[0].getsockname()[1]}"
    said = await told(tmp_path, url, LOADTEST_JWT_SECRET=SECRET)
    elsewhere.close()
    assert f"{url} answers 200 and is no Parley: b'<html>'." in said
