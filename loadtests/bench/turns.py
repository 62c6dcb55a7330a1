"""Programs that are measured in turns, beside each other, idle but for their turn.

The machine's mood lasts minutes and is a factor of two; so turns are short, and a share is that of a turn. What the
others, idle as they are, do with Postgres meanwhile is charged to whose turn it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

from loadtests.bench.load import Stage

Rounds = list[dict[str, Any]]
"""What was measured, in the order of the turns, as it is saved."""


def in_turns(stages: Sequence[Stage], turns: int) -> Iterator[Stage]:
    """Each stage once a turn, every second turn the other way round."""
    for turn in range(turns):
        yield from stages if turn % 2 else reversed(stages)


def middle(rounds: Rounds, program: str, name: str) -> float:
    """The median of a figure over a program's rounds."""
    return median(_figures(rounds, program, name))


def share(rounds: Rounds, name: str, program: str, of: str) -> float:
    """A program's figure by that of another in the same turn; the median of the turns."""
    both = zip(_figures(rounds, program, name), _figures(rounds, of, name), strict=True)
    return median(mine / other for mine, other in both)


def _figures(rounds: Rounds, program: str, name: str) -> list[float]:
    return [float(one[name]) for one in rounds if one["program"] == program]
