"""`python -m loadtests.bench.page`: write tables and charts of docs/performance.md from docs/performance/*.json.

What stands between `<!-- data: NAME -->` and `<!-- end -->` is this program's. The rest is written by hand and says
nothing that another measurement would make untrue. A test compares the page with the data.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from loadtests.bench import tables
from loadtests.bench.machine import BUSY_PERCENT
from loadtests.bench.pictures import pictures
from loadtests.bench.report import Row
from loadtests.bench.saved import Missing, Saved, read
from loadtests.bench.tables import Block, Column

DOCS = Path(__file__).resolve().parents[2] / "docs"
BLOCK = re.compile(r"(<!-- data: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)

# Why a target is missed, as far as it was looked into; by how its row begins.
REASONS = {
    "acknowledged sends per second, of the no-op handler's": (
        "Each of ours is on the disk before it is answered and goes out on two streams, and Postgres and the load "
        "generator share the cores with the server. The no-op handler has nothing to wait for."
    ),
    "CPU per message (server and Postgres), of the obvious design's": (
        "Most of what a lone message costs is being a commit of its own, whatever the design."
    ),
    "CPU of the server per new stream": "It is the connection itself, and the first look at a new token.",
    "heartbeats of": (
        "What a server does without any streams is in it too: it looks at the log's head and whether it still hears."
    ),
    "capacity of two workers": (
        "What one worker takes the other one hears: it is woken and reads the row. A message of two people is so cheap "
        "that hearing it weighs; the more people a message reaches, the less it does."
    ),
    "from sending to seen": "A time, and so the first thing to suffer when others use the machine too.",
}
UNKNOWN = "Not looked into yet."


def main() -> None:
    try:
        files = made_of(read(DOCS / "performance"), (DOCS / "performance.md").read_text())
    except Missing as error:
        sys.exit(str(error))
    for name, text in files.items():
        (DOCS / name).write_text(text)


def made_of(saved: Saved, page: str) -> dict[str, str]:
    """The page and its charts, by their place in docs/. Raises `Missing`."""
    filled = BLOCK.sub(lambda block: block[1] + BLOCKS[block[2]](saved) + block[3], page)
    return {"performance.md": filled} | {f"performance/{name}": svg for name, svg in pictures(saved).items()}


def machine(saved: Saved) -> str:
    """Which runs, on what, and how much of the machine others had meanwhile."""
    text = []
    for run, names in saved.used():
        packages = ", ".join(f"{name} {run.versions[name]}" for name in run.versions if name not in run.machine)
        quick = ", **quick: a rough guess**" if run.is_quick else ""
        minutes = sum(saved.conditions[name]["seconds"] for name in names) / 60
        text.append(f"- {run.machine}{quick} ({packages}); {minutes:.0f} min for {', '.join(names)}")
    found = saved.conditions.values()
    others, stolen, sync_ms = (
        max(one[name] for one in found) for name in ("others_percent", "stolen_percent", "sync_ms")
    )
    text += [
        "",
        f"In the worst scenario other programs took {others:.0f} % of all cores and other machines on the same host "
        f"{stolen:.0f} %; a page written and synced to disk took {sync_ms:.1f} ms.",
    ]
    busy = [one for one in found if one["others_percent"] + one["stolen_percent"] > BUSY_PERCENT]
    if busy:
        share = f"{len(busy)} of {len(found)} scenarios"
        text.append(f"**The machine was busy with other things during {share}**: read ratios, and not times or speeds.")
    return "\n".join(text) + "\n"


def missed(saved: Saved) -> str:
    """Every target that was missed, and why."""
    rows = [row for name in saved.names() for row in saved.rows[name] if row.is_reached is False]
    return (
        "".join(f"- {row.measured}: {row.reached}, wanted {row.target}. {_reason(row)}\n" for row in rows)
        or "Nothing.\n"
    )


def _reason(row: Row) -> str:
    return next((reason for begin, reason in REASONS.items() if row.measured.startswith(begin)), UNKNOWN)


BLOCKS: dict[str, Block] = {
    "machine": machine,
    "targets": tables.targets,
    "everything": tables.everything,
    "beside": tables.beside,
    "streams": tables.growing(
        "streams",
        "open streams",
        Column("heartbeats, % of a core", "quiet_percent"),
        Column("KB for each stream more", "stream_bytes", 1024),
    ),
    "conversations": tables.growing("conversations", "conversations"),
    "length": tables.growing("length", "messages in it", Column("CPU of a page of 50, µs", "page_cpu_us")),
    "participants": tables.growing("participants", "participants", Column("for each person more, µs", "person_us")),
    "workers": tables.workers,
    "missed": missed,
}


if __name__ == "__main__":
    main()
