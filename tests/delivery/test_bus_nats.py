"""The bus over NATS, against a real server: what is told, who hears it, and what becomes of it when the server goes."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app import database
from app.database import DB
from app.delivery import bus as bus_module
from app.delivery.bus import Bus, Signal
from app.delivery.bus_nats import NatsBus, shown
from app.settings import Settings
from tests.conftest import NewDatabase
from tests.harness import eventually, free_port
from tests.nats_server import NatsServer, Wire


class Ear(NatsBus):
    """A bus of one process, with all that it has heard."""

    def __init__(self, urls: str) -> None:
        self.heads: list[int] = []
        self.signals: list[Signal] = []
        self.connects = 0
        super().__init__(urls, on_head=self.heads.append, on_signal=self._note, on_connect=self._count)

    def _note(self, kind: str, data: str, audience: list[str]) -> None:
        self.signals.append((kind, data, audience))

    async def _count(self) -> None:
        self.connects += 1


NewEar = Callable[..., Awaitable[Ear]]


@pytest.fixture
async def nats(tmp_path: Path) -> AsyncIterator[NatsServer]:
    async with NatsServer(tmp_path) as server:
        yield server


@pytest.fixture
async def new_ear(new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[NewEar]:
    """Buses on one database; `is_hearing=False` does not wait for them to hear. They probe themselves quickly."""
    monkeypatch.setattr(bus_module, "PROBE_SECONDS", 0.2)
    monkeypatch.setattr(bus_module, "ECHO_SECONDS", 0.5)
    before = DB.config
    await database.connect(Settings(database_url=await new_database()))
    tasks: list[asyncio.Task[None]] = []

    async def start(urls: str, *, is_hearing: bool = True) -> Ear:
        ear = Ear(urls)
        tasks.append(asyncio.create_task(ear.run()))
        if is_hearing:
            await eventually(lambda: hears(ear))
        return ear

    yield start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await database.disconnect()
    DB.config = before


async def hears(bus: Bus) -> bool:
    return bus.is_hearing


async def is_deaf(bus: Bus) -> bool:
    return not bus.is_hearing


async def has_heard(ear: Ear, position: int) -> bool:
    return position in ear.heads


async def test_a_head_that_one_process_tells_is_heard_by_the_others(nats: NatsServer, new_ear: NewEar) -> None:
    one, other = await new_ear(nats.url), await new_ear(nats.url)
    one.tell(7)
    await eventually(lambda: has_heard(other, 7))
    other.tell(8)
    await eventually(lambda: has_heard(one, 8))


async def test_of_heads_told_quickly_the_newest_is_enough(nats: NatsServer, new_ear: NewEar) -> None:
    one, other = await new_ear(nats.url), await new_ear(nats.url)
    for position in range(1, 2_001):
        one.tell(position)
        await asyncio.sleep(0)  # everything else has its turn
    await eventually(lambda: has_heard(other, 2_000))
    assert len(other.heads) < 1_000


async def test_what_another_has_told_is_not_told_again(nats: NatsServer, new_ear: NewEar) -> None:
    """Everyone who finds a new head in the table may tell it: only the first does."""
    one, other = await new_ear(nats.url), await new_ear(nats.url)
    one.tell(7)
    await eventually(lambda: has_heard(other, 7))
    other.tell(7)
    other.tell(6)
    await asyncio.sleep(0)
    await other.announce("presence", "{}")
    await eventually(lambda: heard_signals(one, 1))
    other.tell(9)
    await eventually(lambda: has_heard(one, 9))
    assert [7, 9] == one.heads


async def test_signals_travel_together_and_keep_their_order(nats: NatsServer, new_ear: NewEar) -> None:
    one, other = await new_ear(nats.url), await new_ear(nats.url)
    said: list[Signal] = [("typing", f'{{"n":{number}}}', ["bea", "sol"]) for number in range(300)]
    for signal in said:
        one.signal(*signal)
    await eventually(lambda: heard_signals(other, 300))
    await eventually(lambda: heard_signals(one, 300))
    assert said == other.signals == one.signals
    assert other.client is not None
    assert other.client.stats["in_msgs"] < 10


async def heard_signals(ear: Ear, count: int) -> bool:
    return len(ear.signals) >= count


async def test_an_announcement_is_on_its_way_at_once(nats: NatsServer, new_ear: NewEar) -> None:
    one, other = await new_ear(nats.url), await new_ear(nats.url)
    await one.announce("token.revoked", "{}")
    await eventually(lambda: heard_signals(other, 1), within=1)
    assert [("token.revoked", "{}", [])] == other.signals


async def test_another_database_on_the_same_nats_hears_nothing(
    nats: NatsServer, new_ear: NewEar, new_database: NewDatabase
) -> None:
    """Databases of one template have one epoch: their names for the log differ all the same."""
    one = await new_ear(nats.url)
    other = await new_ear(nats.url)
    await database.disconnect()
    await database.connect(Settings(database_url=await new_database()))
    stranger = await new_ear(nats.url)
    one.tell(7)
    await one.announce("presence", "{}")
    await eventually(lambda: heard_signals(other, 1))
    assert other.place != stranger.place
    stranger.tell(1)
    await eventually(lambda: has_heard(stranger, 1))
    assert ([1], []) == (stranger.heads, stranger.signals)


async def test_another_history_is_told_in_another_place(nats: NatsServer, new_ear: NewEar) -> None:
    """After a failover the heads of the old server mean nothing."""
    ear = await new_ear(nats.url)
    ear.tell(900)
    await eventually(lambda: has_heard(ear, 900))
    before = ear.place
    await DB._run_in_new_connection("UPDATE log_head SET epoch = 'another'")
    ear.forget()
    await eventually(lambda: has_moved(ear, before))
    ear.tell(5)
    await eventually(lambda: has_heard(ear, 5))


async def has_moved(ear: Ear, place: str) -> bool:
    return ear.is_hearing and ear.place != place


# --- the server goes -----------------------------------------------------------------------------------------------


async def test_without_a_server_the_bus_is_deaf_says_why_and_hears_when_it_comes(
    tmp_path: Path, new_ear: NewEar
) -> None:
    nats = NatsServer(tmp_path)
    ear = await new_ear(nats.url, is_hearing=False)
    ear.tell(1)  # nobody hears it, and nobody is the worse for it
    ear.signal("typing", "{}", ["bea"])
    await eventually(lambda: complains(ear, "NoServersError"))
    async with nats:
        await eventually(lambda: hears(ear))
        assert ear.complaint is None
        ear.tell(2)
        await eventually(lambda: has_heard(ear, 2))


async def complains(bus: Bus, words: str) -> bool:
    return bus.complaint is not None and words in bus.complaint


async def test_a_server_that_was_killed_is_missed_at_once_and_found_again(
    nats: NatsServer, new_ear: NewEar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus_module, "PROBE_SECONDS", 60.0)  # not by the echo
    ear = await new_ear(nats.url)
    for time in (2, 3):
        nats.kill()
        await eventually(lambda: is_deaf(ear), within=1)
        await nats.start()
        await eventually(lambda: hears(ear), within=5)
        assert time == ear.connects, "what was missed is looked for after each connection"


async def test_a_dead_wire_is_noticed_by_the_echo(nats: NatsServer, new_ear: NewEar) -> None:
    async with Wire(nats.port) as wire:
        ear = await new_ear(wire.url)
        wire.is_dead = True
        await eventually(lambda: is_deaf(ear), within=2)
        wire.is_dead = False
        await eventually(lambda: hears(ear), within=5)


async def test_a_slow_server_counts_as_deaf_when_its_echo_takes_too_long(nats: NatsServer, new_ear: NewEar) -> None:
    async with Wire(nats.port) as wire:
        ear = await new_ear(wire.url)
        wire.delay_seconds = 0.1
        ear.tell(7)
        await eventually(lambda: has_heard(ear, 7))
        wire.delay_seconds = 0.4  # there and back: longer than it waits
        await eventually(lambda: complains(ear, "TimeoutError"), within=3)


async def test_of_several_servers_any_will_do(nats: NatsServer, tmp_path: Path, new_ear: NewEar) -> None:
    urls = f"nats://127.0.0.1:{free_port()},{nats.url},nats://127.0.0.1:{free_port()}"
    ears = [await new_ear(urls) for _ in range(4)]
    ears[0].tell(7)
    for ear in ears:
        await eventually(lambda ear=ear: has_heard(ear, 7))  # type: ignore[misc]


async def test_a_server_that_was_tried_in_vain_does_not_end_the_connection_to_another(
    nats: NatsServer, new_ear: NewEar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its end is told late, when the other is connected already."""
    told: list[str] = []
    lose = NatsBus._lose

    async def noted(bus: NatsBus, *client: Any) -> None:
        await lose(bus, *client)
        told.append("lost" if bus.lost.is_set() else "none of ours")

    async def is_told() -> bool:
        return bool(told)

    monkeypatch.setattr(NatsBus, "_lose", noted)
    monkeypatch.setattr(random, "sample", lambda urls, count: list(urls))
    await new_ear(f"nats://127.0.0.1:{free_port()},{nats.url}")
    await eventually(is_told)
    assert {"none of ours"} == set(told)


