"""Connections with our settings, and PostgreSQL's errors in our words.

A connection to a server that only reads is none: what it says may be old, and a revocation would
be missing (P3).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Protocol

import asyncpg

from keyin.domain.errors import ConfigurationError, KeyinError, StoreUnavailable, msgid
from keyin.stores.database_url import each_host

if TYPE_CHECKING:
    from collections.abc import Sequence

CONNECT_S: Final = 3.0
"""A server that has not let us in by then is away."""
ANSWER_S: Final = 4.0
"""A server that has not answered by then is away."""
AGAIN_S: Final = 0.25
"""So long after a failure nobody tries to connect again: all are told at once."""
_SETTINGS: Final = {
    "application_name": "keyin",
    "statement_timeout": "4s",
    "lock_timeout": "3s",
    # a worker that is stopped within a transaction holds others up for so long
    "idle_in_transaction_session_timeout": "10s",
    "default_transaction_isolation": "read committed",
    "TimeZone": "UTC",
    "jit": "off",
    # each of our queries looks a few rows up by an index: to plan one anew for every batch costs
    # more than to run it, and a plan made while a table was small must stay right
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
}
_PREPARED: Final = 512
_GREETING: Final = """
SELECT current_setting('server_encoding'), current_setting('server_version_num')::int,
CASE WHEN current_setting('synchronous_commit') = 'off'
  THEN set_config('synchronous_commit', 'on', false) END
"""
_OLDEST: Final = 150_000

FOREIGN: Final = (
    *(asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError),
    *(OSError, EOFError),
)
"""What a call to PostgreSQL may raise; TimeoutError is an OSError."""
_CONNECTION_ENDED: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,  # another server may be the one to write to by now
    asyncpg.InternalClientError,
    OSError,
    EOFError,
)
RETRIED: Final = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.UniqueViolationError,  # somebody else was first; what is there now is looked at
)
"""What another worker brings about, and trying again mends."""
_NEXT_STEPS: Final = (
    (
        asyncpg.TooManyConnectionsError,
        msgid("Let PostgreSQL have more connections (max_connections), or use fewer workers."),
    ),
    (
        asyncpg.InvalidAuthorizationSpecificationError,
        msgid("Check the account in the URL, and its password file (~/.pgpass, PGPASSFILE)."),
    ),
    (
        asyncpg.InvalidCatalogNameError,
        msgid("Make the database first: createdb --encoding=UTF8 NAME."),
    ),
    (
        asyncpg.ReadOnlySQLTransactionError,
        msgid("Name the server that may be written to, or several: it is looked for among them."),
    ),
    (
        asyncpg.TargetServerAttributeNotMatched,
        msgid("Name the server that may be written to, or several: it is looked for among them."),
    ),
    (
        asyncpg.InsufficientPrivilegeError,
        msgid("Let the account that runs the cloud own the database."),
    ),
    (asyncpg.DiskFullError, msgid("Free some space on the disk that holds the store.")),
)


class Connection(Protocol):
    """What we use of asyncpg's connections, which have no types."""

    async def fetch(self, query: str, *args: object) -> list[Any]:
        """Return the rows."""
        ...

    async def fetchrow(self, query: str, *args: object) -> Any:  # noqa: ANN401 - asyncpg's
        """Return the first row."""
        ...

    async def fetchval(self, query: str, *args: object) -> Any:  # noqa: ANN401 - asyncpg's
        """Return the first value of the first row."""
        ...

    async def execute(self, query: str, *args: object) -> str:
        """Return PostgreSQL's word for what was done: `UPDATE 3`."""
        ...

    async def executemany(self, command: str, args: Sequence[Sequence[object]]) -> None:
        """Run it for each, in one trip."""
        ...

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109 - asyncpg's
        """Say good-bye."""
        ...

    def terminate(self) -> None:
        """Let go."""
        ...

    def is_closed(self) -> bool:
        """Tell whether it ended."""
        ...


