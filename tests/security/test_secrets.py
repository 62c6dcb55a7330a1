"""Secrets stay where they belong: not in the log at any level, not in what commands print, not in the database."""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import asyncpg
import httpx
import pytest

from tests.api.answers import draft, ok, refusal, send
from tests.api.conftest import CastAt
from tests.conftest import NewDatabase, NewServer
from tests.harness import ROOT, SECRET, Cast, Server

PASSWORD = f"password{uuid.uuid4().hex}"


class Talker(NamedTuple):
    """A server that logs everything it can, and the cast at it."""

    server: Server
    cast: Cast


def with_password(url: str) -> str:
    """The same database; it believes any password."""
    return url.replace("postgres:@", f"postgres:{PASSWORD}@").replace("postgres@", f"postgres:{PASSWORD}@")


@pytest.fixture
async def talker(new_database: NewDatabase, new_server: NewServer, cast_at: CastAt) -> Talker:
    url = with_password(await new_database())
    assert PASSWORD in url
    server = await new_server("--demo", database_url=url, LOG_LEVEL="debug", DRAIN_SECONDS="0", SEND_LIMIT="50/3600")
    return Talker(server, await cast_at(server))


def found(text: str, secrets: dict[str, str]) -> list[str]:
    """Which of these stand in a text, plainly or in hexadecimal; of a token also its claims and its signature alone."""
    parts = [(what, part) for what, secret in secrets.items() for part in (secret, *secret.split(".")[1:]) if part]
    return sorted({what for what, part in parts if part in text or part.encode().hex() in text})


async def sign_in(talker: Talker) -> dict[str, str]:
    """Every way of coming in, and of not coming in; the secrets that were used."""
    bea = talker.cast.bea
    async with httpx.AsyncClient(base_url=talker.server.url, verify=False) as browser:
        login = ok(await browser.post("/demo/logins/bea"), 201)["token"]
        ok(await browser.post("/api/v1/session", headers={"Authorization": f"Bearer {login}"}), 201)
        ok(await browser.get("/api/v1/me"))
        async with browser.stream("GET", "/api/v1/events/stream") as stream:
            await anext(stream.aiter_text())
        wrong = {way: f"wrong{way}{uuid.uuid4().hex}" for way in ("header", "cookie", "ticket", "basic", "query")}
        browser.cookies.clear()
        for headers in (
            {"Authorization": f"Bearer {wrong['header']}.{wrong['header']}.{wrong['header']}"},
            {"Authorization": f"Basic {wrong['basic']}"},
            {"Cookie": f"parley_session={wrong['cookie']}"},
        ):
            for path in ("/api/v1/me", "/api/v1/events/stream"):
                assert 401 == refusal(await browser.get(path, headers=headers))[0]
        await browser.get("/api/v1/events/stream", params={"ticket": wrong["ticket"]})
        await browser.get("/api/v1/me", params={"access_token": wrong["query"]})
    ticket = ok(await bea.post("/stream-tickets"), 201)["ticket"]
    async with bea.http.stream("GET", "/events/stream", params={"ticket": ticket}) as stream:
        await anext(stream.aiter_text())
    return {"a demo login": login, "a ticket": ticket, "bea's token": bea.token, **wrong}


async def talk(talker: Talker) -> dict[str, str]:
    """Every text that people or the shop can write, accepted and refused; what was said."""
    cast, mark = talker.cast, uuid.uuid4().hex
    said = {name: f"{name}{mark}" for name in ("body", "edit", "title", "status", "subject", "words", "bad")}
    message = (await cast.bea.say(cast.conversation_id, said["body"]))["message"]
    ok(await cast.bea.patch(f"/messages/{message['id']}", body=said["edit"]))
    ok(await cast.shop.put(f"/contexts/listing/{cast.listing}", title=said["title"], seller_id=cast.sol.id))
    ok(await cast.bea.patch("/me", status_text=said["status"]))
    ok(await cast.bea.get("/conversations", q=said["words"]))
    someone = [{"user_id": cast.eve.id}]
    ok(await cast.bea.post("/conversations", participants=someone, subject=said["subject"]), 201)
    for wrong in (draft(said["bad"] + "\x07"), draft(said["bad"], nonsense=1), draft(said["bad"], kind=said["bad"])):
        assert 400 == refusal(await send(cast.bea, cast.conversation_id, wrong))[0]
    for _ in range(60):
        answer = await send(cast.bea, cast.conversation_id, draft(said["bad"]))
    assert 429 == answer.status_code
    assert 204 == (await cast.bea.delete("/session")).status_code
    return said


async def test_neither_secrets_nor_what_people_say_stand_in_the_log_even_at_its_most_talkative(talker: Talker) -> None:
    secrets = {**await sign_in(talker), **await talk(talker), "the secret": SECRET, "the password": PASSWORD}
    assert 0 == await talker.server.stop()
    log = talker.server.log
    assert "DEBUG" in log, "it is as talkative as can be"
    assert [] == found(log, secrets)


