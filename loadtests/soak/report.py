"""The figures at the end, for people and as JSON."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass
from typing import Any

from loadtests.soak.books import Verdict
from loadtests.soak.faults import Happening

RECOVERY_SECONDS = 2.0
FLAT_PERCENT = 5.0
PROMISED = {
    "kill_worker": "a worker killed",
    "restart_postgres": "Postgres restarted",
    "postgres_away": "Postgres away for seconds",
}


@dataclass
class Report:
    seconds: float
    messages: int
    verdict: Verdict
    happenings: list[Happening]
    memory: dict[str, tuple[float, float]]
    failure: str | None = None

    @property
    def is_good(self) -> bool:
        """Nothing lost, doubled, reordered or strange, and every fault was overcome. Figures alone fail nobody."""
        return self.verdict.is_faultless and self.failure is None

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "is_good": self.is_good}

    def text(self) -> str:
        lines = [f"{'minutes':24}{self.seconds / 60:.1f}", *self._of_verdict(), *self._of_faults()]
        lines += [*self._of_recovery(), *self._of_memory()]
        lines += [f"  {sentence}" for sentence in self.verdict.told]
        if self.failure is not None:
            lines.append(f"ended early: {self.failure}")
        lines.append("good" if self.is_good else "NOT GOOD")
        return "\n".join(lines)

    def _of_verdict(self) -> list[str]:
        verdict = self.verdict
        return [
            f"{'messages':24}{self.messages:,} ({self.messages / max(1, self.seconds):,.0f} per second), "
            f"{verdict.repeated:,} requests repeated",
            f"{'deliveries':24}{verdict.deliveries:,}",
            f"{'lost':24}{verdict.lost}",
            f"{'doubled':24}{verdict.doubled}",
            f"{'reordered':24}{verdict.reordered}",
            f"{'strange':24}{verdict.strange}",
        ]

    def _of_faults(self) -> list[str]:
        counts = Counter(happening.name for happening in self.happenings)
        kinds = ", ".join(f"{count} × {name}" for name, count in sorted(counts.items()))
        return [f"{'faults':24}{len(self.happenings)}: {kinds}"]

    def _of_recovery(self) -> list[str]:
        found: defaultdict[str, list[Happening]] = defaultdict(list)
        for happening in self.happenings:
            if happening.name in PROMISED and happening.recovery.live is not None:
                found[happening.name].append(happening)
        lines = []
        for name, cases in found.items():
            sent = [case.recovery.sent or 0.0 for case in cases]
            live = [case.recovery.live or 0.0 for case in cases]
            mark = "" if max(*sent, *live) <= RECOVERY_SECONDS else f"   MISSED: {RECOVERY_SECONDS:g} s are promised"
            lines.append(
                f"{PROMISED[name]:26}first send after {sum(sent) / len(sent):.2f} s (worst {max(sent):.2f}), "
                f"streams live after {sum(live) / len(live):.2f} s (worst {max(live):.2f}){mark}"
            )
        return lines

    def _of_memory(self) -> list[str]:
        lines = []
        for kind, (start, end) in self.memory.items():
            change = (end - start) / start * 100
            mark = "" if change <= FLAT_PERCENT else f"   GROWN by more than {FLAT_PERCENT:g} %"
            lines.append(
                f"{'memory of ' + kind:32}{start:.1f} MB at the start, {end:.1f} at the end, {change:+.1f} %{mark}"
            )
        return lines
