"""The town: who lives on this worker. Buyers and sellers get numbers, and the numbers say who talks to whom.

Each worker has a town of its own, marked by a random word, so that workers need not agree on anything and both ends of
every conversation live in one process: its clock alone measures from sent to seen.
"""

from __future__ import annotations

import heapq
import uuid
from collections import OrderedDict
from typing import NamedTuple

BUYERS_PER_SELLER = 4
SENT_MAX = 50_000  # messages whose start is remembered; who reads them later is not measured


class Numbers:
    """Gives the lowest free number, so that people who come back are the same people."""

    def __init__(self) -> None:
        self.free: list[int] = []
        self.next = 0

    def take(self) -> int:
        if self.free:
            return heapq.heappop(self.free)
        self.next += 1
        return self.next - 1

    def give_back(self, number: int) -> None:
        heapq.heappush(self.free, number)


class Sent(NamedTuple):
    """A message on its way: whose, and when its first attempt began (`time.perf_counter`)."""

    sender_id: str
    at: float


class Town:
    def __init__(self) -> None:
        self.mark = uuid.uuid4().hex[:8]
        self.buyers = Numbers()
        self.sellers = Numbers()
        self.listed: set[int] = set()
        self.sent: OrderedDict[str, Sent] = OrderedDict()

    @property
    def shop_id(self) -> str:
        return f"load-{self.mark}-shop"

    def buyer_id(self, number: int) -> str:
        return f"load-{self.mark}-buyer-{number}"

    def seller_id(self, number: int) -> str:
        return f"load-{self.mark}-seller-{number}"

    def listing_id(self, seller: int) -> str:
        return f"load-{self.mark}-{seller}"

    @staticmethod
    def sellers_of(buyer: int) -> list[int]:
        """Whom a buyer talks to: the neighbourhood's seller and the one before. No seller has more than 8 buyers."""
        own = buyer // BUYERS_PER_SELLER
        return [own, own - 1] if own else [own]

    def sends(self, client_id: str, sender_id: str, at: float) -> None:
        self.sent[client_id] = Sent(sender_id, at)
        if len(self.sent) > SENT_MAX:
            self.sent.popitem(last=False)

    def sees(self, client_id: str, user_id: str) -> Sent | None:
        """The message, the first time that somebody else than its sender sees it."""
        sent = self.sent.get(client_id)
        if sent is None or sent.sender_id == user_id:
            return None
        return self.sent.pop(client_id)
