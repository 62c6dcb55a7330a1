"""The checker: was anything lost, doubled or reordered? Pure bookkeeping, no network, no clock of its own.

Every user has an `Account`. It begins with a snapshot, is told everything that the user's stream or poll gave and every
message that was acknowledged, and ends with another snapshot. It needs nobody else's account, so users may be spread
over any number of locust workers: a message lost is a gap in its conversation's `seq`, or a `seq` that the last
snapshot has and the stream never gave, or a promise (a 201) that the stream went past.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from loadtests.frames import Frame, Place, place_of

REMEMBERED_MAX = 2_000  # places and messages an account can name again; older ones that come again count as doubled


class Fault(NamedTuple):
    """`kind` is lost, doubled, reordered, or strange: what nothing explains, as somebody else's conversation."""

    kind: str
    what: str


Tell = Callable[[Fault, int], None]
"""Called with a fault and how often it counts: -1 takes a message back that was thought lost and came late."""


class Promise(NamedTuple):
    """What a send was answered with."""

    conversation_id: str
    seq: int
    place: Place


@dataclass
class Talk:
    """A conversation as one user has it by now: the highest `seq`, where that came, and who has read up to where."""

    seq: int
    position: int
    missing: set[int] = field(default_factory=set)
    read: dict[str, int] = field(default_factory=dict)