# --- credentials and TLS -------------------------------------------------------------------------------------------

LOCKED = 'authorization { user: parley, password: "p w:@/" }'


async def test_the_address_has_the_user_and_the_password(tmp_path: Path, new_ear: NewEar) -> None:
    async with NatsServer(tmp_path, LOCKED) as nats:
        ear = await new_ear(f"nats://parley:p%20w%3A%40%2F@127.0.0.1:{nats.port}")
        ear.tell(7)
        await eventually(lambda: has_heard(ear, 7))


async def test_who_is_refused_is_told_so_without_the_password(
    tmp_path: Path, new_ear: NewEar, capsys: pytest.CaptureFixture[str]
) -> None:
    async with NatsServer(tmp_path, LOCKED) as nats:
        ear = await new_ear(f"nats://parley:wrong-word@127.0.0.1:{nats.port}", is_hearing=False)
        await eventually(lambda: complains(ear, "Authorization Violation"))
    assert "wrong-word" not in f"{ear.complaint}{capsys.readouterr()}"


def test_for_people_to_read_there_are_no_passwords_in_addresses() -> None:
    assert "a:4222, b, [::1]:4" == shown("nats://u:p@a:4222,tls://token@b,nats://[::1]:4")


def write_certificates(home: Path) -> None:
    """An authority of our own, and what it certifies: this machine."""
    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("authority", "server")}
    names = {name: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in keys}
    for name, key in keys.items():
        builder = x509.CertificateBuilder(
            issuer_name=names["authority"],
            subject_name=names[name],
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=datetime.now(UTC) - timedelta(hours=1),
            not_valid_after=datetime.now(UTC) + timedelta(hours=1),
        )
        builder = builder.add_extension(x509.BasicConstraints(ca=name == "authority", path_length=None), critical=True)
        here = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        certificate = builder.add_extension(here, critical=False).sign(keys["authority"], hashes.SHA256())
        (home / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (home / "key.pem").write_bytes(
        keys["server"].private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


async def test_tls_is_spoken_with_servers_that_can_prove_who_they_are(
    tmp_path: Path, new_ear: NewEar, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_certificates(tmp_path)
    config = f'tls {{ cert_file: "{tmp_path}/server.pem", key_file: "{tmp_path}/key.pem" }}'
    async with NatsServer(tmp_path, config) as nats:
        url = nats.url.replace("nats://", "tls://")
        stranger = await new_ear(url, is_hearing=False)
        await eventually(lambda: complains(stranger, ssl.SSLCertVerificationError.__name__))
        assert not stranger.connects
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        friend = await new_ear(url)
        friend.tell(7)
        await eventually(lambda: has_heard(friend, 7))


async def test_nothing_is_said_in_the_clear_to_who_was_to_speak_tls(new_ear: NewEar) -> None:
    """Somebody in between who says that there is no TLS hears neither a password nor anything else."""
    heard = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'INFO {"server_id":"X","version":"2.15.0","max_payload":1048576,"auth_required":true}\r\n')
        with suppress(OSError):
            while data := await reader.read(1_000):
                heard.extend(data)
        writer.transport.abort()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        ear = await new_ear(f"tls://parley:word@127.0.0.1:{server.sockets[0].getsockname()[1]}", is_hearing=False)
        await eventually(lambda: complains(ear, "SecureConnRequired"))
    assert b"" == bytes(heard)
