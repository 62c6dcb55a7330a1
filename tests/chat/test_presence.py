"""Presence of some people, asked by somebody in few conversations and in many: two ways that must say the same. And who
hears that somebody came; what it costs.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import asyncpg
import msgspec
import pytest

from app.chat import presence
from app.chat.presence import FEW
from app.delivery import leases
from app.identity import Caller
from app.schemas import Presence
from app.tables import User

# Sol sells to everybody. Lea left, Kim's conversation is closed, Eve was never there; Sol himself left Ida's.
CAST = """
INSERT INTO users (id) SELECT 'buyer-' || n FROM generate_series(1, $1) n UNION
    SELECT unnest(ARRAY['sol', 'lea', 'kim', 'eve', 'ida']);
"""
CONVERSATIONS = """
WITH opened AS (
    INSERT INTO conversation (id, opening_key, state)
    SELECT gen_random_uuid(), id::bytea, CASE id WHEN 'kim' THEN 'closed' ELSE 'open' END
    FROM users WHERE id NOT IN ('sol', 'eve') RETURNING id, convert_from(opening_key, 'UTF8') AS buyer
)
INSERT INTO participant (conversation_id, user_id, role, left_at)
SELECT id, buyer, 'buyer', CASE buyer WHEN 'lea' THEN now() END FROM opened
UNION ALL SELECT id, 'sol', 'seller', CASE buyer WHEN 'ida' THEN now() END FROM opened
"""
# Sol and one buyer talk about something else as well.
AGAIN = """
WITH opened AS (
    INSERT INTO conversation (id, opening_key, state) VALUES (gen_random_uuid(), 'again', 'open') RETURNING id
)
INSERT INTO participant (conversation_id, user_id, role) SELECT id, unnest(ARRAY['sol', 'buyer-1']), 'agent' FROM opened
"""


def caller(user_id: str) -> Caller:
    return Caller(id=user_id, name="", avatar_url=None, role="user", expires_at=0.0, digest=b"")


async def seen_by(user_id: str, *others: str) -> set[str]:
    return {one.user_id for one in (await presence.get(caller(user_id), list(others))).presence}


@pytest.mark.parametrize("buyers", [3, FEW + 50])
async def test_only_who_shares_an_open_conversation_is_seen_however_many_there_are(
    own_database: asyncpg.Connection[Any], buyers: int
) -> None:
    await own_database.execute(CAST.replace("$1", str(buyers)))
    await own_database.execute(CONVERSATIONS)
    everyone = ("buyer-1", "buyer-2", "lea", "kim", "eve", "ida", "sol", "nobody")
    assert {"buyer-1", "buyer-2"} == await seen_by("sol", *everyone)
    assert {"sol"} == await seen_by("buyer-1", *everyone)
    assert set() == await seen_by("lea", *everyone)
    assert set() == await seen_by("kim", *everyone)
    assert set() == await seen_by("ida", *everyone)
    assert set() == await seen_by("eve", *everyone)


def presence_of(user_id: str, *, is_online: bool) -> str:
    return msgspec.json.encode(
        Presence(user_id=user_id, is_online=is_online, last_seen_at=None, status="online", status_text="")
    ).decode()


class Listeners:
    """In the place of the hub: who has a stream here, and what each of them heard."""

    def __init__(self, *people: str) -> None:
        self.readers = dict.fromkeys(people)
        self.heard: list[tuple[str, str]] = []

    def signal(self, audience: Iterable[str], kind: str, data: bytes) -> None:
        about = msgspec.json.decode(data, type=Presence)
        self.heard += [(who, f"{about.user_id} {'is here' if about.is_online else 'has gone'}") for who in audience]


async def test_what_is_said_of_somebody_is_heard_once_by_all_who_share_an_open_conversation(
    own_database: asyncpg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    await own_database.execute(CAST.replace("$1", "3"))
    await own_database.execute(CONVERSATIONS)
    await own_database.execute(AGAIN)
    hub = Listeners("sol", "buyer-1", "buyer-3", "lea", "kim", "eve", "ida")
    monkeypatch.setattr(presence, "HUB", hub)
    came = ("buyer-1", "buyer-2", "lea", "kim", "ida", "sol")
    await presence.hear([presence_of("sol", is_online=False), *(presence_of(who, is_online=True) for who in came)])
    assert [
        ("buyer-1", "sol is here"),
        ("buyer-3", "sol is here"),
        ("sol", "buyer-1 is here"),
        ("sol", "buyer-2 is here"),
    ] == sorted(hub.heard)


# Everybody online, in a conversation of two each.
CROWD = 10_000
MANY = """
INSERT INTO users (id) SELECT (ARRAY['buyer-', 'seller-'])[n % 2 + 1] || n / 2 FROM generate_series(0, $1 - 1) n;
INSERT INTO process (id, expires_at) VALUES ('00000000-0000-4000-8000-000000000001', now() + interval '1 hour');
INSERT INTO presence_lease (user_id, process_id) SELECT u.id, p.id FROM users u, process p;
INSERT INTO process (id, expires_at) VALUES ('00000000-0000-4000-8000-000000000002', now() + interval '1 hour');
WITH opened AS (
    INSERT INTO conversation (id, opening_key, state) SELECT gen_random_uuid(), n::text::bytea, 'open'
    FROM generate_series(0, $1 / 2 - 1) n RETURNING id, convert_from(opening_key, 'UTF8') AS n
)
INSERT INTO participant (conversation_id, user_id, role)
SELECT id, 'buyer-' || n, 'buyer' FROM opened UNION ALL SELECT id, 'seller-' || n, 'seller' FROM opened
"""


def rows_read(plan: dict[str, Any]) -> int:
    """By all scans of an analysed plan."""
    read = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
    here = read * plan["Actual Loops"] if "Scan" in plan["Node Type"] else 0
    return round(here) + sum(rows_read(part) for part in plan.get("Plans", ()))


async def test_it_costs_as_many_as_changed_and_not_as_many_as_there_are(
    own_database: asyncpg.Connection[Any],
) -> None:
    """On new tables, of which the planner knows nothing."""
    await own_database.execute(MANY.replace("$1", str(CROWD)))
    people = [f"buyer-{number}" for number in range(CROWD // 25)]
    now = [datetime.now(UTC)] * len(people)
    for name, statement, arguments in (
        ("ARRIVE", leases.ARRIVE, (uuid.UUID("00000000-0000-4000-8000-000000000002"), people)),
        ("GONE", leases.GONE, (people, now)),
        ("NOW", presence.NOW, (people,)),
        ("HEARERS", presence.HEARERS, (people,)),
    ):
        [row] = await User.raw(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", *arguments)
        read = rows_read(json.loads(row["QUERY PLAN"])[0]["Plan"])
        assert len(people) < read < 10 * len(people), f"{name} reads {read} rows: {row['QUERY PLAN']}"
