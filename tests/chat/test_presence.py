"""Presence of some people, asked by somebody in few conversations and in many: two ways that must say the same."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from app.chat import presence
from app.chat.presence import FEW
from app.identity import Caller

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
