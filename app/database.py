"""The database: its pool, and `transaction()`. The only file that knows the engine.

Everything else asks Piccolo's tables. Not here: SQL, and what a statement means.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg
from piccolo.engine.postgres import PostgresEngine, PostgresTransaction

from app.settings import Settings

VERSION_MIN = 14
CONNECT_SECONDS = 2.0  # a server that does not answer by then is away
ACQUIRE_SECONDS = 2.0  # waiting for a connection of the pool; keeps a refusal within the 3 s that are promised
STATEMENT_SECONDS = 2.5
IDLE_IN_TRANSACTION_MS = 5_000  # a frozen process must not keep a conversation locked

# A connection keeps the plans it made, and on small tables Postgres plans to scan them: they then cost more with each
# row, until the tables are analysed. Every statement here has its index. What has none costs as before: but it would be
# compiled, as if it were dear.
PLANS = {"enable_seqscan": "off", "jit": "off"}


class Unreachable(OSError):
    """No connection to the server could be made."""


AWAY: tuple[type[Exception], ...] = (
    Unreachable,  # any other OSError is not the database's
    TimeoutError,
    asyncio.TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that was ended by the server while it lay in the pool
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)
"""What is raised when the database is away, as against when we asked it something wrong."""


WAITED_IN_VAIN = (TimeoutError, asyncio.CancelledError)
"""After these nobody knows what the connection is still doing, and to ask it would be one more wait: it is dropped."""

FAILED: tuple[type[Exception], ...] = (*AWAY, OSError, asyncpg.PostgresError)
"""What is raised when the database is away or refuses: for loops that must go on whatever it is."""


CLOSINGS: list[Callable[[], None]] = []
"""What else holds a connection, or a timer of its loop, and lets go of it when the database is left."""


class DatabaseError(Exception):
    """The database cannot be used. The message says what is wrong and how to mend it."""


class Transaction(PostgresTransaction):
    """Piccolo's transaction, giving its connection back whatever happens.

    Piccolo 1.38 loses the pool's connection when BEGIN, COMMIT or ROLLBACK raises.
    """

    def __init__(self, engine: PostgresEngine, allow_nested: bool = True, *, is_snapshot: bool = False) -> None:
        super().__init__(engine, allow_nested)
        self.options: dict[str, Any] = {"isolation": "repeatable_read", "readonly": True} if is_snapshot else {}
        self.afterwards: set[Callable[[], None]] = set()

    async def get_connection(self) -> Any:
        if self.engine.pool is None:  # migrations run before there is one
            return await self.engine.get_new_connection()
        return await self.engine.pool.acquire(timeout=ACQUIRE_SECONDS)

    async def __aenter__(self) -> PostgresTransaction:
        if self._parent is not None:
            return self._parent
        self.connection = await self.get_connection()
        try:
            self.transaction = self.connection.transaction(**self.options)
            await self.begin()  # type: ignore[no-untyped-call]
        except BaseException:
            self.connection.terminate()
            await self._release()
            raise
        self.context = self.engine.current_transaction.set(self)
        return self

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if self._parent is not None:
            return exception is None
        self.engine.current_transaction.reset(self.context)
        try:
            if isinstance(exception, WAITED_IN_VAIN):
                self.connection.terminate()
            else:
                await (self.commit() if exception is None else self.rollback())  # type: ignore[no-untyped-call]
        except WAITED_IN_VAIN:
            self.connection.terminate()
            raise
        except FAILED:
            if exception is None:  # else the first failure is the one to tell
                raise
        finally:
            await self._release()
            for call in self.afterwards if exception is None else ():
                call()
        return exception is None

    async def _release(self) -> None:
        if self.engine.pool is None:
            await self.connection.close()
        else:  # shielded inside asyncpg: a cancelled request gives its connection back all the same
            await self.engine.pool.release(self.connection)


class Connection(asyncpg.Connection):
    """A pooled connection that is not reset after each use: asyncpg would ask the server for that, a round trip a
    statement. Nothing here leaves anything in a session. An open transaction is still rolled back."""

    def get_reset_query(self) -> str:
        return ""


async def dial(*arguments: Any, **options: Any) -> asyncpg.Connection[asyncpg.Record]:
    """A new connection. Raises `Unreachable` when there is no way to the server, `TimeoutError` when it does not
    answer."""
    try:
        return await asyncpg.connect(*arguments, **options)
    except TimeoutError:
        raise
    except OSError as error:
        raise Unreachable(str(error)) from error


class Engine(PostgresEngine):
    """Piccolo's engine, with an end to every wait and no connection made by being imported."""

    async def get_version(self) -> float:
        return 0.0  # Piccolo asks at import, when it is not yet known where the database is; `connect` checks instead

    async def _run_in_pool(self, query: str, args: Any = None) -> Any:
        async with self.pool.acquire(timeout=ACQUIRE_SECONDS) as connection:  # type: ignore[union-attr]
            try:
                return await connection.fetch(query, *(args or ()))
            except WAITED_IN_VAIN:
                connection.terminate()
                raise

    async def fetch(self, statement: str, *arguments: Any) -> Any:
        """The rows of one statement as it stands, of no transaction: for the one that every process makes with what the
        others say. Through Piccolo's `raw` it costs twice as much of our CPU."""
        run = self._run_in_pool if self.pool is not None else self._run_in_new_connection
        return await run(statement, arguments)

    def transaction(self, allow_nested: bool = True) -> PostgresTransaction:
        return Transaction(self, allow_nested)


