"""The log: what a cursor is, and what telling, trimming and blanking do to the rows."""

from __future__ import annotations

import json
import uuid
from contextlib import suppress
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.database import transaction
from app.delivery import log
from app.delivery.log import Cursor, Fact, parse_cursor

# --- cursors -------------------------------------------------------------------------------------------------------


@given(st.from_regex(r"[a-z0-9]{1,16}", fullmatch=True), st.integers(0, 10**18 - 1))
def test_a_cursor_that_was_written_can_be_read(epoch: str, position: int) -> None:
    assert Cursor(epoch, position) == parse_cursor(str(Cursor(epoch, position)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "abc",
        "abc-",
        "-12",
        "abc-x",
        "abc--1",
        "abc-1.5",
        "abc-1e3",
        "abc-+1",
        "abc- 1",
        " abc-1",
        "abc-1 ",
        "abc-1\n",
        "ABC-1",
        "a_c-1",
        "abc-def-1",
        "a" * 17 + "-1",
        "abc-" + "9" * 19,
        "abc-١٢",
        "äbc-1",
        "abc-1\x00",
        "abc–1",
    ],
)
def test_what_no_log_ever_issued_is_no_cursor(text: str) -> None:
    assert parse_cursor(text) is None


@given(st.text(max_size=40))
def test_no_text_upsets_the_reading_of_cursors(text: str) -> None:
    cursor = parse_cursor(text)
    assert cursor is None or isinstance(cursor, Cursor)


# --- rows ----------------------------------------------------------------------------------------------------------


def fact(said: str, *audience: str, kind: str = "conversation.changed", about: uuid.UUID | None = None) -> Fact:
    data = json.dumps({"said": said}).encode()
    return Fact(kind, uuid.UUID(int=1), list(audience or ("bea",)), data, about)


async def tell(*facts: Fact) -> None:
    async with transaction():
        await log.tell(facts)


async def said_after(position: int) -> list[tuple[int, str]]:
    return [(row["position"], json.loads(row["data"])["said"]) for row in await log.read(position, 100)]


async def test_what_is_told_gets_its_number_at_the_commit_in_order(own_database: asyncpg.Connection[Any]) -> None:
    await tell(fact("one"), fact("two"))
    await tell(fact("three"))
    assert [(1, "one"), (2, "two"), (3, "three")] == await said_after(0)
    assert [(3, "three")] == await said_after(2)
    assert (3, 0) == (await log.head())[1:]
    assert 0 == await own_database.fetchval("SELECT count(*) FROM event_draft")


async def test_what_was_rolled_back_was_never_said_and_took_no_number(own_database: asyncpg.Connection[Any]) -> None:
    await tell(fact("one"))
    with suppress(RuntimeError):
        async with transaction():
            await log.tell([fact("never")])
            raise RuntimeError
    await tell(fact("two"))
    assert [(1, "one"), (2, "two")] == await said_after(0)


async def test_much_can_be_told_at_once_and_each_to_its_own_people(own_database: asyncpg.Connection[Any]) -> None:
    """More than a statement may have arguments; in order, to one, two or three."""
    people, edited = ["bea", "sol", 'a "}, {" b'], uuid.uuid4()
    await tell(*(fact(f"{number}", *people[: 1 + number % 3]) for number in range(7_000)))
    await tell(fact("edited", kind="message.edited", about=edited), fact("changed"))
    rows = await log.read(0, 10_000)
    assert [(number + 1, f"{number}") for number in range(7_000)] == [
        (row["position"], json.loads(row["data"])["said"]) for row in rows[:-2]
    ]
    assert [people[: 1 + number % 3] for number in range(7_000)] == [row["audience"] for row in rows[:-2]]
    assert [("message.edited", edited), ("conversation.changed", None)] == [
        (row["kind"], row["message_id"]) for row in rows[-2:]
    ]


async def test_telling_nothing_says_nothing(own_database: asyncpg.Connection[Any]) -> None:
    await tell()
    assert 0 == (await log.head()).position


