"""Settings: the only reader of the environment. Everything else receives a frozen `Settings`.

All mistakes are collected and reported at once, each with the name of its variable and how to mend it.
Not here: what a setting does. That is said where it is used.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from app.tokens import algorithm_of, is_key

SECRET_BYTES_MIN = 32  # RFC 7518 3.2: an HS256 key is at least as long as its hash
PORT_MAX = 65_535
KEYS = ("PARLEY_JWT_SECRET", "PARLEY_JWT_PUBLIC_KEY", "PARLEY_JWKS_URL")


class Rate(msgspec.Struct, frozen=True):
    """So many actions in so many seconds, as a token bucket: `count` at once, refilled evenly over `seconds`."""

    count: int
    seconds: int


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Every choice an operator has, with its default."""

    database_url: str | None = None
    data_dir: Path = Path(".parley")
    listen_url: str | None = None
    pool_size: int = 8
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    demo: bool = False
    jwt_secret: str | None = None
    jwt_public_key: str | None = None
    jwks_url: str | None = None
    jwt_audience: str | None = None
    jwt_issuer: str | None = None
    allowed_origins: tuple[str, ...] = ()
    bus: str = "postgres"
    send_limit: Rate | None = Rate(30, 10)
    open_limit: Rate | None = Rate(30, 3600)
    auth_failure_limit: Rate | None = Rate(30, 60)
    heartbeat_seconds: float = 15.0
    stream_max_age_seconds: int = 3600
    log_retention_days: int = 14
    drain_seconds: float = 2.0
    log_level: str = "info"


class SettingsError(Exception):
    """The environment does not make sense. `mistakes` has one sentence for each thing to mend."""

    def __init__(self, mistakes: list[str]) -> None:
        self.mistakes = mistakes
        super().__init__("\n".join(mistakes))


def read(environ: Mapping[str, str] | None = None, *, needs_key: bool = True, **given: Any) -> Settings:
    """Settings from `PARLEY_*` variables, `given` (from the command line) winning over them.

    An empty variable counts as absent. Only what lets people in `needs_key`. Raises `SettingsError` with every mistake
    found.
    """
    source = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    mistakes: list[str] = []
    for name, (field, parse) in _VARIABLES.items():
        if raw := source.get(name, "").strip():
            try:
                values[field] = parse(raw)
            except ValueError as error:
                mistakes.append(f"{name}: {error}")
    mistakes += [
        f"{name}: no such setting, see the table in README.md"
        for name in source
        if name.startswith("PARLEY_") and name not in _VARIABLES
    ]
    for field, value in given.items():
        if value is not None:
            name = f"PARLEY_{field.upper()}"
            try:
                values[field] = _VARIABLES[name][1](str(value))
            except ValueError as error:
                mistakes.append(f"--{field.replace('_', '-')}: {error}")
    settings = Settings(**values)
    mistakes += _contradictions(settings)
    if needs_key:
        mistakes += _without_key(settings, is_key_named=any(source.get(name, "").strip() for name in KEYS))
    if mistakes:
        raise SettingsError(mistakes)
    return settings


def with_secret(settings: Settings) -> Settings:
    """The settings with a signing secret: in demo mode one is generated and kept in the data directory."""
    if settings.jwt_secret or settings.jwt_public_key or settings.jwks_url or not settings.demo:
        return settings
    path = settings.data_dir / "jwt-secret"
    if not path.exists() or len(path.read_text().strip()) < SECRET_BYTES_MIN:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f"jwt-secret-{os.getpid()}")
        new.touch(mode=0o600)
        new.write_text(secrets.token_urlsafe(48))
        new.replace(path)  # whole or not at all
    return msgspec.structs.replace(settings, jwt_secret=path.read_text().strip())


def child_environment(**extra: str) -> dict[str, str]:
    """The environment for a process that we start: ours and `extra`."""
    return {**os.environ, **extra}


def metrics_dir() -> str | None:
    """Where workers of one server share their metrics; None when there is one worker. Prometheus' own variable."""
    return os.environ.get("PROMETHEUS_MULTIPROC_DIR")


