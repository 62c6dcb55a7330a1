"""The people: buyers, sellers and slow readers. They hold a stream or poll, write, type, read, look, lose the line."""

from __future__ import annotations

import random
import time
import uuid
from typing import Any

import gevent
from locust import task

from loadtests import options
from loadtests.calls import Caller
from loadtests.checker import Account, Fault
from loadtests.follower import CUT, Follower, Refused
from loadtests.frames import Frame, place_of
from loadtests.tally import TOLD_MAX
from loadtests.wire import Away
from loadtests.worker import WORKER

LATE_MS = 5_000  # seen so long after it was sent, though the reader was connected
SETTLE_SECONDS = 3.0  # at the end, what is under way may still come by itself
FINISH_SECONDS = 20.0  # then catching up is given up
TYPING_SECONDS = (0.2, 1.0)
LONG_SHARE = 0.02
WORDS = ("is", "it", "still", "available", "could", "you", "send", "another", "picture", "of", "the", "back", "today")


class Checked(Exception):
    """A fault that the checker found, among locust's failures."""


class Person(Caller):
    """`on_start` opens, loads and follows; `on_stop` compares what came with what is there."""

    abstract = True
    is_slow = False
    long_share = LONG_SHARE
    account: Account | None = None
    follower: Follower | None = None

    def wait_time(self) -> float:
        return random.uniform(0.4, 1.6) * float(WORKER.given.pause)

    # --- coming and going ------------------------------------------------------------------------------------------

    def on_start(self) -> None:
        self.unread: dict[str, int] = {}
        self.unanswered: list[str] = []
        self.town = WORKER.town
        self.settle_in()
        self.account = Account(self.user_id, self.tell)
        cursor = self.renew()
        names, weights = options.transports(WORKER.given.transports)
        [transport] = random.choices(names, weights)
        self.follower = Follower(WORKER.site, self, cursor, transport=transport, is_slow=self.is_slow)
        self.follower.start()
        WORKER.people.add(self)
        WORKER.tally.counts["users"] += 1

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
            told = sum(WORKER.tally.counts[kind] for kind in ("lost", "doubled", "reordered", "strange"))
            what = Checked(fault.what if told <= TOLD_MAX else f"more that are {fault.kind}")
            self.environment.events.request.fire(**_sample("CHECK", fault.kind, exception=what))

    # --- what people do --------------------------------------------------------------------------------------------

    @task(6)
    def write(self) -> None:
        """Type for a moment, then send: an answer if one is owed."""
        conversation_id = self._next_conversation()
        if conversation_id is None:
            return
        typing = {"is_typing": True}
        self.call("PUT", f"/conversations/{conversation_id}/typing", typing, name="PUT typing")
        gevent.sleep(random.uniform(*TYPING_SECONDS))
        self.send(conversation_id, self._words())

    @task(6)
    def read(self) -> None:
        """Open a conversation: its messages are read."""
        if self.unread:
            conversation_id, seq = self.unread.popitem()
            receipt = {"read_seq": seq}
            self.call("PUT", f"/conversations/{conversation_id}/receipt", receipt, name="PUT receipt")

    @task(1)
    def look(self) -> None:
        """Scroll through a conversation."""
        if talks := self._talks():
            path = f"/conversations/{random.choice(talks)}/messages?limit=50"
            self.call("GET", path, name="GET messages")

    @task(1)
    def lose_the_line(self) -> None:
        """Out of the tunnel again, it goes on where it was."""
        if self.follower is not None and random.random() < float(WORKER.given.cuts):
            self.follower.cut()

    def send(self, conversation_id: str, body: str) -> None:
        """Until it is stored, with one `client_id`, as an outbox does; then it is a promise."""
        assert self.account is not None
        draft = {"client_id": str(uuid.uuid4()), "body": body}
        self.town.sends(draft["client_id"], self.user_id, time.perf_counter())
        WORKER.tally.counts["messages attempted"] += 1
        try:
            answer = self.insist("POST", f"/conversations/{conversation_id}/messages", draft, name="POST message")
        except Away:
            WORKER.tally.counts["messages given up"] += 1
            return
        WORKER.tally.counts["messages acknowledged"] += 1
        self.account.promised(answer)

    def _next_conversation(self) -> str | None:
        if self.unanswered:
            return self.unanswered.pop(0)
        talks = self._talks()
        return random.choice(talks) if talks else None

    def _talks(self) -> list[str]:
        assert self.account is not None
        return list(self.account.talks)

    def _words(self) -> str:
        count = 600 if random.random() < self.long_share else random.randint(3, 30)
        return " ".join(random.choices(WORDS, k=count))[:4_000]


class Buyer(Person):
    """Asks the sellers of its neighbourhood about a listing of theirs."""

    weight = 8

    def settle_in(self) -> None:
        self.number = self.town.buyers.take()
        self.user_id = self.town.buyer_id(self.number)
        for seller in self.town.sellers_of(self.number):
            self._have_listed(seller)
            context = {"kind": "listing", "id": self.town.listing_id(seller)}
            self.insist("POST", "/conversations", {"context": context}, name="POST conversation")

    def move_out(self) -> None:
        self.town.buyers.give_back(self.number)

    def _have_listed(self, seller: int) -> None:
        """The shop's back end tells of the listing, and so of its seller."""
        if seller in self.town.listed:
            return
        assert WORKER.tokens is not None
        listing = {"title": f"A table, number {seller}", "seller_id": self.town.seller_id(seller)}
        token = WORKER.tokens.of(self.town.shop_id, "service")
        path = f"/contexts/listing/{self.town.listing_id(seller)}"
        self.insist("PUT", path, listing, name="PUT context", token=token)
        self.town.listed.add(seller)


class SlowReader(Buyer):
    """A buyer on a bad line: reads a frame now and then, out of a small buffer, and writes long messages."""

    weight = 1
    is_slow = True
    long_share = 0.5


class Seller(Person):
    """Answers whoever asked first."""

    weight = 2

    def settle_in(self) -> None:
        self.number = self.town.sellers.take()
        self.user_id = self.town.seller_id(self.number)

    def move_out(self) -> None:
        self.town.sellers.give_back(self.number)

    @task(4)
    def answer(self) -> None:
        if self.unanswered:
            self.write()


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
