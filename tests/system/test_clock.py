"""What a clock that jumps does: nothing to messages, for no wait and no order is counted by it; tokens end by it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path

import pytest

from tests.conftest import NewDatabase
from tests.harness import Person, Server, eventually
from tests.system.conftest import CastAt, NewPerson, NewServer, Pair
from tests.system.operating import database_url, errors_of, is_ready, kill_server
from tests.system.talking import after, talking

LIBRARY = "faketime/libfaketime.so.1"
HALF_AN_HOUR = 1_800
TWO_HOURS = 7_200


def library() -> Path:
    """libfaketime, as Debian and others install it."""
    found = [path for folder in ("/usr/lib", "/usr/lib64") for path in Path(folder).glob(f"**/{LIBRARY}")]
    assert found, "libfaketime is not installed: `make test` does it"
    return found[0]


class Clock:
    """The wall clock of one server; the monotonic one goes on as it is."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.set(0)

    def set(self, seconds: int) -> None:
        """So many seconds off the truth from now on."""
        self.path.write_text(f"{seconds:+d}\n")

    def rule(self, server: Server) -> Server:
        server.environment |= {
            "LD_PRELOAD": str(library()),
            "FAKETIME_TIMESTAMP_FILE": str(self.path),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        return server


NewClocked = Callable[..., Server]


@pytest.fixture
async def new_clocked(tmp_path: Path) -> AsyncIterator[NewClocked]:
    """A server, not yet started, whose clock can be set."""
    servers: list[Server] = []

    def make(url: str, clock: Clock) -> Server:
        servers.append(clock.rule(Server(url, tmp_path, HEARTBEAT_SECONDS="0.5", DRAIN_SECONDS="0")))
        return servers[-1]

    yield make
    for server in servers:
        kill_server(server)


async def test_a_servers_clock_that_jumps_forth_and_back_is_noticed_by_nobody(
    new_server: NewServer, new_clocked: NewClocked, tmp_path: Path
) -> None:
    """Half an hour ahead, then half an hour behind, while everyone talks: no stream is cut, no send refused, nothing
    lost, doubled or out of order."""
    a = await new_server()
    clock = Clock(tmp_path / "clock")
    b = await new_clocked(database_url(a), clock).start()
    async with talking(Pair(a, b, database_url(a)), seed=91) as (crowd, _):
        for seconds in (HALF_AN_HOUR, -HALF_AN_HOUR, 0):
            clock.set(seconds)
            await eventually(lambda seconds=seconds: _is_off(crowd.members[0].at[1], seconds))  # type: ignore[misc]
            await after(crowd, 30)
            assert await is_ready(b)
        assert [] == crowd.refusals
    assert [] == errors_of(b)


async def test_tokens_end_by_the_clock_and_only_by_it(
    new_database: NewDatabase, new_clocked: NewClocked, tmp_path: Path, cast_at: CastAt, new_person: NewPerson
) -> None:
    """Two hours ahead a token of one hour is over: its stream ends with the next heartbeat, its calls are refused. When
    the clock is right again the same token is good, and the same cursor too."""
    clock = Clock(tmp_path / "clock")
    server = await new_clocked(await new_database(), clock).start()
    cast = await cast_at(server.url)
    sent = await cast.bea.say(cast.conversation_id, "Before")
    lasting = new_person(server.url, cast.bea.id, ttl_seconds=3 * TWO_HOURS)
    async with cast.sol.stream() as stream, lasting.stream() as other:
        clock.set(TWO_HOURS)
        assert "token_expired" == (await stream.next("bye", within=3)).data["reason"]
        await stream.end()
        refused = await cast.sol.get("/me")
        assert (401, "token_expired") == (refused.status_code, refused.json()["code"])
        missed = await lasting.say(cast.conversation_id, "Meanwhile")
        clock.set(0)
        await eventually(lambda: _is_off(lasting, 0))
        async with cast.sol.stream(sent["cursor"]) as again:
            await again.next("ready")
            assert [missed["cursor"]] == [event.id for event in again.durable]
        assert not other.is_over


async def _is_off(person: Person, seconds: int) -> bool:
    """Whether the server says that it is so late there."""
    async with person.stream() as stream:
        said = datetime.fromisoformat(stream.events[0].data["server_time"]).timestamp()
    return abs(said - time.time() - seconds) < 60
