"""The benchmark's page: charts show all that they are given, the page says what the data say, one scenario for real."""

from __future__ import annotations

import asyncio
import json
import platform
import re
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from loadtests.bench import by_conversations, page, tables
from loadtests.bench.capacity import Side, Work
from loadtests.bench.chart import Bar, Group, Series, Words, bars, lines
from loadtests.bench.report import Report, Row, at_least, told
from loadtests.bench.saved import Missing, read
from tests.harness import ROOT

DATA = ROOT / "docs" / "performance"
SVG = "{http://www.w3.org/2000/svg}"
WORDS = Words("Cost & <size>", "What grows.")
PATIENCE_SECONDS = 100


# --- charts ----------------------------------------------------------------------------------------------------------


def drawn(svg: str, tag: str) -> list[ElementTree.Element]:
    return ElementTree.fromstring(svg).findall(f".//{SVG}{tag}")


def test_a_line_has_a_dot_for_each_point_and_says_its_numbers() -> None:
    svg = lines(WORDS, "streams", "µs", (Series("all", ((100, 900.0), (1_000, 950.5), (10_000, 1_200.0))),))
    dots = drawn(svg, "circle")
    assert ["all, 100: 900 µs", "all, 1,000: 950 µs", "all, 10,000: 1,200 µs"] == [
        dot.findtext(f"{SVG}title") for dot in dots
    ]
    xs, ys = ([float(dot.attrib[name]) for dot in dots] for name in ("cx", "cy"))
    assert xs[1] - xs[0] == pytest.approx(xs[2] - xs[1], abs=0.2), "ten times as many is as far again"
    assert all(above < below for below, above in pairwise(ys)), "more is higher"
    assert [f"{x:.1f},{y:.1f}" for x, y in zip(xs, ys, strict=True)] == drawn(svg, "polyline")[0].attrib[
        "points"
    ].split()


def test_bars_are_as_long_as_what_they_stand_for_each_group_on_its_own_scale() -> None:
    large = Group("in thousands", (Bar("ours", (300.0, 100.0)), Bar("theirs", (1_000.0, 600.0))))
    small = Group("in ones", (Bar("ours", (2.0,)), Bar("theirs", (1.0,))))
    svg = bars(WORDS, ("server", "Postgres"), (large, small))
    widths = [float(bar.attrib["width"]) for bar in drawn(svg, "rect") if bar.attrib.get("height") == "20"]
    ours, longest = widths[0] + widths[1], widths[2] + widths[3]
    assert ours / longest == pytest.approx(400 / 1_600, abs=0.01)
    assert widths[0] / ours == pytest.approx(0.75, abs=0.01)
    assert [longest, longest / 2] == [pytest.approx(width, abs=0.2) for width in widths[4:]]
    texts = [text.text for text in drawn(svg, "text")]
    assert {"400 µs", "1,600 µs", "2 µs", "1 µs", "server", "Postgres"} <= set(texts)


@pytest.mark.parametrize("svg", [
    lines(WORDS, "streams", "µs", (Series("all", ((1, 1.0), (10, 2.0))),)),
    bars(WORDS, (), (Group("some", (Bar("ours", (1.0,)),)),)),
])  # fmt: skip
def test_a_chart_says_what_it_shows_and_follows_the_readers_colours(svg: str) -> None:
    root = ElementTree.fromstring(svg)
    assert ("Cost & <size>", "What grows.") == (root.findtext(f"{SVG}title"), root.findtext(f"{SVG}desc"))
    assert "title description" == root.attrib["aria-labelledby"]
    assert "prefers-color-scheme: dark" in (root.findtext(f"{SVG}style") or "")


# --- the page and its data -------------------------------------------------------------------------------------------


def test_the_page_and_its_charts_are_what_the_data_say() -> None:
    made = page.made_of(read(DATA), (ROOT / "docs" / "performance.md").read_text())
    differing = [name for name, text in made.items() if (ROOT / "docs" / name).read_text() != text]
    assert [] == differing, "run: make charts"
    assert {name for name in made if name.endswith(".svg")} == {f"performance/{one.name}" for one in DATA.glob("*.svg")}


def test_every_block_and_every_chart_is_on_the_page() -> None:
    text = (ROOT / "docs" / "performance.md").read_text()
    assert sorted(page.BLOCKS) == sorted(re.findall(r"<!-- data: (\w+) -->", text))
    assert {f"performance/{one.name}" for one in DATA.glob("*.svg")} == set(re.findall(r"!\[[^]]+\]\(([^)]+)\)", text))


def test_what_is_published_says_with_what_and_not_where_it_was_measured(tmp_path: Path) -> None:
    report = Report("18", is_quick=True)
    report.save(tmp_path / "new.json")
    for path in [tmp_path / "new.json", *DATA.glob("*.json")]:
        text = path.read_text()
        content = json.loads(text)
        assert {"Python", "PostgreSQL", "parley", "uvloop"} <= set(content["versions"])
        assert content["cores"] >= 1
        assert platform.node() not in text
        assert [] == re.findall(r"[\"' ]/\w+/[^\"]*", text), "a path of the machine"


