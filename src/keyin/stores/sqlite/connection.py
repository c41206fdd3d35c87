"""Connections with our settings, and SQLite's errors in our words."""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING, Final

from keyin.domain.errors import StoreUnavailable, msgid

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from keyin.wire.audit_chain import Head, Row

_SETTINGS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # an answer is given after its commit is on the disk
    "PRAGMA wal_autocheckpoint = 4000",  # pages, 16 MB: one that is written again counts once
    "PRAGMA busy_timeout = 2000",  # a backup may hold the file for a moment
    "PRAGMA trusted_schema = OFF",
    "PRAGMA temp_store = MEMORY",
)
_PREPARED: Final = 512

_NEXT_STEPS: Final = {
    "SQLITE_FULL": msgid("Free some space on the disk that holds the store."),
    "SQLITE_READONLY": msgid("Let the account that runs the cloud write to the store's folder."),
    "SQLITE_CANTOPEN": msgid("Let the account that runs the cloud write to the store's folder."),
    "SQLITE_BUSY": msgid("End the other program that holds the store, or wait for it."),
    "SQLITE_LOCKED": msgid("End the other program that holds the store, or wait for it."),
    "SQLITE_NOTADB": msgid("Check the path: this file is no store of keyin's."),
    "SQLITE_CORRUPT": msgid("Restore the store from a backup."),
    "SQLITE_IOERR": msgid("Look at the system's log: the disk reports errors."),
}


class _OurErrors:
    """A context manager of two calls: it stands around every lookup, and must cost nothing."""

    __slots__ = ()

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: object, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, sqlite3.Error):
            raise translated(error) from error


def our_errors() -> _OurErrors:
    """Raise StoreUnavailable in place of SQLite's errors; none of them carries a value."""
    return _OUR_ERRORS


def translated(error: sqlite3.Error) -> StoreUnavailable:
    """Return the error in our words."""
    name: str = getattr(error, "sqlite_errorname", "") or type(error).__name__
    family = next((known for known in _NEXT_STEPS if name.startswith(known)), "")
    return StoreUnavailable(
        "the store cannot answer (%(name)s)",
        next_step=_NEXT_STEPS.get(family, msgid("Look at the disk and the store, then try again.")),
        name=name,
    )


def create_private(path: Path) -> None:
    """Make the file, where it is missing, readable by its owner only; its journals follow it."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreUnavailable(
            "the store %(path)s cannot be opened: %(reason)s",
            next_step="Check the path and that this account may write there.",
            path=path,
            reason=error.strerror or type(error).__name__,
        ) from error


class WritingConnection(sqlite3.Connection):
    """A connection that knows how far the audit chain has come: nobody else writes to it."""

    head: Head | Row | None = None
    """None: to be read. Whoever undoes something says so."""


def forget_head(connection: sqlite3.Connection) -> None:
    """Let the chain's head be read anew: what was written last may be gone."""
    if isinstance(connection, WritingConnection):
        connection.head = None


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Open a connection that begins and commits only when told. Raises StoreUnavailable."""
    with our_errors():
        connection = sqlite3.connect(
            path,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=_PREPARED,
            factory=sqlite3.Connection if read_only else WritingConnection,
        )
        for setting in _SETTINGS:
            connection.execute(setting)
        if read_only:
            connection.execute("PRAGMA query_only = ON")
        return connection


_OUR_ERRORS: Final = _OurErrors()
