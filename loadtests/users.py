"""The people: buyers, sellers and slow readers. They write, type, read, look around and lose the line."""

from __future__ import annotations

import random
import time
import uuid

import gevent
from locust import task

from loadtests.member import Member
from loadtests.wire import Away
from loadtests.worker import WORKER

TYPING_SECONDS = (0.2, 1.0)
LONG_SHARE = 0.02
WORDS = ("is", "it", "still", "available", "could", "you", "send", "another", "picture", "of", "the", "back", "today")


class Person(Member):
    """What everybody does, by weight."""

    abstract = True
    long_share = LONG_SHARE

    def wait_time(self) -> float:
        return random.uniform(0.4, 1.6) * float(WORKER.given.pause)

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