DB = Engine(config={})


def transaction() -> Transaction:
    """One transaction: Piccolo's queries inside it run on its connection, and it commits when the block ends."""
    return Transaction(DB)


def snapshot() -> Transaction:
    """A read-only transaction that sees one moment, for state and the log's head together."""
    return Transaction(DB, is_snapshot=True)


def after_commit(call: Callable[[], None]) -> None:
    """Call this, once, when the open transaction has committed, or nobody knows whether it has."""
    transaction: Any = DB.current_transaction.get()
    if transaction is None:
        call()
    else:
        transaction.afterwards.add(call)


async def connect(settings: Settings) -> None:
    """Open the pool, or raise `DatabaseError` saying what is wrong."""
    configure(settings)
    try:
        await check_version()
        await DB.start_connection_pool(
            min_size=min(2, settings.pool_size),
            max_size=settings.pool_size,
            command_timeout=STATEMENT_SECONDS,
            timeout=CONNECT_SECONDS,
            max_inactive_connection_lifetime=0,
            connection_class=Connection,
            connect=dial,
        )
    except FAILED as error:
        raise DatabaseError(explain(error)) from error


async def disconnect() -> None:
    """Close the pool, at once if its connections do not end by themselves."""
    for close in CLOSINGS:
        close()
    pool, DB.pool = DB.pool, None
    if pool is not None:
        try:
            await asyncio.wait_for(pool.close(), CONNECT_SECONDS)
        except AWAY:
            pool.terminate()


def configure(settings: Settings) -> None:
    """Tell the engine where the database is."""
    if settings.database_url is None:
        raise DatabaseError("No database: set PARLEY_DATABASE_URL, or start the embedded one.")
    DB.config = connection_arguments(settings.database_url)
    if settings.listen_url is not None:
        # A separate LISTEN address means a transaction pooler in between, which prepared statements do not survive.
        DB.config["statement_cache_size"] = 0


def shown(settings: Settings) -> str:
    """Which database it is, without user and password, for people to read."""
    if settings.database_url is None:
        return f"embedded in {settings.data_dir / 'postgres'}, as there is no PARLEY_DATABASE_URL"
    parts = urlsplit(settings.database_url)
    query = parse_qs(parts.query)
    hosts = parts.netloc.rpartition("@")[2] or ",".join(query.get("host", ())) or "this machine"
    name = unquote(parts.path.strip("/")) or "".join(query.get("dbname", query.get("database", ())))
    return f"{hosts}/{name}"


def connection_arguments(url: str) -> dict[str, Any]:
    """asyncpg's arguments for a connection to `url`."""
    return {
        "dsn": url,
        "server_settings": {
            "application_name": "parley",
            "timezone": "UTC",
            "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_MS),
            **PLANS,
        },
    }


SERVER = "SELECT current_setting('server_version_num')::int / 10000 AS version, pg_backend_pid() AS pid"


async def check_version() -> None:
    """Raise `DatabaseError` when the server is older than Parley needs. Notice a pooler in between: it gives the number
    of a process that is not the server's, and prepared statements may not survive it."""
    connection = await dial(**{**DB.config, "statement_cache_size": 0}, timeout=CONNECT_SECONDS)
    try:
        [row] = await connection.fetch(SERVER)
        is_pooled = row["pid"] != connection.get_server_pid()
    finally:
        connection.terminate()
    if is_pooled:
        DB.config["statement_cache_size"] = 0
    if row["version"] < VERSION_MIN:
        raise DatabaseError(f"PostgreSQL {row['version']} is too old: Parley needs {VERSION_MIN} or newer.")


def explain(error: Exception, setting: str = "PARLEY_DATABASE_URL") -> str:
    """What is wrong with the database that this setting names, as a sentence for the operator."""
    match error:
        case asyncpg.InvalidPasswordError() | asyncpg.InvalidAuthorizationSpecificationError():
            return f"The database refuses the user or password in {setting}: {error}"
        case asyncpg.InvalidCatalogNameError():
            return f"{error}. Create it (createdb) or correct {setting}."
        case asyncpg.InsufficientPrivilegeError():
            return f"The database user may not do what is needed: {error}. Grant it the right to create tables."
        case TimeoutError():
            return f"The database at {setting} did not answer within {CONNECT_SECONDS:g} s."
        case OSError():
            return f"Nothing listens at {setting}: {error}. Is PostgreSQL running?"
        case _:
            return f"The database at {setting} cannot be used: {str(error) or type(error).__name__}"