async def connect(url: str, **settings: str) -> Connection:
    """Open a connection to the first of the hosts that may be written to.

    They are asked at the same time: one whose power failed answers nothing, not even no. Raises
    ConfigurationError, StoreUnavailable.
    """
    asked = [asyncio.create_task(_connect(one, **settings)) for one in each_host(url)]
    waiting = set(asked)
    try:
        while waiting:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            won = next((one for one in done if one.exception() is None), None)
            if won is not None:
                asked.remove(won)
                return won.result()
        return asked[0].result()  # it failed too: its reason is told
    finally:
        await _let_go(asked)


async def _let_go(asked: Sequence[asyncio.Task[Connection]]) -> None:
    """End what was asked in vain, or came second."""
    for one in asked:
        one.cancel()
    for found in await asyncio.gather(*asked, return_exceptions=True):
        if not isinstance(found, BaseException):
            found.terminate()


async def _connect(url: str, **settings: str) -> Connection:
    try:
        async with asyncio.timeout(CONNECT_S):
            connection: Connection = await asyncpg.connect(
                url,
                timeout=CONNECT_S,
                statement_cache_size=_PREPARED,
                target_session_attrs="read-write",
                server_settings=_SETTINGS | settings,
            )
            try:
                encoding, version, _ = await connection.fetchrow(_GREETING)
                _check_server(encoding, version)
            except BaseException:
                connection.terminate()
                raise
    except FOREIGN as error:
        raise translated(error) from error
    except ValueError as error:  # asyncpg's word for a URL that names no place
        raise ConfigurationError(
            "the database's URL cannot be used",
            next_step="Give postgresql://USER@HOST:PORT/DATABASE, or sqlite:DIR.",
        ) from error
    return connection


def _check_server(encoding: str, version: int) -> None:
    if version < _OLDEST:
        raise ConfigurationError(
            "this PostgreSQL is older than 15",
            next_step="Use PostgreSQL 15 or newer.",
        )
    if encoding != "UTF8":
        raise ConfigurationError(
            "the database's encoding is %(encoding)s, not UTF8",
            next_step="Make the database anew: createdb --encoding=UTF8 --template=template0 NAME.",
            encoding=encoding,
        )


def translated(error: BaseException) -> KeyinError:
    """Return the error in our words; none of them carries a value."""
    name = getattr(error, "sqlstate", None) or type(error).__name__
    steps = (step for kind, step in _NEXT_STEPS if isinstance(error, kind))
    return StoreUnavailable(
        "the store cannot answer (%(name)s)",
        next_step=next(steps, msgid("Look at PostgreSQL and its log, then try again.")),
        name=name,
    )


def ended(error: BaseException) -> bool:
    """Tell whether the connection is of no more use after this."""
    return isinstance(error, _CONNECTION_ENDED)


class Server:
    """Where connections come from. After a failure it is let be for a moment."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.connections = 0
        """How many were made so far."""
        self._failed: StoreUnavailable | None = None
        self._again = 0.0

    async def connect(self) -> Connection:
        """Open a connection. Raises ConfigurationError, StoreUnavailable."""
        now = asyncio.get_running_loop().time
        if self._failed is not None and now() < self._again:
            raise StoreUnavailable(
                self._failed.message, next_step=self._failed.next_step, **self._failed.fields
            )
        try:
            connection = await connect(self.url)
        except StoreUnavailable as error:
            self._failed, self._again = error, now() + AGAIN_S
            raise
        self._failed = None
        self.connections += 1
        return connection


class Lane:
    """One connection, used by one at a time, and made anew when it is lost."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._connection: Connection | None = None

    async def connection(self) -> Connection:
        """Return the connection. Raises ConfigurationError, StoreUnavailable."""
        if self._connection is None or self._connection.is_closed():
            self._connection = None
            fresh = await self._server.connect()
            try:
                self._connection = await self.begun(fresh)
            except BaseException:
                fresh.terminate()
                raise
        return self._connection

    async def begun(self, connection: Connection) -> Connection:
        """Prepare a connection that is new; where that fails, it is let go of."""
        return connection

    def drop(self) -> None:
        """Let go of the connection, whatever it is doing."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def close(self) -> None:
        """Say good-bye."""
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed():
            try:
                await connection.close(timeout=1.0)
            except FOREIGN:
                connection.terminate()
