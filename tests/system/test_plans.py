"""The cost of a call does not grow with the tables: no everyday call scans one, however full they are."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import asyncpg
import httpx
import pytest

from tests.conftest import NewDatabase
from tests.harness import ROOT, SECRET, Person, Server, eventually
from tests.system.conftest import CastAt, NewPerson, NewServer
from tests.system.operating import database, database_url

FULL = {"buyers": 20_000, "sellers": 2_000, "conversations": 20_000, "messages": 200_000}
SMALL = {"buyers": 50, "sellers": 10, "conversations": 100, "messages": 1_000}

TABLES = ("message", "participant", "conversation", "event", "users")

SCANS = "SELECT relname, seq_scan, seq_tup_read FROM pg_stat_user_tables WHERE relname = ANY ($1)"

OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""

# A log as large as the rest, as if it had all been sent just now.
LOG = """
INSERT INTO event (position, conversation_id, message_id, kind, audience, data)
SELECT m.position, m.conversation_id, m.id, 'message.sent',
    ARRAY[m.sender_id::text],
    json_build_object('conversation_id', m.conversation_id)
FROM message m
"""


async def fill(url: str, counts: dict[str, int]) -> None:
    """`parley seed`, and a log as large as the rest."""
    environment = {"PARLEY_DATABASE_URL": url, "PARLEY_JWT_SECRET": SECRET, "PATH": "/usr/bin:/bin"}
    options = itertools.chain.from_iterable((f"--{name}", str(count)) for name, count in counts.items())
    await asyncio.to_thread(
        subprocess.run, [sys.executable, "-m", "app", "seed", *options], check=True, cwd=ROOT, env=environment
    )
    async with database(url) as connection:
        await connection.execute(LOG)
        await connection.execute("UPDATE log_head SET floor = 0")


@pytest.fixture(scope="module")
async def full(new_database: NewDatabase) -> str:
    """A database with 200,000 messages."""
    url = await new_database()
    await fill(url, FULL)
    return url


async def scans(url: str) -> dict[str, tuple[int, int]]:
    """By table: (sequential scans, rows read by them) so far."""
    async with database(url) as connection:
        rows = await connection.fetch(SCANS, list(TABLES))
    return {row["relname"]: (row["seq_scan"], row["seq_tup_read"]) for row in rows}


# Nobody analyses these, as in the first minute of a new shop.
NOT_ANALYSED = """
ALTER TABLE message SET (autovacuum_enabled = off);
ALTER TABLE participant SET (autovacuum_enabled = off)
"""

# 3,000 messages that one person has written into one conversation, and 3,000 conversations that two people are in.
HISTORY = """
WITH grown AS (UPDATE conversation SET last_seq = last_seq + 3000 WHERE id = $1 RETURNING last_seq)
INSERT INTO message (id, conversation_id, seq, position, sender_id, client_id, kind, body)
SELECT gen_random_uuid(), $1, last_seq - 3000 + n, 0, $2, gen_random_uuid(), 'text', 'Long ago'
FROM grown, generate_series(1, 3000) n
"""
CONVERSATIONS = """
WITH opened AS (
    INSERT INTO conversation (id, opening_key)
    SELECT gen_random_uuid(), decode(md5(n::text), 'hex') FROM generate_series(1, 3000) n RETURNING id
)
INSERT INTO participant (conversation_id, user_id, role)
SELECT id, person, 'buyer' FROM opened, unnest($1::text[]) person
"""

READ = """
SELECT indexrelname, idx_tup_read FROM pg_stat_user_indexes WHERE relname IN ('message', 'participant')
"""

Call = Callable[[], Awaitable[httpx.Response]]


def draft() -> dict[str, Any]:
    return {"client_id": str(uuid.uuid4()), "body": "Another one"}


async def writing(url: str, sellers: list[Person]) -> dict[str, Call]:
    """The hot paths, alone and in batches as large as they get."""
    async with database(url) as connection:
        places = [
            (seller, f"/conversations/{row['conversation_id']}")
            for seller in sellers
            for row in await connection.fetch("SELECT conversation_id FROM participant WHERE user_id = $1", seller.id)
        ]
    seller, path = places[0]
    assert len(places) >= 64
    return {
        "send": lambda: seller.http.post(f"{path}/messages", json=draft()),
        "send into many": lambda: _all(one.http.post(f"{there}/messages", json=draft()) for one, there in places),
        "receipt": lambda: seller.put(f"{path}/receipt", read_seq=10_000),
        "receipts of many": lambda: _all(one.put(f"{there}/receipt", read_seq=10_000) for one, there in places),
    }


async def everyday(seller: Person, buyer: Person) -> dict[str, Call]:
    """Everything else that people do all day."""
    page = (await seller.get("/conversations", limit=5)).json()
    last = page["conversations"][0]
    path = f"/conversations/{last['id']}"
    about = f"{last['context']['kind']}:{last['context']['id']}"
    cursor = (await seller.get("/me")).json()["cursor"]
    epoch, head = cursor.rsplit("-", 1)
    sent = (await seller.http.post(f"{path}/messages", json=draft())).json()["message"]
    return {
        "read up to now": lambda: seller.put("/receipts", cursor=cursor),
        "read an item": lambda: buyer.put("/receipts", context=about),
        "history": lambda: seller.get(f"{path}/messages", limit=50),
        "older history": lambda: seller.get(f"{path}/messages", before=5, limit=5),
        "newer history": lambda: seller.get(f"{path}/messages", after=5),
        "around": lambda: seller.get(f"{path}/messages", around=5),
        "conversations": lambda: seller.get("/conversations", limit=50),
        "next conversations": lambda: seller.get("/conversations", before=page["next"]),
        "unread conversations": lambda: seller.get("/conversations", filter="unread"),
        "conversations about": lambda: seller.get("/conversations", context=about),
        "one conversation": lambda: seller.get(path),
        "unread": lambda: seller.get("/unread"),
        "unread about": lambda: seller.get("/unread", context=about),
        "me": lambda: seller.get("/me"),
        "inbox": lambda: seller.get("/messages", box="inbox"),
        "sent box": lambda: seller.get("/messages", box="sent"),
        "one message": lambda: seller.get(f"/messages/{sent['id']}"),
        "edit": lambda: seller.patch(f"/messages/{sent['id']}", body=str(uuid.uuid4())),
        "mute": lambda: seller.patch(path, is_muted=True),
        "open": lambda: seller.post("/conversations", participants=[{"user_id": buyer.id}]),
        "presence": lambda: seller.get("/presence"),
        "presence of somebody": lambda: seller.get("/presence", user_id=buyer.id),
        "catch up from memory": lambda: seller.get("/events", cursor=f"{epoch}-{int(head) - 2_000}", wait=0),
        "catch up from the table": lambda: seller.get("/events", cursor=f"{epoch}-{int(head) - 100_000}", wait=0),
    }


async def medians(calls: dict[str, Call]) -> dict[str, float]:
    """Each call several times, for the sixth time a statement may get another plan; its median in seconds."""
    found: dict[str, float] = {}
    for name, call in calls.items():
        times = []
        for _ in range(8):
            began = time.monotonic()
            answer = await call()
            times.append(time.monotonic() - began)
            assert answer.status_code in (200, 201), f"{name}: {answer.text}"
        found[name] = sorted(times)[4]
    return found


async def _all(calls: Iterable[Awaitable[httpx.Response]]) -> httpx.Response:
    answers = await asyncio.gather(*calls)
    return next((answer for answer in answers if answer.status_code > 201), answers[0])


async def ended(server: Server, connection: asyncpg.Connection[Any]) -> None:
    """Stop the server and wait for the end of its connections, which report what they did when they end."""

    async def are_gone() -> bool:
        return 0 == await connection.fetchval(OTHERS)

    await server.stop()
    await eventually(are_gone)


async def scanned_by(url: str, server: Server, before: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """The tables scanned since `before`. Ends the server."""
    async with database(url) as connection:
        await ended(server, connection)
    after = await scans(url)
    return {table: (after[table][0] - before[table][0], after[table][1] - before[table][1]) for table in TABLES}


def sellers_at(server: Server, new_person: NewPerson) -> list[Person]:
    return [new_person(server.url, f"seller-{number}") for number in range(1, 8)]


async def test_plans_are_bound_before_the_tables_grow(
    new_database: NewDatabase, new_server: NewServer, new_person: NewPerson
) -> None:
    """A connection keeps the plan that it made when the tables were small, and on small tables the planner would choose
    to scan them: a new shop that is flooded would slow down with each conversation, until somebody analyses its tables.
    By the database's own count."""
    url = await new_database()
    await fill(url, SMALL)
    server = await new_server(database_url=url)
    sellers = sellers_at(server, new_person)
    calls = {**await writing(url, sellers), **await everyday(sellers[0], new_person(server.url, "buyer-7"))}
    before = await scans(url)
    await medians(calls)
    scanned = await scanned_by(url, server, before)
    scanned.pop("event")  # read whole when the server started: it was small
    assert {(0, 0)} == set(scanned.values()), scanned


