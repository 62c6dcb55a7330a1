"""A member of the crowd: comes, follows, and is checked when it goes. What it does in between is in `users`."""

from __future__ import annotations

import random
import time
from typing import Any

import gevent

from loadtests import options
from loadtests.calls import Caller
from loadtests.checker import Account, Fault
from loadtests.follower import CUT, Follower, Refused
from loadtests.frames import Frame, place_of
from loadtests.tally import FAULTS, TOLD_MAX
from loadtests.tokens import TokenError
from loadtests.wire import Away
from loadtests.worker import WORKER

LATE_MS = 5_000  # seen so long after it was sent, though the reader was connected
SETTLE_SECONDS = 3.0  # at the end, what is under way may still come by itself
FINISH_SECONDS = 20.0  # then catching up is given up


class Checked(Exception):
    """A fault that the checker found, among locust's failures."""


class Member(Caller):
    """`on_start` opens, loads and follows; `on_stop` compares what came with what is there."""

    abstract = True
    is_slow = False
    account: Account | None = None
    follower: Follower | None = None

    # --- coming and going ------------------------------------------------------------------------------------------

    def on_start(self) -> None:
        self.unread: dict[str, int] = {}
        self.unanswered: list[str] = []
        self.town = WORKER.town
        try:
            self.settle_in()
            self.account = Account(self.user_id, self.tell)
            self._follow(self.renew())
        except (Away, TokenError):
            WORKER.tally.counts["users turned away"] += 1
            self.move_out()
            raise
        WORKER.people.add(self)
        WORKER.tally.counts["users"] += 1

    def _follow(self, cursor: str) -> None:
        names, weights = options.transports(WORKER.given.transports)
        [transport] = random.choices(names, weights)
        self.follower = Follower(WORKER.site, self, cursor, transport=transport, is_slow=self.is_slow)
        self.follower.start()

    def settle_in(self) -> None:
        """Get a number, and what belongs to it."""
        raise NotImplementedError

    def move_out(self) -> None:
        """Give the number back."""
        raise NotImplementedError

    def on_stop(self) -> None:
        WORKER.people.discard(self)
        try:
            if self.account is not None and self.follower is not None:
                self._finish(self.account, self.follower)
                WORKER.tally.counts["checked users"] += 1
        except (Away, Refused, *CUT) as error:
            WORKER.tally.counts["unchecked users"] += 1
            self.environment.events.request.fire(**_sample("CHECK", "unchecked", exception=Checked(str(error))))
        finally:
            if self.follower is not None:
                self.follower.stop()
            if self.user_id:
                self.move_out()

    def _finish(self, account: Account, follower: Follower) -> None:
        last = self._load()
        settled_at = time.monotonic() + SETTLE_SECONDS
        while not account.has_all_of(last["conversations"]) and time.monotonic() < settled_at:
            gevent.sleep(0.05)
        follower.stop()
        deadline = time.monotonic() + FINISH_SECONDS
        while not account.has_all_of(last["conversations"]) and not _is_past(account, last["cursor"]):
            self._catch_up(follower, deadline)
        account.finish(last["cursor"], last["conversations"])

    @staticmethod
    def _catch_up(follower: Follower, deadline: float) -> None:
        """One poll from where the stream was left. Raises when there is no time for another try."""
        try:
            follower.ask_once(0)
        except (Refused, *CUT):
            follower.line.close()
            if time.monotonic() > deadline:
                raise
        if time.monotonic() > deadline:
            raise Away("the end of the log was not reached")
        gevent.sleep(0.05)

    def _load(self) -> Any:
        last = self.insist("GET", "/conversations?limit=100", name="GET /conversations")
        if last["next"] is not None:
            raise Away("more conversations than one snapshot shows: the checker cannot know them all")
        return last

    # --- what the follower tells -----------------------------------------------------------------------------------

    def renew(self) -> str:
        """Load everything, and account anew from there."""
        assert self.account is not None
        snapshot = self._load()
        if self.follower is not None:
            WORKER.tally.counts["resets"] += 1
        self.account.begin(snapshot["cursor"], snapshot["conversations"])
        cursor: str = snapshot["cursor"]
        return cursor

    def refused(self, status: int) -> None:
        WORKER.tally.counts[f"streams refused with {status}"] += 1
        if status == 401 and WORKER.tokens is not None:
            WORKER.tokens.forget(self.user_id)

    def reached(self, cursor: str) -> None:
        assert self.account is not None
        self.account.reached(cursor)

    def ready(self, seconds: float, *, is_first: bool) -> None:
        name = "connect → ready" if is_first else "cut → ready again"
        WORKER.tally.counts["connects" if is_first else "reconnects"] += 1
        self.environment.events.request.fire(**_sample("STREAM", name, seconds * 1000))

    def heard(self, frame: Frame, *, is_live: bool) -> None:
        assert self.account is not None
        if not frame.is_durable:
            WORKER.tally.counts["signals seen"] += 1
            return
        WORKER.tally.counts["events seen"] += 1
        self.account.heard(frame)
        if frame.type == "message.sent" and frame.data["message"]["sender_id"] != self.user_id:
            self._see(frame.data["message"], is_live=is_live)

    def _see(self, message: Any, *, is_live: bool) -> None:
        WORKER.tally.counts["messages seen"] += 1
        self.unread[message["conversation_id"]] = message["seq"]
        if message["conversation_id"] not in self.unanswered:
            self.unanswered.append(message["conversation_id"])
        sent = self.town.sees(message["client_id"], self.user_id)
        if sent is not None:
            took_ms = (time.perf_counter() - sent.at) * 1000
            self.environment.events.request.fire(**_sample("SEEN", self._road(is_live=is_live), took_ms))
            WORKER.tally.counts["late"] += is_live and not self.is_slow and took_ms > LATE_MS

    def _road(self, *, is_live: bool) -> str:
        assert self.follower is not None
        if self.is_slow:
            return "sent → seen, slow reader"
        if not is_live:
            return "sent → seen, after a cut"
        return "sent → seen, long poll" if self.follower.transport == "poll" else "sent → seen"

    def tell(self, fault: Fault, times: int) -> None:
        """What the checker found."""
        WORKER.tally.fault(fault, times)
        if times > 0:
            told = sum(WORKER.tally.counts[kind] for kind in FAULTS)
            what = Checked(fault.what if told <= TOLD_MAX else f"more that are {fault.kind}")
            self.environment.events.request.fire(**_sample("CHECK", fault.kind, exception=what))


def _is_past(account: Account, cursor: str) -> bool:
    goal = place_of(cursor)
    return account.upto.epoch == goal.epoch and account.upto.position >= goal.position


def _sample(kind: str, name: str, took_ms: float = 0.0, exception: Exception | None = None) -> dict[str, Any]:
    """A sample as locust's `request` event wants it."""
    return {
        "request_type": kind,
        "name": name,
        "response_time": took_ms,
        "response_length": 0,
        "exception": exception,
        "context": {},
    }
