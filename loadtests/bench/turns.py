"""Programs that are measured in turns, beside each other, idle but for their turn.

The machine's mood lasts minutes and is a factor of two; so turns are short, and a share is that of a turn. What the
others do with Postgres meanwhile is charged to whose turn it is: they are idle, which is a hundredth of a core.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

from loadtests.bench.load import Stage


def in_turns(stages: Sequence[Stage], turns: int) -> Iterator[Stage]:
    """Each stage once a turn, every second turn the other way round."""
    for turn in range(turns):
        yield from stages if turn % 2 else reversed(stages)


def middle(found: Sequence[Any], program: str, name: str) -> float:
    """The median of a figure over a program's rounds."""
    return median(_figures(found, program, name))


def share(found: Sequence[Any], name: str, program: str, of: str) -> float:
    """A program's figure by that of another in the same turn; the median of the turns."""
    both = zip(_figures(found, program, name), _figures(found, of, name), strict=True)
    return median(mine / other for mine, other in both)


def _figures(found: Sequence[Any], program: str, name: str) -> list[float]:
    return [float(getattr(one, name)) for one in found if one.program == program]