def _contradictions(settings: Settings) -> list[str]:
    found: list[str] = []
    keys = [settings.jwt_secret, settings.jwt_public_key, settings.jwks_url]
    if sum(key is not None for key in keys) > 1:
        # Two kinds of key at once is how key confusion starts (RFC 8725 3.1): the operator chooses one.
        found.append(f"{', '.join(KEYS)}: set exactly one of them")
    if settings.jwt_secret is not None and len(settings.jwt_secret.encode()) < SECRET_BYTES_MIN:
        found.append(f"PARLEY_JWT_SECRET: at least {SECRET_BYTES_MIN} bytes are needed, this has fewer")
    if settings.jwt_secret is not None and not is_key(settings.jwt_secret, "HS256"):
        found.append(
            "PARLEY_JWT_SECRET: this is a key, a certificate or a JWK and no plain secret; the PEM of a public key "
            "belongs in PARLEY_JWT_PUBLIC_KEY"
        )
    return found


def _without_key(settings: Settings, *, is_key_named: bool) -> list[str]:
    if not is_key_named and not settings.demo:
        return [
            "PARLEY_JWT_SECRET: required outside demo mode; `openssl rand -base64 48` makes one "
            "(or set PARLEY_JWT_PUBLIC_KEY or PARLEY_JWKS_URL)"
        ]
    if settings.demo and (settings.jwt_public_key or settings.jwks_url):
        return [
            "PARLEY_DEMO: the demo (--demo) signs its logins itself, with PARLEY_JWT_SECRET or a secret of its own, "
            "never with PARLEY_JWT_PUBLIC_KEY or PARLEY_JWKS_URL"
        ]
    return []


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(raw: str) -> str:
        if raw not in choices:
            raise ValueError(f"{raw!r} is not one of {', '.join(choices)}")
        return raw

    return parse


def _bool(raw: str) -> bool:
    if raw.lower() not in ("1", "true", "yes", "on", "0", "false", "no", "off"):
        raise ValueError(f"{raw!r} is neither true nor false")
    return raw.lower() in ("1", "true", "yes", "on")


def _number(low: float, high: float, kind: type[int] | type[float] = int) -> Callable[[str], float]:
    def parse(raw: str) -> float:
        try:
            value = kind(raw)
        except ValueError:
            raise ValueError(f"{raw!r} is not a number") from None
        if not low <= value <= high:
            raise ValueError(f"{raw} is not between {low} and {high}")
        return value

    return parse


def _rate(raw: str) -> Rate | None:
    if raw == "off":
        return None
    match = re.fullmatch(r"([1-9]\d{0,8})/([1-9]\d{0,8})", raw)
    if match is None:
        raise ValueError(f"{raw!r} is neither count/seconds (30/10: thirty in ten seconds) nor off")
    return Rate(int(match[1]), int(match[2]))


# A socket's folder; or a host, and perhaps a port.
_POSTGRES_HOST = re.compile(r"/.*|(?=.)(?:\[[^\[\]]+\]|[^\[\]:@]*)(?::(\d{1,5}))?")


def _postgres_url(raw: str) -> str:
    if not raw.startswith(("postgres://", "postgresql://")):
        raise ValueError("must begin with postgresql://, as in postgresql://user:password@host:5432/database")
    if not _has_parts(raw):  # the driver would not know them either, and say a piece of the password
        raise ValueError(
            "is not like postgresql://user:password@host:5432/database. In a user or a password write "
            "%2F for /, %40 for @, %23 for #, %3F for ?, %5B for [ and %25 for %"
        )
    return raw


def _has_parts(url: str) -> bool:
    """A password that ends too early leaves its `@` behind, and something else than a port before it."""
    try:
        parts = urlsplit(url)
        query = parse_qs(parts.query, strict_parsing=True) if parts.query else {}
    except ValueError:
        return False
    hosts = parts.netloc.partition("@")[2] if "@" in parts.netloc else parts.netloc
    named = [
        _POSTGRES_HOST.fullmatch(host)
        for hosts in (hosts, *query.get("host", ()))
        if hosts
        for host in hosts.split(",")
    ]
    ports = [port for ports in query.get("port", ()) for port in ports.split(",")]
    ports += [match[1] for match in named if match is not None and match[1]]
    is_whole = "@" not in parts.path + parts.query and not parts.fragment
    return is_whole and None not in named and all(port.isdigit() and 0 < int(port) <= PORT_MAX for port in ports)


