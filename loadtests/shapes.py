"""Shapes: how many users there are when, and when a storm breaks loose. Pure; `locustfile` hands it to locust."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

RAMP_STEPS = 10
FLASH_SECONDS = 2.0  # in which a flash crowd is there
CALM = 0.2  # of all users are there before and after a flash crowd


class Stage(NamedTuple):
    """From `start` (a share of the whole time) on, this share of the users; `rush`: all of them within 2 s."""

    start: float
    share: float
    rush: bool = False


class Shape(NamedTuple):
    """`storms`: shares of the whole time at which the server is started anew, or every connection is cut."""

    what: str
    stages: tuple[Stage, ...]
    storms: tuple[float, ...] = ()
    slow_weight: int = 1


SHAPES = {
    "mix": Shape(
        "half of the users, then a flash crowd of all, then a storm of reconnects",
        (Stage(0, 0.5), Stage(0.35, 1, rush=True), Stage(0.55, 0.6)),
        storms=(0.75,),
    ),
    "steady": Shape("all users from the beginning", (Stage(0, 1),)),
    "ramp": Shape(
        "more users in ten equal steps", tuple(Stage(step / RAMP_STEPS, (step + 1) / RAMP_STEPS) for step in range(10))
    ),
    "flash": Shape(
        "a fifth of the users; in the middle third of the time all of them, there within two seconds",
        (Stage(0, CALM), Stage(0.35, 1, rush=True), Stage(0.65, CALM)),
    ),
    "storm": Shape("all users, who reconnect at once three times", (Stage(0, 1),), storms=(0.35, 0.6, 0.85)),
    "slow": Shape("as steady, but most buyers are slow readers of long messages", (Stage(0, 1),), slow_weight=20),
}


class Target(NamedTuple):
    """So many users now, started or stopped at so many per second."""

    users: int
    rate: float


def target(shape: Shape, seconds: float, at: float, *, users: int, rate: float) -> Target:
    """What should be `at` so many seconds of `seconds`."""
    stage = [stage for stage in shape.stages if stage.start * seconds <= at][-1]
    wanted = max(1, round(users * stage.share))
    return Target(wanted, max(rate, wanted / FLASH_SECONDS) if stage.rush else rate)


def storms_between(shape: Shape, seconds: float, after: float, upto: float) -> int:
    """How many storms begin in `after < t <= upto`."""
    return sum(after < storm * seconds <= upto for storm in shape.storms)


def are_in_order(shape: Shape) -> bool:
    """Whether the stages begin at 0 and follow each other."""
    return shape.stages[0].start == 0 and all(one.start < other.start for one, other in pairwise(shape.stages))
