"""A backup that is restored into the same server: after `parley epoch` nobody takes the past for the present."""

from __future__ import annotations

import asyncio
import os
import sys
import uuid

import pytest

from tests.conftest import NewServer
from tests.harness import ROOT, Server, close_cast, gather_cast
from tests.system.operating import database, database_url

pytestmark = pytest.mark.system


async def backed_up(server: Server, postgres_url: str) -> str:
    """The URL of a copy of a stopped server's database, as `pg_restore` would make one."""
    url = database_url(server)
    name = url.rpartition("?")[0].rpartition("/")[2]
    copy = f"restored_{uuid.uuid4().hex[:8]}"
    async with database(postgres_url) as connection:
        await connection.execute(f"CREATE DATABASE {copy} TEMPLATE {name}")
    return url.replace(f"/{name}?", f"/{copy}?")


async def test_after_parley_epoch_every_client_loads_its_state_anew(new_server: NewServer, postgres_url: str) -> None:
    server = await new_server(DRAIN_SECONDS="0")
    cast = await gather_cast(server.url)
    try:
        await cast.sol.say(cast.conversation_id, "In the backup")
        await server.stop()
        copy = await backed_up(server, postgres_url)
        await server.start()
        lost = await cast.sol.say(cast.conversation_id, "After the backup")
        cursor = (await cast.bea.get("/me")).json()["cursor"]
        await server.stop()

        environment = {**os.environ, "PARLEY_DATABASE_URL": copy}
        renewing = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "app", "epoch", cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE
        )
        said = (await renewing.communicate())[0].decode()
        restored = await new_server(database_url=copy, port=server.port)
        assert restored.url == server.url
        await cast.sol.say(cast.conversation_id, "After the restoration")
        async with cast.bea.stream(cursor) as stream:
            reset = await stream.next("reset")
            epoch = reset.data["cursor"].partition("-")[0]
            assert f"/{copy.rpartition('?')[0].rpartition('/')[2]}.\nThe epoch is now {epoch}.\n" in said
            assert [] == stream.durable, "the same position would have passed for the present"
        bodies = {
            one["body"]
            for one in (await cast.bea.get(f"/conversations/{cast.conversation_id}/messages")).json()["messages"]
        }
        assert {"In the backup", "After the restoration"} == bodies
        assert lost["message"]["body"] not in bodies
    finally:
        await close_cast(cast)