async def test_what_is_called_with_every_message_never_reads_what_was_said_before(
    new_server: NewServer, cast_at: CastAt
) -> None:
    """Though a plan made for empty tables is kept, and other indexes would serve those as well. By the database's own
    count: every call, alone and with others, before and after two people have got a past."""
    server = await new_server(SEND_LIMIT="off")
    bea, sol, *_, conversation_id = cast = await cast_at(server.url)
    path = f"/conversations/{conversation_id}"
    calls = 0

    async def talk(times: int) -> None:
        nonlocal calls
        for _ in range(times):
            first = draft()
            sent = (await bea.http.post(f"{path}/messages", json=first)).json()["message"]
            reply = {**draft(), "reply_to": sent["id"]}
            await bea.http.post(f"{path}/messages", json=reply)
            drafts = [first, *(draft() for _ in range(12)), {**draft(), "reply_to": sent["id"]}]
            sending = [bea.http.post(f"{path}/messages", json=one) for one in drafts]
            receipts = [one.put(f"{path}/receipt", read_seq=sent["seq"] + 1) for one in (bea, sol)]
            answers = [*await asyncio.gather(*sending), *await asyncio.gather(*receipts)]
            assert [200, *[201] * 13, 200, 200] == [answer.status_code for answer in answers]
            calls += 2 + len(answers)

    async with database(database_url(server)) as connection:
        await connection.execute(NOT_ANALYSED)
        await talk(8)  # a function keeps the plan of its first time, another statement that of its sixth
        await connection.execute(HISTORY, cast.conversation_id, bea.id)
        await connection.execute(CONVERSATIONS, [bea.id, sol.id])
        await talk(8)
        await ended(server, connection)
        read = dict(await connection.fetch(READ))
    assert sum(read.values()) < 20 * calls, read


@pytest.mark.timeout(180)
async def test_no_everyday_call_scans_a_large_table(full: str, new_server: NewServer, new_person: NewPerson) -> None:
    """Whatever people do all day, alone or many at once, on 200,000 messages in 20,000 conversations."""
    async with database(full) as connection:
        await connection.execute("ANALYZE")
    server = await new_server(database_url=full)
    sellers = sellers_at(server, new_person)
    buyer = new_person(server.url, "buyer-7")
    calls = {**await writing(full, sellers), **await everyday(sellers[0], buyer)}
    before = await scans(full)
    took = await medians(calls)
    assert dict.fromkeys(TABLES, (0, 0)) == await scanned_by(full, server, before), took
