"""Settings: every variable, every mistake with its name, all mistakes at once."""

from __future__ import annotations

import stat
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.settings import SECRET_BYTES_MIN, Rate, Settings, SettingsError, child_environment, read, with_secret

SECRET = "s" * SECRET_BYTES_MIN
GOOD = {"PARLEY_JWT_SECRET": SECRET}

PEM = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----"""
OTHER_KINDS = [
    key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    for key in (ec.generate_private_key(ec.SECP384R1()), x25519.X25519PrivateKey.generate())
]
OTHER_KINDS.append(OTHER_KINDS[1].replace("MCowBQYDK2Vu", "MCowBQYDK2V5"))  # a kind that nobody knows

# variable, what is written, the field, what is read
VARIABLES = [
    ("PARLEY_DATABASE_URL", "postgresql://u:p@db:5432/parley", "database_url", "postgresql://u:p@db:5432/parley"),
    ("PARLEY_DATABASE_URL", "postgres://db/parley", "database_url", "postgres://db/parley"),
    ("PARLEY_DATA_DIR", "/var/lib/parley", "data_dir", Path("/var/lib/parley")),
    ("PARLEY_LISTEN_URL", "postgresql://db:5432/parley", "listen_url", "postgresql://db:5432/parley"),
    ("PARLEY_POOL_SIZE", "20", "pool_size", 20),
    ("PARLEY_HOST", "0.0.0.0", "host", "0.0.0.0"),
    ("PARLEY_PORT", "9000", "port", 9000),
    ("PARLEY_WORKERS", "4", "workers", 4),
    ("PARLEY_DEMO", "true", "demo", True),
    ("PARLEY_DEMO", "No", "demo", False),
    ("PARLEY_JWT_AUDIENCE", "chat", "jwt_audience", "chat"),
    ("PARLEY_JWT_ISSUER", "https://shop.example", "jwt_issuer", "https://shop.example"),
    (
        "PARLEY_ALLOWED_ORIGINS",
        "https://a.example, http://b:8080/",
        "allowed_origins",
        ("https://a.example", "http://b:8080"),
    ),
    ("PARLEY_BUS", "postgres", "bus", "postgres"),
    ("PARLEY_BUS", "nats://nats.internal", "bus", "nats://nats.internal"),
    ("PARLEY_BUS", "nats://u:p@a:4222, tls://b:4223", "bus", "nats://u:p@a:4222,tls://b:4223"),
    ("PARLEY_SEND_LIMIT", "5/60", "send_limit", Rate(5, 60)),
    ("PARLEY_SEND_LIMIT", "off", "send_limit", None),
    ("PARLEY_LOG_LEVEL", "debug", "log_level", "debug"),
    ("PARLEY_OPEN_LIMIT", "1/1", "open_limit", Rate(1, 1)),
    ("PARLEY_AUTH_FAILURE_LIMIT", "off", "auth_failure_limit", None),
    ("PARLEY_HEARTBEAT_SECONDS", "2.5", "heartbeat_seconds", 2.5),
    ("PARLEY_STREAM_MAX_AGE_SECONDS", "60", "stream_max_age_seconds", 60),
    ("PARLEY_LOG_RETENTION_DAYS", "30", "log_retention_days", 30),
    ("PARLEY_DRAIN_SECONDS", "0", "drain_seconds", 0),
]

MISTAKES = [
    ("PARLEY_DATABASE_URL", "mysql://db/parley"),
    ("PARLEY_LISTEN_URL", "db:5432"),
    ("PARLEY_POOL_SIZE", "1"),
    ("PARLEY_PORT", "0"),
    ("PARLEY_PORT", "65536"),
    ("PARLEY_PORT", "http"),
    ("PARLEY_WORKERS", "0"),
    ("PARLEY_WORKERS", "2.5"),
    ("PARLEY_DEMO", "maybe"),
    ("PARLEY_ALLOWED_ORIGINS", "*"),
    ("PARLEY_ALLOWED_ORIGINS", "https://*.shop.example"),
    ("PARLEY_ALLOWED_ORIGINS", "https://a.example/path"),
    ("PARLEY_ALLOWED_ORIGINS", "https://a.example,null"),
    ("PARLEY_BUS", "carrier pigeons"),
    ("PARLEY_BUS", "nats://"),
    ("PARLEY_BUS", "nats.internal:4222"),
    ("PARLEY_BUS", "nats://a:4222,postgres"),
    ("PARLEY_BUS", "nats://a:4222,"),
    ("PARLEY_BUS", "nats://a:port"),
    ("PARLEY_BUS", "http://a:4222"),
    ("PARLEY_SEND_LIMIT", "30"),
    ("PARLEY_LOG_LEVEL", "loud"),
    ("PARLEY_SEND_LIMIT", "0/10"),
    ("PARLEY_SEND_LIMIT", "-1/10"),
    ("PARLEY_OPEN_LIMIT", "30/0"),
    ("PARLEY_OPEN_LIMIT", "none"),
    ("PARLEY_AUTH_FAILURE_LIMIT", "1/1/1"),
    ("PARLEY_HEARTBEAT_SECONDS", "nan"),
    ("PARLEY_HEARTBEAT_SECONDS", "0"),
    ("PARLEY_HEARTBEAT_SECONDS", "inf"),
    ("PARLEY_STREAM_MAX_AGE_SECONDS", "0"),
    ("PARLEY_LOG_RETENTION_DAYS", "-1"),
    ("PARLEY_DRAIN_SECONDS", "16"),
    ("PARLEY_JWT_SECRET", "s" * (SECRET_BYTES_MIN - 1)),
    ("PARLEY_JWT_SECRET", PEM),
]


def mistakes_of(environ: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read(environ)
    return caught.value.mistakes


def test_without_anything_said_the_defaults_hold() -> None:
    assert Settings(jwt_secret=SECRET) == read(GOOD)


@pytest.mark.parametrize(("name", "raw", "field", "value"), VARIABLES, ids=lambda value: str(value)[:30])
def test_each_variable_is_read(name: str, raw: str, field: str, value: object) -> None:
    assert value == getattr(read(GOOD | {name: raw}), field)


@pytest.mark.parametrize(("name", "raw"), MISTAKES, ids=lambda value: str(value)[:30])
def test_each_mistake_names_its_variable_and_is_the_only_one(name: str, raw: str) -> None:
    [mistake] = mistakes_of(GOOD | {name: raw})
    assert mistake.startswith(f"{name}: ")


def test_all_mistakes_are_told_at_once() -> None:
    wrong = {"PARLEY_PORT": "x", "PARLEY_BUS": "x", "PARLEY_SEND_LIMIT": "x", "PARLEY_NONSENSE": "x"}
    told = mistakes_of(wrong)
    named = {mistake.split(":")[0] for mistake in told}
    assert {*wrong, "PARLEY_JWT_SECRET"} == named
    assert 5 == len(told)


def test_an_error_reads_one_mistake_a_line() -> None:
    with pytest.raises(SettingsError) as caught:
        read({"PARLEY_PORT": "x", "PARLEY_WORKERS": "y", **GOOD})
    assert 2 == len(str(caught.value).splitlines())


@pytest.mark.parametrize("name", ["PARLEY_SECRET", "PARLEY_DATABASE", "PARLEY_port"])
def test_a_variable_that_is_none_of_ours_is_a_mistake(name: str) -> None:
    """A typing error must not be a silent default."""
    [mistake] = mistakes_of(GOOD | {name: "x"})
    assert mistake.startswith(f"{name}: no such setting")


def test_variables_of_others_are_none_of_our_business() -> None:
    assert read(GOOD) == read({**GOOD, "PATH": "/bin", "DATABASE_URL": "nonsense", "PORT": "x"})


def test_an_empty_variable_counts_as_absent() -> None:
    assert read(GOOD) == read({**GOOD, "PARLEY_PORT": "", "PARLEY_DATABASE_URL": "  ", "PARLEY_SEND_LIMIT": ""})


def test_the_command_line_wins() -> None:
    settings = read({**GOOD, "PARLEY_PORT": "9000", "PARLEY_DEMO": "true"}, port=9001, demo=False, host=None)
    assert (9001, False, "127.0.0.1") == (settings.port, settings.demo, settings.host)


@pytest.mark.parametrize(
    ("given", "named"), [({"port": 99_999}, "PORT"), ({"port": 0}, "PORT"), ({"workers": 0}, "WORKERS")]
)
def test_the_command_line_can_be_mistaken_too(given: dict[str, int], named: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(GOOD, **given)
    assert named in str(caught.value).upper()


# --- keys ----------------------------------------------------------------------------------------------------------


def test_a_key_is_required_outside_the_demo() -> None:
    [mistake] = mistakes_of({})
    assert mistake.startswith("PARLEY_JWT_SECRET: required")


def test_the_demo_needs_no_key() -> None:
    assert read({"PARLEY_DEMO": "1"}).jwt_secret is None


@pytest.mark.parametrize(
    "key", [{"PARLEY_JWT_PUBLIC_KEY": PEM}, {"PARLEY_JWKS_URL": "https://shop.example/jwks"}], ids=["a key", "a set"]
)
def test_the_demo_cannot_sign_its_logins_with_the_shops_public_key(key: dict[str, str]) -> None:
    [mistake] = mistakes_of({"PARLEY_DEMO": "1", **key})
    assert mistake.startswith("PARLEY_DEMO: ")
    assert read({"PARLEY_DEMO": "1", **key}, needs_key=False), "`parley migrate` signs nothing"


def test_what_lets_nobody_in_needs_no_key() -> None:
    assert read({}, needs_key=False).jwt_secret is None


def test_a_secret_is_measured_in_bytes() -> None:
    assert read({"PARLEY_JWT_SECRET": "é" * (SECRET_BYTES_MIN // 2)}).jwt_secret


@pytest.mark.parametrize(
    "keys",
    [
        {"PARLEY_JWT_SECRET": SECRET, "PARLEY_JWT_PUBLIC_KEY": PEM},
        {"PARLEY_JWT_SECRET": SECRET, "PARLEY_JWKS_URL": "https://shop.example/jwks"},
        {"PARLEY_JWT_PUBLIC_KEY": PEM, "PARLEY_JWKS_URL": "https://shop.example/jwks"},
    ],
)
def test_two_kinds_of_key_at_once_are_a_mistake(keys: dict[str, str]) -> None:
    """This is how key confusion starts (RFC 8725 3.1)."""
    [mistake] = mistakes_of(keys)
    assert all(name in mistake for name in keys)


def test_a_public_key_may_have_its_line_ends_escaped() -> None:
    """As most places that keep environment variables write them."""
    assert PEM == read({"PARLEY_JWT_PUBLIC_KEY": PEM.replace("\n", "\\n")}).jwt_public_key


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("PARLEY_JWT_PUBLIC_KEY", "no key at all"),
        ("PARLEY_JWT_PUBLIC_KEY", PEM.replace("MCow", "AAAA")),
        *(("PARLEY_JWT_PUBLIC_KEY", pem) for pem in OTHER_KINDS),
        ("PARLEY_JWKS_URL", "shop.example/jwks"),
        ("PARLEY_JWKS_URL", "file:///etc/passwd"),
    ],
)
def test_a_key_that_cannot_be_used_is_a_mistake_at_the_start(name: str, raw: str) -> None:
    [mistake] = mistakes_of({name: raw})
    assert mistake.startswith(f"{name}: ")


def test_no_mistake_repeats_a_secret() -> None:
    told = mistakes_of({"PARLEY_JWT_SECRET": "too-short-hush", "PARLEY_DATABASE_URL": "mysql://u:hush@db/x"})
    assert "hush" not in " ".join(told)


HUSH = "hush#%/?:@[]"
GOOD_URLS = [
    f"u:{quote(HUSH, safe='')}@h/db",
    "u:hush:hush%zz@h/db",
    "u:hush@[::1]:5432/db",
    "u:hush@one:5432,two,[::1]:5433/db?target_session_attrs=read-write",
    "u:hush@/db?host=/run/postgresql",
    "u:hush@:5432/db",
    "u:hush@%2Frun%2Fpostgresql/db",
    "/db?host=one:1,two&port=5432,5433&password=hush%40",
    "h",
]
BAD_URLS = [
    *(f"u:{start}{sign}hush@h/db" for start in ("hush", "12") for sign in "/#?@["),
    "u:12?hush=hush@h/db",
    "u:12/hush@hush@h/db",
    "u:hush@h:543a/db",
    "u:hush@h:0/db",
    "u:hush@h:65536/db",
    "u:hush@one:1,two:x/db",
    "u:hush@one,,two/db",
    "u:hush@[::1/db",
    "u:hush@h/db?port=543a",
    "u:hush@h/db?host=h:hush",
    "u:hush@h/db?hush",
]


@pytest.mark.parametrize("rest", GOOD_URLS)
def test_an_address_that_the_driver_understands_is_taken(rest: str) -> None:
    assert f"postgresql://{rest}" == read(GOOD | {"PARLEY_DATABASE_URL": f"postgresql://{rest}"}).database_url


@pytest.mark.parametrize("name", ["PARLEY_DATABASE_URL", "PARLEY_LISTEN_URL"])
@pytest.mark.parametrize("rest", BAD_URLS)
def test_an_address_whose_password_needs_escaping_is_told_so_without_it(name: str, rest: str) -> None:
    [mistake] = mistakes_of(GOOD | {name: f"postgresql://{rest}"})
    assert mistake.startswith(f"{name}: ")
    assert "%2F for /" in mistake
    assert "hush" not in mistake


# --- the secret of the demo ----------------------------------------------------------------------------------------


def test_the_demo_makes_a_secret_once_and_keeps_it(tmp_path: Path) -> None:
    settings = Settings(demo=True, data_dir=tmp_path / "not" / "there" / "yet")
    first, again = with_secret(settings), with_secret(settings)
    assert first == again
    assert first.jwt_secret is not None
    assert len(first.jwt_secret.encode()) >= SECRET_BYTES_MIN


def test_two_demos_have_two_secrets(tmp_path: Path) -> None:
    one, other = (with_secret(Settings(demo=True, data_dir=tmp_path / name)).jwt_secret for name in "ab")
    assert one != other


def test_only_its_owner_reads_the_kept_secret(tmp_path: Path) -> None:
    with_secret(Settings(demo=True, data_dir=tmp_path))
    [kept] = tmp_path.iterdir()
    assert 0o600 == stat.S_IMODE(kept.stat().st_mode)


@pytest.mark.parametrize("left", ["", "\n", "short"])
def test_a_secret_that_was_half_written_is_not_used(tmp_path: Path, left: str) -> None:
    """A crash or a full disk between making the file and writing it: an empty key would sign anything."""
    with_secret(Settings(demo=True, data_dir=tmp_path))
    [kept] = tmp_path.iterdir()
    kept.write_text(left)
    try:
        secret = with_secret(Settings(demo=True, data_dir=tmp_path)).jwt_secret
    except SettingsError:
        return
    assert secret is not None
    assert len(secret.encode()) >= SECRET_BYTES_MIN


@pytest.mark.parametrize(
    "settings",
    [
        Settings(demo=True, jwt_secret=SECRET),
        Settings(demo=True, jwt_public_key=PEM),
        Settings(demo=True, jwks_url="https://shop.example/jwks"),
        Settings(demo=False),
    ],
)
def test_no_secret_is_made_where_there_is_a_key_or_no_demo(settings: Settings) -> None:
    assert settings == with_secret(settings)


def test_a_child_gets_our_environment_and_what_we_add(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_SEND_LIMIT", "off")
    environment = child_environment(PARLEY_PORT="1234")
    assert ("off", "1234") == (environment["PARLEY_SEND_LIMIT"], environment["PARLEY_PORT"])


def test_settings_cannot_be_changed_later() -> None:
    with pytest.raises(AttributeError):
        read(GOOD).port = 1  # type: ignore[misc]
