"""The schema's versions: numbered .sql files, applied in order, forward only.

Each file runs in one transaction with the note that it ran. A file that has landed never changes
(its checksum is kept); a store of any landed version opens in every later one.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Final

from keyin.domain.errors import ConfigurationError
from keyin.stores.schema_files import Migration, read
from keyin.stores.sqlite.connection import our_errors
from keyin.stores.token_place import token_place

if TYPE_CHECKING:
    import sqlite3

_APPLICATION_ID: Final = 0x4B59494E  # "KYIN"; https://www.sqlite.org/fileformat2.html, offset 68
_PREPARATION: Final = f"""
BEGIN IMMEDIATE;
PRAGMA application_id = {_APPLICATION_ID};
CREATE TABLE migrations (
  version  INTEGER PRIMARY KEY,
  name     TEXT NOT NULL,
  checksum TEXT NOT NULL,
  applied  TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
COMMIT;
"""


def known() -> list[Migration]:
    """Return every migration that this build carries, in order."""
    return read(files(__package__) / "schema")


def migrate(connection: sqlite3.Connection, migrations: list[Migration] | None = None) -> None:
    """Bring the store to the newest schema. Raises ConfigurationError, StoreUnavailable."""
    steps = known() if migrations is None else migrations
    with our_errors():
        connection.create_function("token_place", 1, token_place, deterministic=True)
        version = check(connection, steps)
        if version == 0 and not _has_tables(connection):
            connection.executescript(_PREPARATION)
        for step in steps[version:]:
            _apply(connection, step)


def check(connection: sqlite3.Connection, steps: list[Migration] | None = None) -> int:
    """Return the store's version. Raises ConfigurationError where it is not one of ours."""
    steps = known() if steps is None else steps
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    if application != _APPLICATION_ID and _has_tables(connection):
        raise ConfigurationError(
            "this database belongs to another program",
            next_step="Give --data a folder of its own.",
        )
    if version > len(steps):
        raise ConfigurationError(
            "the store has schema %(found)s; this keyin knows schemas up to %(known)s",
            next_step="Install the newer keyin that the store was last opened with.",
            found=version,
            known=len(steps),
        )
    if version:
        _check_checksums(connection, steps[:version])
    return version


def check_current(connection: sqlite3.Connection) -> None:
    """Raise ConfigurationError where the store lacks a migration."""
    with our_errors():
        if check(connection) < len(known()):
            raise ConfigurationError(
                "the store has an older schema",
                next_step="Start `keyin cloud serve` or `keyin cloud import` on it once.",
            )


def _check_checksums(connection: sqlite3.Connection, steps: list[Migration]) -> None:
    applied = dict(connection.execute("SELECT version, checksum FROM migrations").fetchall())
    for step in steps:
        if applied.get(step.version) != step.checksum:
            raise ConfigurationError(
                "the store's schema %(version)s was made by another build of keyin",
                next_step="Open it with that build, export, and import the export here.",
                version=step.version,
            )


def _apply(connection: sqlite3.Connection, step: Migration) -> None:
    """Run one file and note it, in one transaction. Its name and checksum need no quoting."""
    noted = (
        f"INSERT INTO migrations (version, name, checksum) "  # noqa: S608 - ours: digits, [a-z0-9_], hex
        f"VALUES ({step.version}, '{step.name}', '{step.checksum}');"
    )
    try:
        connection.executescript(
            f"BEGIN IMMEDIATE;\n{step.sql}\n{noted}\nPRAGMA user_version = {step.version};\nCOMMIT;"
        )
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _has_tables(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone() is not None
