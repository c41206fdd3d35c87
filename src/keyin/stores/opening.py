"""A data directory and its secrets, opened together: what `serve`, `import` and `export` share.

`DIR/keyin.sqlite3` is the store, `DIR/keyin.lock` says that a process has it, `DIR/secrets` holds
peppers and data keys unless they are elsewhere. Keep a backup of both, apart from each other.
"""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from keyin.domain.errors import ConfigurationError
from keyin.stores.host import SystemEntropy
from keyin.stores.secrets_directory import SecretsDirectory
from keyin.stores.sqlite import SqliteStore, open_store

STORE: Final = "keyin.sqlite3"
LOCK: Final = "keyin.lock"
SECRETS: Final = "secrets"


class InUse(ConfigurationError):  # noqa: N818 - a state, not a mistake
    """Another process has the store."""


@dataclass(frozen=True, slots=True)
class OpenedStore:
    """A store, the secrets that go with it, and the lock that keeps others away."""

    store: SqliteStore
    secrets: SecretsDirectory
    lock: int | None

    def close(self) -> None:
        """Finish what waits to be written, then let others in. Once."""
        self.store.close()
        if self.lock is not None:
            os.close(self.lock)


def data_directory(data: Path | None, database: str | None) -> Path:
    """Return the data directory that --data or a --database of SQLite names.

    Raises ConfigurationError: neither, both, or a database that this keyin cannot use.
    """
    if (data is None) == (database is None):
        raise ConfigurationError(
            "say where the store is, once",
            next_step="Give --data DIR (or --database sqlite:DIR).",
        )
    if data is not None:
        return data
    scheme, _, rest = str(database).rpartition(":")
    if scheme not in {"", "sqlite"}:
        raise ConfigurationError(
            "this keyin keeps its store in SQLite only; %(scheme)s databases come later",
            next_step="Give --data DIR.",
            scheme=scheme.partition(":")[0],
        )
    path = Path(rest.removeprefix("//"))
    return path.parent if path.name == STORE else path


def owner_of(data: Path) -> int:
    """Return the account that a data directory belongs to. Raises ConfigurationError."""
    try:
        return data.stat().st_uid
    except OSError as error:
        raise _unusable(data, error) from error


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
    lock = _lock(data) if exclusive else None
    try:
        opened = SecretsDirectory.open(
            secrets or data / SECRETS, entropy=SystemEntropy(), create=not path.exists()
        )
        store = open_store(path, migrate=exclusive, secret_ids=opened.ids)
    except BaseException:
        if lock is not None:
            os.close(lock)
        raise
    return OpenedStore(store, opened, lock)


def _lock(data: Path) -> int:
    """Take the directory for this process; the kernel gives it back whatever ends the process."""
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
