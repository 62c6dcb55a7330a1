"""Figures of one worker, the sum over all workers, and the verdict. Pure: `report` carries them over locust's wires."""

from __future__ import annotations

from collections import Counter
from typing import Any

from loadtests.checker import Fault

FAULTS = ("lost", "doubled", "reordered", "strange")
TOLD_MAX = 50  # faults told as sentences; all are counted

PASSED, FAULTY, UNPROVEN = 0, 1, 3  # exit codes; 2 is a wrong command line

Json = dict[str, Any]


class Tally:
    """Counts by name, and the first faults as sentences."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.faults: list[str] = []

    def fault(self, fault: Fault, times: int = 1) -> None:
        self.counts[fault.kind] += times
        if times > 0 and len(self.faults) < TOLD_MAX:
            self.faults.append(f"{fault.kind}: {fault.what}")

    def as_json(self) -> Json:
        return {"counts": dict(self.counts), "faults": self.faults}


class Totals:
    """What each worker counted so far. A newer report replaces the older one, so none counts twice."""

    def __init__(self) -> None:
        self.by_worker: dict[str, Json] = {}
        self.finished: set[str] = set()

    def clear(self) -> None:
        self.by_worker.clear()
        self.finished.clear()

    def take(self, worker: str, figures: Json, *, is_last: bool = False) -> None:
        if is_last:
            self.finished.add(worker)
        elif worker in self.finished:
            return
        self.by_worker[worker] = figures

    def unfinished(self) -> set[str]:
        """Workers that have said something, but not their last word."""
        return set(self.by_worker) - self.finished

    def sum(self) -> Tally:
        total = Tally()
        for figures in self.by_worker.values():
            total.counts.update(figures["counts"])
            total.faults += figures["faults"]
        return total


def judge(total: Tally) -> tuple[int, str]:
    """Exit code and a sentence for it."""
    found = [f"{total.counts[kind]} {kind}" for kind in FAULTS if total.counts[kind]]
    if found:
        return FAULTY, "FAILED: " + ", ".join(found)
    unchecked = total.counts["users"] - total.counts["checked users"]
    if unchecked:
        return UNPROVEN, f"NOT PROVEN: {unchecked} users are not checked to the end"
    if not total.counts["messages seen"]:
        return UNPROVEN, "NOT PROVEN: nobody saw a message"
    return PASSED, "PASSED: nothing lost, doubled or reordered"
