"""A store and its secrets, opened together: what `serve`, `import`, `export` and the rest share.

In SQLite: `DIR/keyin.sqlite3` is the store, `DIR/keyin.lock` says that a process has it,
`DIR/secrets` holds peppers and data keys unless they are elsewhere. In PostgreSQL the store is a
database, which any number of processes share; the secrets are in a directory all the same. Keep a
backup of both, apart from each other.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias, cast

import msgspec

from keyin.domain.errors import ConfigurationError
from keyin.stores.database_url import checked, is_postgres
from keyin.stores.host import SystemEntropy
from keyin.stores.secrets_directory import SecretsDirectory
from keyin.stores.sqlite import SqliteStore, open_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from keyin.stores.postgres import PostgresStore

STORE: Final = "keyin.sqlite3"
LOCK: Final = "keyin.lock"
SECRETS: Final = "secrets"


class InUse(ConfigurationError):  # noqa: N818 - a state, not a mistake
    """Another process has the store."""


class Database(msgspec.Struct, frozen=True):
    """A store in PostgreSQL, and the directory of whoever runs it, where they have one."""

    url: str
    data: Path | None = None


Place: TypeAlias = Path | Database
"""Where a store is; a path is a data directory, with a store in SQLite."""
Store: TypeAlias = "SqliteStore | PostgresStore"


class OpenedStore(msgspec.Struct, frozen=True):
    """A store, the secrets that go with it, and the lock that keeps others away."""

    store: Store
    secrets: SecretsDirectory
    lock: int | None

    def close(self) -> None:
        """Finish what waits to be written, then let others in. Once."""
        self.store.close()
        self._unlock()

    async def aclose(self) -> None:
        """Do as `close`, and say good-bye to a database."""
        await self.store.aclose()
        self._unlock()

    def _unlock(self) -> None:
        if self.lock is not None:
            os.close(self.lock)


def place_of(data: Path | None, database: str | None) -> Place:
    """Return the place that --data and --database name.

    Raises ConfigurationError: neither, two stores, or a database that this keyin cannot use.
    """
    if database is not None and is_postgres(database):
        return Database(checked(database), data)
    if (data is None) == (database is None):
        raise ConfigurationError(
            "say where the store is, once",
            next_step="Give --data DIR (or --database sqlite:DIR, or postgresql://...).",
        )
    if data is not None:
        return data
    scheme, _, rest = str(database).rpartition(":")
    if scheme not in {"", "sqlite"}:
        raise ConfigurationError(
            "keyin keeps its store in SQLite or PostgreSQL, not in %(scheme)s",
            next_step="Give --data DIR, or --database postgresql://USER@HOST:PORT/DATABASE.",
            scheme=scheme.partition(":")[0],
        )
    path = Path(rest.removeprefix("//"))
    return path.parent if path.name == STORE else path


def secrets_of(place: Place, secrets: Path | None) -> Path:
    """Return the directory of peppers and data keys. Raises ConfigurationError: none was named."""
    data = place.data if isinstance(place, Database) else place
    if secrets is None and data is None:
        raise ConfigurationError(
            "say where the secrets of this database are",
            next_step="Give --secrets DIR: the same peppers and data keys on every host.",
        )
    return secrets or cast("Path", data) / SECRETS


def owner_of(data: Path) -> int:
    """Return the account that a data directory belongs to. Raises ConfigurationError."""
    try:
        return data.stat().st_uid
    except OSError as error:
        raise _unusable(data, error) from error


@asynccontextmanager
async def opened(
    place: Place, secrets: Path | None, *, exclusive: bool
) -> AsyncIterator[OpenedStore]:
    """Open a store for as long as the body runs; see `open_data` and `open_database`."""
    if isinstance(place, Path):
        found = open_data(place, secrets, exclusive=exclusive)
    else:
        found = await open_database(place, secrets, make_secrets=exclusive)
    try:
        yield found
    finally:
        await found.aclose()


async def open_database(
    database: Database, secrets: Path | None, *, make_secrets: bool
) -> OpenedStore:
    """Open a database that has the newest schema; others may have it open too.

    Secrets are made where the database knows of none yet. Raises ConfigurationError,
    StoreUnavailable.
    """
    from keyin.stores.postgres import open_store as connected  # noqa: PLC0415 - asyncpg, where used

    folder = secrets_of(database, secrets)
    store = await connected(database.url)
    try:
        create = make_secrets and not await store.secret_ids()
        found = SecretsDirectory.open(folder, entropy=SystemEntropy(), create=create)
        await store.recognise(found.ids)
    except BaseException:
        await store.aclose()
        raise
    return OpenedStore(store, found, None)


def open_data(data: Path, secrets: Path | None, *, exclusive: bool) -> OpenedStore:
    """Open a data directory; with `exclusive`, make what is missing and keep other writers out.

    Without, the store must be there, and may be in use. Secrets are made with a new store only:
    an old store with new secrets would find and open nothing. Raises ConfigurationError,
    StoreUnavailable.
    """
    path = data / STORE
    if not exclusive and not path.exists():
        raise ConfigurationError(
            "there is no store in %(path)s",
            next_step="Check --data; `keyin cloud import` or `keyin cloud serve` makes a store.",
            path=data,
        )
    lock = lock_data(data) if exclusive else None
    try:
        found = SecretsDirectory.open(
            secrets_of(data, secrets),
            entropy=SystemEntropy(),
            create=not path.exists(),
            complete=exclusive,
        )
        store = open_store(path, migrate=exclusive, secret_ids=found.ids)
    except BaseException:
        if lock is not None:
            os.close(lock)
        raise
    return OpenedStore(store, found, lock)


def lock_data(data: Path) -> int:
    """Take the directory for this process; the kernel gives it back whatever ends the process.

    Raises InUse, ConfigurationError.
    """
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(data / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unusable(data, error) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise InUse(
            "another keyin process has the store in %(path)s",
            next_step="End that process first (a running `keyin cloud serve`, an import).",
            path=data,
        ) from error
    return lock


def _unusable(data: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        "the data directory %(path)s cannot be used: %(reason)s",
        next_step="Check --data and that this account may write there.",
        path=data,
        reason=error.strerror or type(error).__name__,
    )