def saved_run(folder: Path, started_at: str, rows: list[Row], raw: dict[str, Any]) -> None:
    report = Report("18", is_quick=False, started_at=started_at)
    condition = {"seconds": 60.0, "others_percent": 1.0, "stolen_percent": 0.0, "sync_ms": 0.1}
    report.rows["open: 200 a second"] = rows
    report.raw = {"machine": {"open": condition}, **raw}
    report.save(folder / f"{len(list(folder.iterdir()))}.json")


def test_of_a_scenario_in_several_files_the_newest_counts(tmp_path: Path) -> None:
    saved_run(tmp_path, "2026-02-02T00:00:00+00:00", [told("new", 2)], {"open": [2]})
    saved_run(tmp_path, "2026-01-01T00:00:00+00:00", [told("old", 1)], {"open": [1]})
    saved = read(tmp_path)
    assert ([2], ["new"]) == (saved.of("open"), [row.measured for row in saved.rows["open"]])
    assert [("2026-02-02", ["open"])] == [(run.machine[-25:-15], names) for run, names in saved.used()]


def test_a_scenario_that_failed_leaves_no_older_numbers(tmp_path: Path) -> None:
    saved_run(tmp_path, "2026-01-01T00:00:00+00:00", [told("old", 1)], {"open": [1]})
    saved_run(tmp_path, "2026-02-02T00:00:00+00:00", [at_least("the scenario", 0, 1)], {})
    with pytest.raises(Missing, match="--only open"):
        read(tmp_path).of("open")


def test_what_was_missed_is_told_with_its_reason_and_what_was_reached_is_not(tmp_path: Path) -> None:
    rows = [
        at_least("capacity of two workers, of one's: sends", 1.5, 1.6, " ×"),
        at_least("reached", 2, 1),
        at_least("odd", 0, 1),
    ]
    saved_run(tmp_path, "2026-01-01T00:00:00+00:00", rows, {})
    hearing, odd = page.missed(read(tmp_path)).splitlines()
    assert hearing.startswith(
        "- capacity of two workers, of one's: sends: 1.50 ×, wanted ≥ 1.60 ×. What one worker takes"
    )
    assert f"- odd: 0, wanted ≥ 1. {page.UNKNOWN}" == odd


def test_a_table_has_a_line_for_each_size_and_leaves_blank_what_was_not_seen(tmp_path: Path) -> None:
    points = [
        {"size": 100, "cpu_us": 900.0, "server_us": 500.0, "postgres_us": 400.0},
        {"size": 1_000, "cpu_us": 950.0, "server_us": 540.0, "postgres_us": 410.0, "bytes": 2_048.0},
    ]
    saved_run(tmp_path, "2026-01-01T00:00:00+00:00", [], {"open": points})
    found = tables.growing("open", "streams", tables.Column("KB", "bytes", 1024))(read(tmp_path)).splitlines()
    assert ["| 100 | 900 | 500 | 400 |  |", "| 1,000 | 950 | 540 | 410 | 2 |"] == found[2:]


def test_the_busiest_worker_is_what_two_can_do() -> None:
    assert 1_000 == Work(units=1_000, workers_cpu=[0.5, 1.0]).capacity
    assert 75 == Work(units=1_000, workers_cpu=[0.5, 1.5]).busiest_percent


def test_two_workers_that_share_nothing_do_the_work_of_one_each() -> None:
    assert (500, 100) == (
        Work(logs=2, units=1_000, workers_cpu=[1.0, 1.0]).capacity,
        Work(logs=2, units=1_000, workers_cpu=[1.0, 1.0]).busiest_percent,
    )


def test_each_turn_is_compared_with_the_other_sides_of_that_time() -> None:
    """The machine was twice as fast in the second."""
    apart, together = Side(2), Side(1)
    apart.work["sends"] = [Work(2, units=200, workers_cpu=[1.0, 1.0]), Work(2, units=400, workers_cpu=[1.0, 1.0])]
    together.work["sends"] = [Work(1, units=180, workers_cpu=[1.0, 1.0]), Work(1, units=360, workers_cpu=[1.0, 1.0])]
    assert 1.8 == together.times(apart, "sends")


def test_conversations_are_of_different_people_and_the_first_hundred_share_nobody() -> None:
    everything = by_conversations.groups(0, 10_000)
    assert 10_000 == len(set(everything))
    assert 200 == len({person for pair in everything[:100] for person in pair})


# --- for real --------------------------------------------------------------------------------------------------------


@pytest.mark.system
async def test_a_scenario_runs_end_to_end_and_saves_its_points(tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "loadtests.bench", "--only", "participants", "--quick", "--json", str(path)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), PATIENCE_SECONDS)
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    assert 0 == process.returncode, output.decode()
    assert "all targets reached" in output.decode()
    points = json.loads(path.read_text())["raw"]["participants"]
    assert [2, 30] == [point["size"] for point in points]
    for point in points:
        [measured] = point["rounds"]
        assert measured["delivered"] == measured["acknowledged"] * point["size"] > 0
        assert point["cpu_us"] == pytest.approx(point["server_us"] + point["postgres_us"], rel=1e-4)
        assert point["server_us"] > 0
        assert point["postgres_us"] > 0
