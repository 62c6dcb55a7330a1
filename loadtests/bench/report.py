"""The table, for a reader who knows nothing of the program, and the raw numbers as JSON."""

from __future__ import annotations

import json
import os
import platform
import re
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("parley", "litestar", "uvicorn", "uvloop", "httptools", "msgspec", "asyncpg", "piccolo", "PyJWT")
NUMBERS = re.compile(r"\[\s+([-+\d.e,\s]+?)\s+\]")


@dataclass(frozen=True)
class Row:
    """One line of the table. Without a target it is for information."""

    measured: str
    target: str
    reached: str
    is_reached: bool | None = None


def at_most(measured: str, value: float, limit: float, unit: str = "") -> Row:
    return Row(measured, f"≤ {_number(limit)}{unit}", f"{_number(value)}{unit}", value <= limit)


def at_least(measured: str, value: float, limit: float, unit: str = "") -> Row:
    return Row(measured, f"≥ {_number(limit)}{unit}", f"{_number(value)}{unit}", value >= limit)


def told(measured: str, value: float, unit: str = "") -> Row:
    return Row(measured, "", f"{_number(value)}{unit}")


def failed(measured: str, error: BaseException) -> Row:
    first_line = (str(error).splitlines() or [""])[0]
    return Row(measured, "runs", f"{type(error).__name__}: {first_line}"[:100], is_reached=False)


def _number(value: float) -> str:
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


@dataclass
class Report:
    """Rows of the table by scenario, and the raw numbers behind them."""

    postgres_version: str
    is_quick: bool
    started_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    rows: dict[str, list[Row]] = field(default_factory=dict)
    raw: dict[str, Any] = field(default_factory=dict)

    def is_all_reached(self) -> bool:
        return all(row.is_reached is not False for rows in self.rows.values() for row in rows)

    def machine(self) -> str:
        return (
            f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
            f"Python {platform.python_version()}, PostgreSQL {self.postgres_version}, {self.started_at}"
        )

    def table(self) -> str:
        """The table as text; lines without a verdict explain the ones that have one."""
        everything = [row for rows in self.rows.values() for row in rows]
        widths = [
            max(len(cell) for cell in cells)
            for cells in zip(
                ("measured", "target", "reached"), *((r.measured, r.target, r.reached) for r in everything), strict=True
            )
        ]
        lines = [f"Parley benchmark{' (quick: a rough guess)' if self.is_quick else ''}: {self.machine()}", ""]
        lines += [
            _line(("measured", "target", "reached", ""), widths),
            _line(["-" * width for width in widths], widths),
        ]
        for scenario, rows in self.rows.items():
            lines.append(f"[{scenario}]")
            lines += [_line((row.measured, row.target, row.reached, _verdict(row)), widths) for row in rows]
        missed = sum(row.is_reached is False for row in everything)
        lines += ["", "all targets reached" if missed == 0 else f"{missed} MISSED"]
        return "\n".join(lines)

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {
            "machine": self.machine(),
            "started_at": self.started_at,
            "cores": os.cpu_count(),
            "versions": versions() | {"PostgreSQL": self.postgres_version},
            "is_quick": self.is_quick,
            "rows": {name: [asdict(row) for row in rows] for name, rows in self.rows.items()},
            "raw": self.raw,
        }
        path.write_text(NUMBERS.sub(_on_one_line, json.dumps(_short(content), indent=2, ensure_ascii=False)) + "\n")


def versions() -> dict[str, str]:
    """Of Python and of the packages that are measured."""
    return {"Python": platform.python_version()} | {name: version(name) for name in PACKAGES}


def _short(value: Any) -> Any:
    """Numbers with six digits: more is noise."""
    if isinstance(value, dict):
        return {name: _short(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_short(inner) for inner in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _on_one_line(numbers: re.Match[str]) -> str:
    return "[" + ", ".join(numbers[1].replace(",", " ").split()) + "]"


def _line(cells: tuple[str, ...] | list[str], widths: list[int]) -> str:
    padded = [cell.ljust(width) if number == 0 else cell.rjust(width) for number, (cell, width) in _zip(cells, widths)]
    return "  ".join([*padded, *cells[len(widths) :]]).rstrip()


def _zip(cells: tuple[str, ...] | list[str], widths: list[int]) -> enumerate[tuple[str, int]]:
    return enumerate(zip(cells, widths, strict=False))


def _verdict(row: Row) -> str:
    if row.is_reached is None:
        return ""
    return "ok" if row.is_reached else "MISSED"