class Account:
    """What one user was promised and given. `begin` first; it may come again after a `reset`."""

    def __init__(self, user_id: str, tell: Tell) -> None:
        self.user_id = user_id
        self.tell = tell
        self.talks: dict[str, Talk] = {}
        self.promises: dict[str, Promise] = {}
        self.heard_at: OrderedDict[str, Promise] = OrderedDict()
        self.positions: OrderedDict[int, None] = OrderedDict()
        self.after = self.upto = Place("", 0)

    # --- what happens ----------------------------------------------------------------------------------------------

    def begin(self, cursor: str, conversations: Iterable[Any]) -> None:
        """All of the user's conversations and the cursor of the same snapshot: what counts is what comes after."""
        self.after = self.upto = place_of(cursor)
        self.positions.clear()
        self.talks = {view["id"]: _talk(view, self.after.position) for view in conversations}
        self.promises = {
            client_id: promise
            for client_id, promise in self.promises.items()
            if promise.place.epoch == self.after.epoch and promise.place.position > self.after.position
        }

    def promised(self, answer: Any) -> None:
        """A send was answered with 200 or 201: `{message, cursor}`."""
        message, place = answer["message"], place_of(answer["cursor"])
        promise = Promise(message["conversation_id"], message["seq"], place)
        client_id = message["client_id"]
        known = self.heard_at.get(client_id) or self.promises.get(client_id)
        if known is not None:
            if known != promise:
                self._fault("strange", f"{client_id} is promised as {promise} and was {known}")
        elif place.epoch != self.after.epoch or place.position > self.after.position:
            self.promises[client_id] = promise
            self._judge_promises()

    def heard(self, frame: Frame) -> None:
        """A durable event came."""
        assert frame.cursor is not None
        place = place_of(frame.cursor)
        if place.epoch != self.after.epoch:
            self._fault("strange", f"{frame.cursor} without a reset before, after {self.after}")
            return
        kind = self._kind_by_position(place.position)
        if kind != "doubled" and frame.type == "message.sent":
            kind = self._take_message(place, frame.data["message"]) or kind
        elif frame.type == "conversation.opened":
            view = frame.data["conversation"]
            self.talks.setdefault(view["id"], _talk(view, place.position))
        elif frame.type == "receipt.moved" and not kind:
            kind = self._take_receipt(frame.data)
        if kind:
            self._fault(kind, f"{frame.type} {frame.cursor}: {_short(frame.data)}")
        self._remember(place.position)

    def reached(self, cursor: str) -> None:
        """The server says that the user has everything up to here."""
        place = place_of(cursor)
        if place.epoch == self.upto.epoch and place.position > self.upto.position:
            self.upto = place
            self._judge_promises()

    # --- the end ---------------------------------------------------------------------------------------------------

    def has_all_of(self, conversations: Iterable[Any]) -> bool:
        """Whether everything in this snapshot came, and everything promised."""
        return not self.promises and all(
            (talk := self.talks.get(view["id"])) is not None and talk.seq >= view["last_seq"] and self._has_read(view)
            for view in conversations
        )

    def finish(self, cursor: str, conversations: Iterable[Any]) -> None:
        """Compare with a snapshot that the user is complete up to, or past: what it has and nobody told is lost."""
        place = place_of(cursor)
        for view in conversations:
            talk = self.talks.setdefault(view["id"], Talk(0, 0))
            for seq in range(talk.seq + 1, view["last_seq"] + 1):
                talk.missing.add(seq)
                self._fault("lost", f"{view['id']} seq {seq}, which the last snapshot has")
            if talk.seq > view["last_seq"] and talk.position <= place.position:
                self._fault("strange", f"{view['id']} seq {talk.seq} at {talk.position}, which no snapshot has")
            if not self._has_read(view):
                self._fault("lost", f"{view['id']} a receipt: {talk.read} is behind {_read(view)}")
        for client_id, promise in self.promises.items():
            self._fault("lost", f"{client_id}, promised as {promise}")
        self.promises.clear()

    # --- judging ---------------------------------------------------------------------------------------------------

    def _kind_by_position(self, position: int) -> str:
        if position > self.upto.position:
            return ""
        if position in self.positions or position <= self.after.position or len(self.positions) >= REMEMBERED_MAX:
            return "doubled"
        return "reordered"

    def _take_message(self, place: Place, message: Any) -> str:
        talk = self.talks.get(message["conversation_id"])
        if talk is None:
            return "strange"
        seq, promise = message["seq"], Promise(message["conversation_id"], message["seq"], place)
        kind = self._kind_by_seq(talk, seq) or self._kind_by_client_id(message["client_id"], promise)
        if seq > talk.seq:
            talk.seq, talk.position = seq, place.position
        talk.read[message["sender_id"]] = max(seq, talk.read.get(message["sender_id"], 0))
        return kind

    def _kind_by_seq(self, talk: Talk, seq: int) -> str:
        if seq in talk.missing:
            talk.missing.discard(seq)
            self.tell(Fault("lost", f"{self.user_id}: seq {seq} came late"), -1)
            return "reordered"
        self._gap(talk, seq, f"seq {seq} came")
        return "doubled" if seq <= talk.seq else ""

    def _gap(self, talk: Talk, upto: int, why: str) -> None:
        for seq in range(talk.seq + 1, upto):
            talk.missing.add(seq)
            self._fault("lost", f"seq {seq} after {talk.seq} at {talk.position}: {why}")

    def _kind_by_client_id(self, client_id: str, promise: Promise) -> str:
        if client_id in self.heard_at:
            return "doubled"
        self.heard_at[client_id] = promise
        if len(self.heard_at) > REMEMBERED_MAX:
            self.heard_at.popitem(last=False)
        promised = self.promises.pop(client_id, promise)
        return "" if promised == promise else "strange"

    def _take_receipt(self, receipt: Any) -> str:
        talk = self.talks.get(receipt["conversation_id"])
        if talk is None:
            return "strange"
        user_id, read_seq = receipt["user_id"], receipt["read_seq"]
        if read_seq < talk.read.get(user_id, 0):
            return "reordered"
        talk.read[user_id] = read_seq
        return ""

    def _judge_promises(self) -> None:
        passed = [
            client_id
            for client_id, promise in self.promises.items()
            if promise.place.epoch == self.upto.epoch and promise.place.position <= self.upto.position
        ]
        for client_id in passed:
            promise = self.promises.pop(client_id)
            talk = self.talks.get(promise.conversation_id)
            if talk is not None and promise.seq > talk.seq:
                self._gap(talk, promise.seq + 1, f"promised, and {self.upto} is reached")
                talk.seq = promise.seq
            elif talk is None or promise.seq not in talk.missing:  # a gap is told already
                self._fault("strange", f"{client_id}, promised as {promise}, has nothing in its place")

    def _has_read(self, view: Any) -> bool:
        """Whoever sends has read as far: with a message that is lost, that is lost already."""
        talk = self.talks.get(view["id"])
        return talk is not None and all(
            talk.read.get(user, 0) >= seq or seq in talk.missing for user, seq in _read(view).items()
        )

    def _remember(self, position: int) -> None:
        self.positions[position] = None
        if len(self.positions) > REMEMBERED_MAX:
            self.positions.popitem(last=False)
        if position > self.upto.position:
            self.upto = Place(self.upto.epoch, position)
            self._judge_promises()

    def _fault(self, kind: str, what: str) -> None:
        self.tell(Fault(kind, f"{self.user_id}: {what}"), 1)


def _talk(view: Any, position: int) -> Talk:
    return Talk(view["last_seq"], position, read=_read(view))


def _read(view: Any) -> dict[str, int]:
    return {person["user"]["id"]: person["read_seq"] for person in view["participants"]}


def _short(data: Any) -> str:
    return str(data)[:200]
