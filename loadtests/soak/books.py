"""The books: what was promised and what was given, and in the end what the database says to it.

Every follower has an account: the positions it was given, in order. The log has for each position who must be given it,
so the comparison is exact: nothing missing, nothing twice, nothing out of order, nothing that was not for it.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import asyncpg

from loadtests.bench.postgres import Postgres

TELL_MAX = 5  # faults of a kind that are told in words

# Of nothing may there be a row: these are the log's own promises.
WRONG = {
    "the log has gaps": """
        SELECT h.position FROM log_head h WHERE h.position - h.floor <> (SELECT count(*) FROM event)""",
    "a conversation's numbers have gaps": """
        SELECT c.id FROM conversation c LEFT JOIN message m ON m.conversation_id = c.id
        GROUP BY c.id HAVING c.last_seq <> count(m.*) OR c.last_seq <> coalesce(max(m.seq), 0)""",
    "a conversation's numbers and positions go different ways": """
        SELECT * FROM (SELECT position - lag(position) OVER (PARTITION BY conversation_id ORDER BY seq) AS way
        FROM message) m WHERE way <= 0""",
    "a message has not one event": """
        SELECT m.id FROM message m LEFT JOIN event e ON e.position = m.position AND e.kind = 'message.sent'
        WHERE e.message_id IS DISTINCT FROM m.id AND m.position > (SELECT floor FROM log_head)""",
}


class Promise(NamedTuple):
    """Where an acknowledged message is said to be."""

    conversation_id: str
    seq: int
    position: int


@dataclass
class Account:
    """What one follower was given: the positions of durable events, over all its connections."""

    name: str
    user_id: str
    after: int
    upto: int = 0
    positions: array[int] = field(default_factory=lambda: array("q"))
    resets: int = 0


@dataclass
class Verdict:
    """Counts; all but the first three must be 0. `told` says of some what they were."""

    messages: int
    repeated: int
    deliveries: int
    lost: int = 0
    doubled: int = 0
    reordered: int = 0
    strange: int = 0
    told: list[str] = field(default_factory=list)

    @property
    def is_faultless(self) -> bool:
        return not (self.lost or self.doubled or self.reordered or self.strange)

    def add(self, kind: str, count: int, what: str) -> None:
        if count:
            setattr(self, kind, getattr(self, kind) + count)
            if len(self.told) < TELL_MAX:
                self.told.append(f"{kind}: {what}")

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Books:
    def __init__(self) -> None:
        self.attempts: set[str] = set()
        self.promises: dict[str, Promise] = {}
        self.broken: list[str] = []
        self.accounts: list[Account] = []
        self.repeated = 0

    def attempt(self, client_id: str) -> None:
        self.attempts.add(client_id)

    def promise(self, client_id: str, promise: Promise) -> None:
        """A send was answered with 200 or 201."""
        if self.promises.setdefault(client_id, promise) != promise:
            self.broken.append(f"{client_id} was promised as {self.promises[client_id]} and as {promise}")

    async def judge(self, postgres: Postgres, database: str) -> Verdict:
        deliveries = sum(len(account.positions) for account in self.accounts)
        verdict = Verdict(len(self.promises), self.repeated, deliveries)
        connection = await postgres.connect(database)
        try:
            await self._judge_promises(connection, verdict)
            due = await _due(connection)
            for sentence, query in WRONG.items():
                rows = await connection.fetch(query)
                verdict.add("strange", len(rows), sentence)
        finally:
            await connection.close()
        for account in self.accounts:
            judge_account(account, due[account.user_id], verdict)
        return verdict

    async def _judge_promises(self, connection: asyncpg.Connection[asyncpg.Record], verdict: Verdict) -> None:
        for sentence in self.broken:
            verdict.add("doubled", 1, sentence)
        stored: dict[str, Promise] = {}
        query = "SELECT client_id, conversation_id, seq, position FROM message"
        for client_id, conversation_id, seq, position in await connection.fetch(query, timeout=120):
            if stored.setdefault(str(client_id), Promise(str(conversation_id), seq, position)).position != position:
                verdict.add("doubled", 1, f"{client_id} is stored twice")
        verdict.add("strange", len(stored.keys() - self.attempts), "messages that nobody sent")
        for client_id, promise in self.promises.items():
            if client_id not in stored:
                verdict.add("lost", 1, f"{client_id}, promised as {promise}, is not stored")
            elif stored[client_id] != promise:
                verdict.add("strange", 1, f"{client_id}, promised as {promise}, is {stored[client_id]}")


def judge_account(account: Account, due: list[int], verdict: Verdict) -> None:
    """Compare what a follower was given with what was for it. `due` is in order."""
    given = account.positions
    seen = set(given)
    expected = {position for position in due if account.after < position <= account.upto}
    verdict.add("lost", len(expected - seen), f"{account.name} was not given {sorted(expected - seen)[:3]}")
    verdict.add("doubled", len(given) - len(seen), f"{account.name} was given something twice")
    verdict.add("strange", len(seen - expected), f"{account.name} was given {sorted(seen - expected)[:3]}, not for it")
    backwards = sum(one > other for one, other in pairwise(given))
    verdict.add("reordered", backwards, f"{account.name} was given something too late")
    verdict.add("strange", account.resets, f"{account.name} was reset")


async def _due(connection: asyncpg.Connection[asyncpg.Record]) -> defaultdict[str, list[int]]:
    """The positions for each user, in order."""
    due: defaultdict[str, list[int]] = defaultdict(list)
    async with connection.transaction():
        async for position, audience in connection.cursor("SELECT position, audience FROM event ORDER BY position"):
            for user_id in audience:
                due[user_id].append(position)
    return due