def _bus(raw: str) -> str:
    servers = [part.strip() for part in raw.split(",")]
    if servers == ["postgres"]:
        return "postgres"
    for server in servers:
        try:
            parts = urlsplit(server)
            is_right = parts.scheme in ("nats", "tls") and parts.hostname and parts.port != 0 and not parts.path
        except ValueError:  # not a port
            is_right = False
        if not is_right:  # what it says may have a password in it
            raise ValueError("is neither postgres nor servers like nats://user:password@host:4222, comma-separated")
    return ",".join(servers)


def _public_key(raw: str) -> str:
    pem = raw.replace("\\n", "\n")
    try:
        key = load_pem_public_key(pem.encode())
    except ValueError:
        raise ValueError("is not a public key in PEM, beginning with -----BEGIN PUBLIC KEY-----") from None
    except UnsupportedAlgorithm:
        key = None
    if not is_key(key, algorithm_of(key)):
        raise ValueError("is neither a key of RSA (for RS256), nor of P-256 (ES256), nor of Ed25519 or Ed448 (EdDSA)")
    return pem


def _web_url(raw: str) -> str:
    if not re.fullmatch(r"https?://[^\s/]+\S*", raw):
        raise ValueError(f"{raw!r} is not an address like https://shop.example/jwks.json")
    return raw


def _origins(raw: str) -> tuple[str, ...]:
    origins = tuple(part.strip().rstrip("/") for part in raw.split(",") if part.strip())
    for origin in origins:
        if not re.fullmatch(r"https?://[^/\s*]+", origin):
            raise ValueError(f"{origin!r} is not an origin like https://shop.example")
    return origins


_VARIABLES: dict[str, tuple[str, Callable[[str], Any]]] = {
    "PARLEY_DATABASE_URL": ("database_url", _postgres_url),
    "PARLEY_DATA_DIR": ("data_dir", Path),
    "PARLEY_LISTEN_URL": ("listen_url", _postgres_url),
    "PARLEY_POOL_SIZE": ("pool_size", _number(2, 200)),
    "PARLEY_HOST": ("host", str),
    "PARLEY_PORT": ("port", _number(1, PORT_MAX)),
    "PARLEY_WORKERS": ("workers", _number(1, 64)),
    "PARLEY_DEMO": ("demo", _bool),
    "PARLEY_JWT_SECRET": ("jwt_secret", str),
    "PARLEY_JWT_PUBLIC_KEY": ("jwt_public_key", _public_key),
    "PARLEY_JWKS_URL": ("jwks_url", _web_url),
    "PARLEY_JWT_AUDIENCE": ("jwt_audience", str),
    "PARLEY_JWT_ISSUER": ("jwt_issuer", str),
    "PARLEY_ALLOWED_ORIGINS": ("allowed_origins", _origins),
    "PARLEY_BUS": ("bus", _bus),
    "PARLEY_SEND_LIMIT": ("send_limit", _rate),
    "PARLEY_OPEN_LIMIT": ("open_limit", _rate),
    "PARLEY_AUTH_FAILURE_LIMIT": ("auth_failure_limit", _rate),
    "PARLEY_HEARTBEAT_SECONDS": ("heartbeat_seconds", _number(0.2, 120, float)),
    "PARLEY_STREAM_MAX_AGE_SECONDS": ("stream_max_age_seconds", _number(1, 86_400)),
    "PARLEY_LOG_RETENTION_DAYS": ("log_retention_days", _number(1, 3650)),
    "PARLEY_DRAIN_SECONDS": ("drain_seconds", _number(0, 15, float)),
    "PARLEY_LOG_LEVEL": ("log_level", _one_of("debug", "info", "warning", "error")),
}
