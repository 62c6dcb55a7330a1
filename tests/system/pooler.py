"""PgBouncer in front of a database, in transaction mode: what many hosts put there, and what LISTEN is deaf through."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg

from tests.harness import eventually, free_port

SEARCHED = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))  # Debian's users lack these

# `idle_in_transaction_session_timeout` is asked for at the start of a connection, which a pooler shares: it must be
# told that it may leave that out.
CONFIG = """
[databases]
* = host={socket} port=5432 user=postgres

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 10
ignore_startup_parameters = idle_in_transaction_session_timeout, enable_seqscan, jit
"""


@asynccontextmanager
async def transaction_pooler(database_url: str, home: Path) -> AsyncIterator[str]:
    """The way to the same database through a pooler."""
    binary = shutil.which("pgbouncer", path=SEARCHED)
    assert binary is not None, "pgbouncer is not installed: `make test` does it"
    parts, port = urlsplit(database_url), free_port()
    socket = parse_qs(parts.query)["host"][0]
    user = (
        ["--user", pwd.getpwuid(os.stat(socket).st_uid).pw_name] if os.geteuid() == 0 else []
    )  # it refuses to be root
    config = home / "pgbouncer.ini"
    config.write_text(CONFIG.format(socket=socket, port=port))
    with (home / "pgbouncer.log").open("wb") as log:
        process = subprocess.Popen([binary, *user, str(config)], stdout=log, stderr=log)  # noqa: ASYNC220
    url = f"postgresql://postgres@127.0.0.1:{port}{parts.path}?sslmode=disable"

    async def is_there() -> bool:
        assert process.poll() is None, (home / "pgbouncer.log").read_text()
        try:
            connection = await asyncpg.connect(url, statement_cache_size=0)
        except OSError:
            return False
        await connection.close()
        return True

    try:
        await eventually(is_there)
        yield url
    finally:
        process.kill()
        await asyncio.to_thread(process.wait)