async def test_an_error_of_the_database_does_not_carry_the_row_into_the_log(talker: Talker) -> None:
    """Postgres says which row it refuses, with all that is in it. Here it refuses one for a reason that we do not know
    of, by both ways of writing."""
    database = await asyncpg.connect(talker.server.environment["PARLEY_DATABASE_URL"])
    await database.execute("ALTER TABLE message ADD CONSTRAINT odd CHECK (body NOT LIKE 'odd%') NOT VALID")
    await database.close()
    cast, body = talker.cast, f"odd{uuid.uuid4().hex}"
    message = (await cast.bea.say(cast.conversation_id, "Hi"))["message"]
    answers = [
        await send(cast.bea, cast.conversation_id, draft(body)),
        await cast.bea.patch(f"/messages/{message['id']}", body=body),
    ]
    assert [(500, "internal")] * 2 == [refusal(answer) for answer in answers]
    assert not any(body in answer.text or "odd" in answer.text for answer in answers)
    assert 0 == await talker.server.stop()
    assert 2 == talker.server.log.count('violates check constraint \\"odd\\"'), "the operator sees what is wrong"
    assert body not in talker.server.log


# --- what commands print -------------------------------------------------------------------------------------------

MISTAKES: dict[str, dict[str, str]] = {
    "a secret that is too short": {"JWT_SECRET": "hush-hush-hush"},
    "two keys at once": {"JWT_SECRET": "hush-hush-" * 5, "JWKS_URL": "https://shop.example/keys"},
    "a database of another kind": {"DATABASE_URL": "mysql://parley:hush-hush@db/parley"},
    "a database that is not there": {"DATABASE_URL": "postgresql://parley:hush-hush@127.0.0.1:1/parley"},
    "a database without a name": {"DATABASE_URL": "postgresql://parley:hush-hush@127.0.0.1:port/parley"},
    "a password that is not escaped": {"DATABASE_URL": "postgresql://parley:hush-hush/1@127.0.0.1:1/parley"},
    "another that is not escaped": {"LISTEN_URL": "postgresql://parley:hush-hush?1@127.0.0.1:1/parley"},
    "a private key instead of a public one": {"JWT_PUBLIC_KEY": "-----BEGIN PRIVATE KEY-----\nhush-hush\n"},
}


COMMANDS = [
    *(("serve", mistake) for mistake in MISTAKES),
    *(
        (command, mistake)
        for command in ("migrate", "doctor")
        for mistake in ("a database that is not there", "a password that is not escaped", "another that is not escaped")
    ),
]


@pytest.mark.parametrize(("command", "mistake"), COMMANDS)
async def test_a_mistake_in_the_settings_is_told_without_the_secret(tmp_path: Any, command: str, mistake: str) -> None:
    given = {"JWT_SECRET": SECRET, "DATABASE_URL": "postgresql://127.0.0.1:1/parley"} | MISTAKES[mistake]
    environment = {"PATH": "/usr/bin:/bin", "PARLEY_DATA_DIR": str(tmp_path)}
    environment |= {f"PARLEY_{name}": value for name, value in given.items()}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", command),
        cwd=ROOT,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = (await asyncio.wait_for(process.communicate(), 20))[0].decode()
    assert 0 != process.returncode
    assert said.strip(), "it says what is wrong"
    assert "hush" not in said
    assert "Traceback" not in said


# --- what the database keeps ---------------------------------------------------------------------------------------


async def everything(database: asyncpg.Connection[Any]) -> AsyncIterator[str]:
    """All rows of all tables as texts."""
    for table in await database.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
        for row in await database.fetch(f'SELECT t::text AS row FROM "{table["tablename"]}" t'):
            yield row["row"]


async def test_the_database_keeps_neither_tokens_nor_tickets(talker: Talker) -> None:
    """Whoever reads a copy of it can be nobody: a digest is neither of the two."""
    secrets = await sign_in(talker)
    secrets["an open ticket"] = ok(await talker.cast.sol.post("/stream-tickets"), 201)["ticket"]
    assert 204 == (await talker.cast.bea.delete("/session")).status_code
    database = await asyncpg.connect(talker.server.environment["PARLEY_DATABASE_URL"])
    rows = [row async for row in everything(database)]
    kept = [await database.fetchval(f"SELECT count(*) FROM {table}") for table in ("stream_ticket", "revoked_token")]
    await database.close()
    assert [1, 1] == kept, "there is something to be found"
    assert [] == found("\n".join(rows), secrets)


async def test_a_copy_of_the_database_opens_no_stream(talker: Talker) -> None:
    """The digest of a ticket, written in the ways it could be, is no ticket."""
    ok(await talker.cast.sol.post("/stream-tickets"), 201)
    database = await asyncpg.connect(talker.server.environment["PARLEY_DATABASE_URL"])
    [row] = await database.fetch("SELECT digest, token_digest FROM stream_ticket")
    await database.close()
    for digest in row:
        for said in (digest.hex(), f"\\x{digest.hex()}"):
            answer = await talker.cast.sol.http.get("/events/stream", params={"ticket": said})
            assert refusal(answer)[0] in (400, 401)
