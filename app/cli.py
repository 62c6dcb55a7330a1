"""The commands: serve, migrate, token, seed, epoch, doctor. They start things; nothing else."""

from __future__ import annotations

import argparse
import asyncio
import socket
import sys
import tempfile
from typing import Any

import msgspec

from app import database, doctor, embedded, logs, migrations, port, seed, server, settings
from app.database import DatabaseError
from app.delivery import log
from app.identity import Identity
from app.settings import Settings, SettingsError


def main() -> None:
    arguments = vars(_parser().parse_args())
    command = arguments.pop("command")
    logs.configure()
    try:
        raise SystemExit(COMMANDS[command](**arguments))
    except SettingsError as error:
        sys.exit("These settings need mending:\n" + "\n".join(f"  {mistake}" for mistake in error.mistakes))
    except DatabaseError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="parley", description="Buyer-seller chat over plain HTTP.")
    commands = parser.add_subparsers(dest="command", required=True)

    serve = commands.add_parser("serve", help="run the server")
    serve.add_argument("--host")
    serve.add_argument("--port", type=int)
    serve.add_argument("--workers", type=int)
    serve.add_argument("--demo", action=argparse.BooleanOptionalAction, help="demo shop, demo logins, demo data")

    worker = commands.add_parser("worker")  # started by serve, not by people
    worker.add_argument("--fd", type=int, required=True)
    worker.add_argument("--lifeline", type=int, required=True)

    commands.add_parser("migrate", help="run the migrations forwards")

    token = commands.add_parser("token", help="print a signed token")
    token.add_argument("--user", required=True)
    token.add_argument("--name")
    token.add_argument("--role", choices=("user", "service", "admin"), default="user")
    token.add_argument("--ttl", type=int, default=3600, help="seconds")

    fill = commands.add_parser("seed", help="fill the database with made-up conversations")
    for option, default in (("buyers", 100), ("sellers", 10), ("conversations", 200), ("messages", 5_000)):
        fill.add_argument(f"--{option}", type=int, default=default)

    commands.add_parser("epoch", help="after a backup was restored: make every client load its state anew")
    commands.add_parser("doctor", help="check settings, database, LISTEN and migrations")
    return parser


def _serve(**given: Any) -> int:
    chosen = settings.with_secret(settings.read(**given))
    logs.configure(level=logs.LEVELS[chosen.log_level])
    try:
        listening = port.bind(chosen.host, chosen.port)
    except OSError as error:
        sys.exit(
            f"Port {chosen.port} on {chosen.host} cannot be used: {error.strerror}. Choose another: make run PORT=9000"
        )
    chosen = _with_database(chosen)
    asyncio.run(_prepare(chosen))
    print(_welcome(chosen), flush=True)
    if chosen.workers == 1:
        server.run(chosen, listening)
    else:
        _supervise(chosen, listening)
    return 0


def _supervise(chosen: Settings, listening: socket.socket) -> None:
    assert chosen.database_url is not None
    with tempfile.TemporaryDirectory(prefix="parley-metrics-") as metrics_dir:
        environment = {
            "PARLEY_DATABASE_URL": chosen.database_url,
            "PARLEY_DEMO": str(chosen.demo),
            "PARLEY_HOST": chosen.host,
            "PARLEY_PORT": str(chosen.port),
            "PARLEY_WORKERS": "1",
        }
        if chosen.jwt_secret:
            environment["PARLEY_JWT_SECRET"] = chosen.jwt_secret
        server.Supervisor(chosen, listening, metrics_dir, **environment).run()


def _worker(fd: int, lifeline: int) -> int:
    chosen = settings.read()
    logs.configure(level=logs.LEVELS[chosen.log_level])
    server.run(chosen, socket.socket(fileno=fd), lifeline)
    return 0


def _with_database(chosen: Settings) -> Settings:
    """The settings with a database: the given one, or the embedded one, started."""
    if chosen.database_url is not None:
        return chosen
    return msgspec.structs.replace(chosen, database_url=embedded.start(chosen.data_dir))


async def _prepare(chosen: Settings) -> None:
    """Migrations, and the demo's data on the first start."""
    database.configure(chosen)
    await _migrate_now()
    if chosen.demo:
        await seed.plant_demo(chosen)


async def _migrate_now() -> list[str]:
    try:
        await database.check_version()
        return await migrations.forwards()
    except database.FAILED as error:
        raise DatabaseError(database.explain(error)) from error


def _welcome(chosen: Settings) -> str:
    root = f"http://{chosen.host}:{chosen.port}"
    shop = f"  shop      {root}/\n  desk      {root}/desk\n  people    {root}/login\n" if chosen.demo else ""
    return f"Parley is at {root}\n{shop}  API docs  {root}/docs\n  doctor    {root}/doctor"


def _migrate() -> int:
    chosen = settings.read(needs_key=False)
    print(f"The database is {database.shown(chosen)}.", flush=True)
    database.configure(_with_database(chosen))
    done = asyncio.run(_migrate_now())
    print("\n".join(done) if done else "nothing to do")
    return 0


def _token(user: str, name: str | None, role: Any, ttl: int) -> int:
    chosen = settings.with_secret(settings.read(needs_key=False, demo=True))  # without a secret of its own, the demo's
    try:
        print(Identity(chosen).mint(user, ttl_seconds=ttl, name=name, role=role))
    except ValueError as error:
        sys.exit(str(error))
    return 0


def _seed(**counts: int) -> int:
    chosen = _with_database(settings.read(needs_key=False))
    asyncio.run(_prepare(msgspec.structs.replace(chosen, demo=False)))
    asyncio.run(seed.fill(chosen, **counts))
    return 0


def _epoch() -> int:
    """Of a given database, or of a running demo's: one made now would have nobody's cursors."""
    chosen = settings.read(needs_key=False)
    if chosen.database_url is None and not embedded.is_running(chosen.data_dir):
        raise DatabaseError(
            "Which database? Set PARLEY_DATABASE_URL (`set -a; . /etc/parley.env; set +a`). No demo's is running in "
            f"{chosen.data_dir} either."
        )
    print(f"The database is {database.shown(chosen)}.", flush=True)
    database.configure(_with_database(chosen))
    print(f"The epoch is now {asyncio.run(log.renew_epoch()).epoch}.")
    return 0


def _doctor() -> int:
    return asyncio.run(doctor.examine())


COMMANDS: dict[str, Any] = {
    "serve": _serve,
    "worker": _worker,
    "migrate": _migrate,
    "token": _token,
    "seed": _seed,
    "epoch": _epoch,
    "doctor": _doctor,
}
