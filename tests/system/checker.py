"""The checker: what senders were promised beside what readers were given.

A sender says what it attempts and what was answered; a reader, whatever its transports and reconnects, has one account
of everything it was given. `report()` then finds what was lost, doubled, reordered, or cannot be explained. With the
rows of the log it is exact: an account must hold every event with its user in the audience, and nothing else.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import asyncpg

from tests.harness import Event


class Promise(NamedTuple):
    """A 200 or 201: where the message is said to be."""

    client_id: str
    conversation_id: str
    seq: int
    position: int


class Report(NamedTuple):
    """What is wrong, as sentences. Equal to `FAULTLESS` when nothing is."""

    lost: list[str]
    doubled: list[str]
    reordered: list[str]
    unexplained: list[str]

    @property
    def counts(self) -> tuple[int, ...]:
        return tuple(len(faults) for faults in self)


FAULTLESS = Report([], [], [], [])


class LogRow(NamedTuple):
    """A row of the table `event`."""

    position: int
    kind: str
    audience: tuple[str, ...]
    data: Any


def position_of(cursor: str) -> int:
    return int(cursor.rsplit("-", 1)[1])


class Account:
    """Everything that one reader was given, in order, over all its connections.

    `conversations` are those it is in all the time; `after` is the position it began at, `upto` the one it reached.
    """

    def __init__(self, name: str, user_id: str, conversations: Iterable[str], after: int) -> None:
        self.name = name
        self.user_id = user_id
        self.conversations = set(conversations)
        self.after = after
        self.upto = after
        self.events: list[Event] = []
        self.resets: list[Any] = []

    def heard(self, event: Event) -> None:
        """An event of the log came."""
        assert event.id is not None
        self.events.append(event)
        self.reached(event.id)

    def reached(self, cursor: str) -> None:
        """The reader is told that it is complete up to here."""
        self.upto = max(self.upto, position_of(cursor))

    @property
    def messages(self) -> Iterator[tuple[int, dict[str, Any]]]:
        for event in self.events:
            if event.type == "message.sent" and event.id is not None:
                yield position_of(event.id), event.data["message"]


class Checker:
    def __init__(self) -> None:
        self.attempts: dict[str, tuple[str, str]] = {}
        self.promises: dict[str, Promise] = {}
        self.accounts: list[Account] = []
        self.broken_promises: list[str] = []
        self.log: dict[int, LogRow] | None = None

    # --- what happens ----------------------------------------------------------------------------------------------

    def attempt(self, client_id: str, conversation_id: str, body: str) -> None:
        """A sender is about to send this, perhaps for the second time."""
        self.attempts[client_id] = (conversation_id, body)

    def acknowledge(self, answer: dict[str, Any]) -> None:
        """A send was answered with 200 or 201: `{message, cursor}`."""
        message = answer["message"]
        promise = Promise(
            message["client_id"], message["conversation_id"], message["seq"], position_of(answer["cursor"])
        )
        known = self.promises.setdefault(promise.client_id, promise)
        if known != promise:
            self.broken_promises.append(f"{promise.client_id} was answered as {known} and as {promise}")

    def account(self, name: str, user_id: str, conversations: Iterable[str], after: int = 0) -> Account:
        account = Account(name, user_id, conversations, after)
        self.accounts.append(account)
        return account

    def compare_with(self, rows: Iterable[LogRow]) -> None:
        """Judge by the log too: what was heard must stand there, and what stands there must have been heard."""
        self.log = {row.position: row for row in rows}

    # --- what is wrong with it -------------------------------------------------------------------------------------

    def report(self) -> Report:
        report = Report([], list(self.broken_promises), [], [])
        self._judge_promises(report)
        for account in self.accounts:
            self._judge_order(account, report)
            self._judge_messages(account, report)
            if self.log is not None:
                self._judge_by_log(account, report)
        return report

    def _judge_promises(self, report: Report) -> None:
        by_place: dict[Any, list[Promise]] = defaultdict(list)
        by_conversation: dict[str, list[Promise]] = defaultdict(list)
        for promise in self.promises.values():
            by_place[promise.position].append(promise)
            by_place[promise.conversation_id, promise.seq].append(promise)
            by_conversation[promise.conversation_id].append(promise)
        report.doubled.extend(f"one place for {promises}" for promises in by_place.values() if len(promises) > 1)
        for promises in by_conversation.values():
            promises.sort(key=lambda promise: promise.seq)
            report.reordered.extend(
                f"by seq {one} is before {other}, by position after it"
                for one, other in pairwise(promises)
                if one.position > other.position
            )
        report.unexplained.extend(
            f"{promise} was never sent" for promise in self.promises.values() if promise.client_id not in self.attempts
        )

    @staticmethod
    def _judge_order(account: Account, report: Report) -> None:
        seen: set[int] = set()
        newest = account.after
        for event in account.events:
            position = position_of(event.id or "")
            if position in seen:
                report.doubled.append(f"{account.name} was given {position} twice")
            elif position <= newest:
                report.reordered.append(f"{account.name} was given {position} after {newest}")
            seen.add(position)
            newest = max(newest, position)
        report.unexplained.extend(f"{account.name} was reset: {reset}" for reset in account.resets)

    def _judge_messages(self, account: Account, report: Report) -> None:
        heard: dict[str, int] = {}
        for position, message in account.messages:
            client_id = message["client_id"]
            if heard.setdefault(client_id, position) != position:
                report.doubled.append(f"{account.name} was given {client_id} at {heard[client_id]} and {position}")
            if why := self._why_unexplained(account, position, message):
                report.unexplained.append(f"{account.name} was given {client_id} at {position}: {why}")
        report.lost.extend(
            f"{account.name} was not given {promise}"
            for promise in self.promises.values()
            if promise.conversation_id in account.conversations
            and promise.position > account.after
            and promise.client_id not in heard
        )

    def _why_unexplained(self, account: Account, position: int, message: dict[str, Any]) -> str | None:
        if message["kind"] == "system":
            return None
        attempt = self.attempts.get(message["client_id"])
        promise = self.promises.get(message["client_id"])
        if attempt is None:
            return "nobody sent it"
        if message["conversation_id"] not in account.conversations:
            return "it is of a conversation they are not in"
        if message["deleted_at"] is None and attempt != (message["conversation_id"], message["body"]):
            return f"it was sent as {attempt}"
        if promise is not None and (promise.position, promise.seq) != (position, message["seq"]):
            return f"it was promised as {promise}"
        return None

    def _judge_by_log(self, account: Account, report: Report) -> None:
        assert self.log is not None
        heard: set[int] = set()
        for event in account.events:
            position = position_of(event.id or "")
            heard.add(position)
            row = self.log.get(position)
            if row is None:
                report.unexplained.append(f"{account.name} was given {position}, which was never committed")
            elif account.user_id not in row.audience:
                report.unexplained.append(f"{account.name} was given {position}, which is for {row.audience}")
            elif row.kind != event.type or (row.data != event.data and not _is_blank(row)):
                report.unexplained.append(f"{account.name} was given {event}, the log has {row}")
        report.lost.extend(
            f"{account.name} was not given {row.position}, {row.kind}"
            for row in self.log.values()
            if account.user_id in row.audience
            and account.after < row.position <= account.upto
            and row.position not in heard
        )


def _is_blank(row: LogRow) -> bool:
    """Unsent since: the log no longer says what was said then."""
    return bool(row.data.get("message", {}).get("deleted_at"))


# --- the log itself ------------------------------------------------------------------------------------------------


async def read_log(connection: asyncpg.Connection[Any]) -> list[LogRow]:
    """The whole log, in order."""
    rows = await connection.fetch("SELECT position, kind, audience, data FROM event ORDER BY position")
    return [LogRow(row["position"], row["kind"], tuple(row["audience"]), json.loads(row["data"])) for row in rows]


# Nothing of this may ever be found in a database that was never trimmed.
FAULTS = {
    "the head is neither the number of events nor the highest position": """
        SELECT h.position, count(e.*), max(e.position) FROM log_head h LEFT JOIN event e ON true GROUP BY h.position
        HAVING h.position <> count(e.*) OR h.position <> coalesce(max(e.position), 0)""",
    "an event is older than the one before it": """
        SELECT * FROM (SELECT position, created_at - lag(created_at) OVER (ORDER BY position) AS step FROM event) e
        WHERE step < interval '0'""",
    "the numbers of a conversation have gaps": """
        SELECT c.id, c.last_seq, count(m.*), max(m.seq) FROM conversation c
        LEFT JOIN message m ON m.conversation_id = c.id GROUP BY c.id, c.last_seq
        HAVING c.last_seq <> count(m.*) OR c.last_seq <> coalesce(max(m.seq), 0)""",
    "a message is older, or earlier in the log, than the one before it": """
        SELECT * FROM (
            SELECT id, created_at - lag(created_at) OVER w AS step, position - lag(position) OVER w AS way
            FROM message WINDOW w AS (PARTITION BY conversation_id ORDER BY seq)) m
        WHERE step < interval '0' OR way <= 0""",
    "a message and its event do not belong together": """
        SELECT m.id FROM message m LEFT JOIN event e ON e.position = m.position
        WHERE e.message_id IS DISTINCT FROM m.id OR e.kind <> 'message.sent'""",
    "a message has two events": """
        SELECT message_id FROM event WHERE kind = 'message.sent' GROUP BY message_id HAVING count(*) > 1""",
    "a draft of an event is left over": "SELECT id FROM event_draft",
    "somebody has read what was not written yet": """
        SELECT p.id FROM participant p JOIN conversation c ON c.id = p.conversation_id
        WHERE NOT (0 <= p.read_seq AND p.read_seq <= p.delivered_seq AND p.delivered_seq <= c.last_seq)""",
}


async def faults_of_log(connection: asyncpg.Connection[Any]) -> dict[str, list[Any]]:
    """What is wrong in the tables, by sentence; empty when nothing is."""
    found = {sentence: await connection.fetch(query) for sentence, query in FAULTS.items()}
    return {sentence: [dict(row) for row in rows[:3]] for sentence, rows in found.items() if rows}
