"""What locust loads: `locust -f loadtests/locustfile.py --host https://shop.example`. See README.md beside this."""

from __future__ import annotations

import shlex
import subprocess
import sys
from typing import Any

import gevent
from locust import LoadTestShape, events, runners
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from loadtests import options, report
from loadtests.knock import complaint
from loadtests.shapes import SHAPES, Shape, Target, storms_between, target
from loadtests.tokens import TokenError
from loadtests.users import Buyer, Seller, SlowReader
from loadtests.worker import WORKER

__all__ = ["Buyer", "Plan", "Seller", "SlowReader", "report"]

SECONDS = 120.0  # of a shape, when no --run-time is given; `steady` then has no end
COMMAND_SECONDS = 60.0
STORM = "parley_storm"

# So many seconds a worker may be silent until the master takes it for dead and lets others do its work. Locust's own 3
# are too few where workers share a busy machine with the server: its users would be there twice.
runners.HEARTBEAT_LIVENESS = 20


class Plan(LoadTestShape):
    """The shape chosen by `--shape`, with --users, --spawn-rate and --run-time as locust has them."""

    use_common_options = True

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.last = 0.0

    def reset_time(self) -> None:
        super().reset_time()  # type: ignore[no-untyped-call]
        self.last = 0.0

    def tick(self) -> tuple[int, float] | None:
        """Called every second. At the end users are stopped in order, so that every worker tells its last figures."""
        assert self.runner is not None
        given: Any = self.runner.environment.parsed_options
        shape, seconds = SHAPES[given.shape], float(given.run_time or SECONDS)
        at = self.get_run_time()  # type: ignore[no-untyped-call]
        if at >= seconds and (given.run_time or shape is not SHAPES["steady"]):
            self.runner.stop()
            return None
        if storms_between(shape, seconds, self.last, at):
            gevent.spawn(self._storm, given.restart_command)
        self.last = at
        return self._target(shape, seconds, at, given)

    @staticmethod
    def _target(shape: Shape, seconds: float, at: float, given: Any) -> Target:
        SlowReader.weight = shape.slow_weight
        return target(shape, seconds, at, users=given.num_users or 1, rate=given.spawn_rate or 1.0)

    def _storm(self, command: str | None) -> None:
        assert self.runner is not None
        if command:
            subprocess.run(shlex.split(command), timeout=COMMAND_SECONDS, check=True)
        else:
            self.runner.send_message(STORM)


@events.init_command_line_parser.add_listener
def on_parser(parser: Any) -> None:
    options.add(parser)


@events.init.add_listener
def on_init(environment: Environment, **_: Any) -> None:
    assert environment.runner is not None
    environment.runner.register_message(STORM, cut_all)
    given: Any = environment.parsed_options
    Buyer.insecure = Seller.insecure = SlowReader.insecure = given.insecure
    try:
        options.transports(given.transports)
        if not isinstance(environment.runner, WorkerRunner):  # workers are told by their master
            source = options.token_source(given)
            if given.headless and (said := complaint(given.host or "", source, is_insecure=given.insecure)):
                sys.exit(said)
    except (TokenError, ValueError) as error:
        sys.exit(str(error))


@events.test_start.add_listener
def on_test_start(environment: Environment, **_: Any) -> None:
    environment.host = (environment.host or "").rstrip("/")  # as people type it on the web page
    if not isinstance(environment.runner, MasterRunner):
        WORKER.begin(environment.parsed_options, environment.host)


def cut_all(**_: Any) -> None:
    """Every user of this worker loses its connection at once."""
    for person in list(WORKER.people):
        if person.follower is not None:
            person.follower.cut()