async def test_one_persons_events_are_those_of_their_conversations_that_were_told_to_them(
    own_database: asyncpg.Connection[Any],
) -> None:
    await own_database.execute("INSERT INTO users (id) VALUES ('bea'), ('sol')")
    mine, other = uuid.UUID(int=1), uuid.UUID(int=2)
    for id_ in (mine, other):
        await own_database.execute("INSERT INTO conversation (id, opening_key) VALUES ($1, $2)", id_, id_.bytes)
    await own_database.execute(
        "INSERT INTO participant (conversation_id, user_id, role) VALUES ($1, 'bea', 'buyer'), ($2, 'sol', 'seller')",
        mine,
        other,
    )
    elsewhere = Fact("conversation.changed", other, ["sol"], b'{"said":"elsewhere"}')
    await tell(fact("to bea"), fact("to sol alone", "sol"), elsewhere, fact("to both", "bea", "sol"), fact("later"))
    rows = await log.read_of("bea", 0, 4, 100)
    assert [1, 4] == [row["position"] for row in rows]
    assert [1] == [row["position"] for row in await log.read_of("bea", 0, 4, 1)]
    assert [4] == [row["position"] for row in await log.read_of("bea", 1, 4, 100)]


async def test_trimming_takes_the_old_and_raises_the_floor_with_it(own_database: asyncpg.Connection[Any]) -> None:
    await tell(fact("old"), fact("older"), fact("new"))
    await own_database.execute("UPDATE event SET created_at = now() - interval '15 days' WHERE position <= 2")
    assert 2 == await log.trim(timedelta(days=14))
    assert (3, 2) == (await log.head())[1:]
    assert [(3, "new")] == await said_after(0)
    assert 0 == await log.trim(timedelta(days=14))
    assert (3, 2) == (await log.head())[1:]


async def test_trimming_never_takes_from_the_middle(
    own_database: asyncpg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that was set back must not make a hole: all up to the floor goes, all above it stays."""
    monkeypatch.setattr(log, "TRIM_BATCH", 2)
    await tell(*(fact(str(number)) for number in range(1, 7)))
    await own_database.execute("UPDATE event SET created_at = now() - interval '15 days' WHERE position IN (1, 2, 4)")
    while await log.trim(timedelta(days=14)):
        pass
    head = await log.head()
    assert list(range(head.floor + 1, 7)) == [position for position, _ in await said_after(0)]


async def test_an_empty_log_can_be_trimmed(own_database: asyncpg.Connection[Any]) -> None:
    assert 0 == await log.trim(timedelta(days=1))


async def test_blanking_leaves_no_body_in_the_log(own_database: asyncpg.Connection[Any]) -> None:
    message = uuid.uuid4()
    await tell(
        fact("the secret", kind="message.sent", about=message),
        fact("somebody else's"),
        fact("the secret, edited", kind="message.edited", about=message),
        fact("another's edit", kind="message.edited", about=uuid.uuid4()),
    )
    async with transaction():
        await log.blank(1, message, b'{"said":"blank"}')
    assert [(1, "blank"), (2, "somebody else's"), (3, "blank"), (4, "another's edit")] == await said_after(0)


async def test_a_server_that_stays_the_same_keeps_its_epoch(own_database: asyncpg.Connection[Any]) -> None:
    first = await log.check_epoch()
    assert first == await log.check_epoch()


async def test_the_first_server_keeps_the_epoch_that_the_migration_chose(own_database: asyncpg.Connection[Any]) -> None:
    epoch = await own_database.fetchval("SELECT epoch FROM log_head")
    assert epoch == (await log.check_epoch()).epoch


@pytest.mark.parametrize("change", ["system_identifier = '42'", "timeline = timeline + 1"])
async def test_another_server_or_another_history_begins_a_new_epoch(
    own_database: asyncpg.Connection[Any], change: str
) -> None:
    """After a restore or a failover the same positions may mean other events."""
    first = await log.check_epoch()
    await own_database.execute(f"UPDATE log_head SET {change}")
    other = await log.check_epoch()
    assert first.epoch != other.epoch
    assert first[1:] == other[1:]
    assert other == await log.check_epoch()


async def test_a_head_that_went_backwards_begins_a_new_epoch(own_database: asyncpg.Connection[Any]) -> None:
    first = await log.check_epoch()
    assert first.epoch != (await log.check_epoch(rewound=first.epoch)).epoch


async def test_of_all_who_find_that_the_head_went_backwards_one_begins_the_new_epoch(
    own_database: asyncpg.Connection[Any],
) -> None:
    """Were each to begin its own, what is said between the two would be in neither: clients are reset past it."""
    first = await log.check_epoch()
    found = [await log.check_epoch(rewound=first.epoch) for _ in range(3)]
    assert 1 == len({head.epoch for head in found} - {first.epoch}) == len({head.epoch for head in found})
