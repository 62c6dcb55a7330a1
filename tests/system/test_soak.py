"""The soak: its books find each kind of fault, and the command runs and says what it found."""

from __future__ import annotations

import asyncio
import json
import sys
from array import array
from pathlib import Path

import pytest

from loadtests.soak.books import Account, Books, Promise, Verdict, judge_account
from tests.harness import ROOT

DUE = [1, 2, 5, 8]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ([2, 5, 8], (0, 0, 0, 0)),
        ([2, 8], (1, 0, 0, 0)),
        ([2, 5, 5, 8], (0, 1, 0, 0)),
        ([2, 8, 5], (0, 0, 1, 0)),
        ([2, 4, 5, 8], (0, 0, 0, 1)),
        ([1, 2, 5, 8], (0, 0, 0, 1)),
    ],
    ids=["nothing wrong", "lost", "twice", "too late", "not for it", "from before"],
)
def test_the_books_find_what_is_wrong_with_an_account(given: list[int], found: tuple[int, ...]) -> None:
    verdict = Verdict(0, 0, 0)
    judge_account(Account("sol", "sol", after=1, upto=9, positions=array("q", given)), DUE, verdict)
    assert found == (verdict.lost, verdict.doubled, verdict.reordered, verdict.strange)
    assert (found == (0, 0, 0, 0)) == verdict.is_faultless


def test_a_reset_is_strange() -> None:
    verdict = Verdict(0, 0, 0)
    judge_account(Account("sol", "sol", after=8, upto=9, resets=1), DUE, verdict)
    assert 1 == verdict.strange


def test_two_answers_to_one_message_are_kept() -> None:
    books = Books()
    for seq in (1, 1, 2):
        books.promise("m", Promise("c", seq, 7))
    assert 1 == len(books.broken)


async def test_a_short_soak_is_good_and_tells_figures(tmp_path: Path) -> None:
    """Workers are killed under load; nothing is lost, and the figures say so."""
    arguments = ["--minutes", "0.03", "--pause", "0.5", "--fill", "24", "--only", "kill_worker"]
    soak = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "loadtests.soak", *arguments, "--json", str(tmp_path / "soak.json")),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    said = (await asyncio.wait_for(soak.communicate(), 90))[0].decode()
    assert 0 == soak.returncode, said
    figures = json.loads((tmp_path / "soak.json").read_text())
    assert figures["messages"] > 20
    assert figures["happenings"]
    assert {"kill_worker"} == {happening["name"] for happening in figures["happenings"]}
    assert 0 == figures["verdict"]["lost"] == figures["verdict"]["doubled"] == figures["verdict"]["reordered"]
    assert "a worker killed" in said
