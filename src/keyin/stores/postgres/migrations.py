"""The schema's versions: numbered .sql files, applied in order, forward only.

Each file runs in one transaction with the note that it ran, under a lock that the database has but
once: of two who migrate at the same time, the second finds it done. A file that has landed never
changes (its checksum is kept).
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Final

from keyin.domain.errors import ConfigurationError
from keyin.stores.postgres.connection import FOREIGN, Connection, connect, translated
from keyin.stores.schema_files import Migration, read

if TYPE_CHECKING:
    from collections.abc import Sequence

_LOCK: Final = 0x4B59494E_00000001
_PREPARATION: Final = """
CREATE TABLE schema_versions (
  version  BIGINT PRIMARY KEY,
  name     TEXT NOT NULL,
  checksum TEXT NOT NULL,
  applied  TIMESTAMPTZ NOT NULL DEFAULT now()
)
"""
_PRESENT: Final = "SELECT to_regclass('schema_versions') IS NOT NULL"
_OTHERS: Final = """
SELECT EXISTS (SELECT 1 FROM pg_class
WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace)
"""
_NOTE: Final = "INSERT INTO schema_versions (version, name, checksum) VALUES ($1, $2, $3)"


def known() -> list[Migration]:
    """Return every migration that this build carries, in order."""
    return read(files(__package__) / "schema")


async def migrate(url: str, steps: Sequence[Migration] | None = None) -> list[int]:
    """Bring the database to the newest schema; return the versions that were applied here.

    Raises ConfigurationError, StoreUnavailable.
    """
    steps = known() if steps is None else steps
    # what a migration does to a large table may take as long as it takes
    connection = await connect(
        url, statement_timeout="0", lock_timeout="0", idle_in_transaction_session_timeout="0"
    )
    try:
        return [step.version for step in steps if await _apply(connection, step, steps)]
    except FOREIGN as error:
        raise translated(error) from error
    finally:
        connection.terminate()


async def _apply(connection: Connection, step: Migration, steps: Sequence[Migration]) -> bool:
    """Run one file and note it, unless that was done already."""
    await connection.execute("BEGIN")
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
    version = await check(connection, steps)
    due = version == step.version - 1
    if due:
        if version == 0 and not await connection.fetchval(_PRESENT):
            await connection.execute(_PREPARATION)
        await connection.execute(step.sql)
        await connection.execute(_NOTE, step.version, step.name, step.checksum)
    await connection.execute("COMMIT")
    return due


async def check(connection: Connection, steps: Sequence[Migration] | None = None) -> int:
    """Return the database's version. Raises ConfigurationError where it is not one of ours."""
    steps = known() if steps is None else steps
    if not await connection.fetchval(_PRESENT):
        if await connection.fetchval(_OTHERS):
            raise ConfigurationError(
                "this database belongs to another program",
                next_step="Give --database a database of its own.",
            )
        return 0
    rows = await connection.fetch("SELECT version, checksum FROM schema_versions")
    applied = {row[0]: row[1] for row in rows}
    version = max(applied, default=0)
    if version > len(steps):
        raise ConfigurationError(
            "the store has schema %(found)s; this keyin knows schemas up to %(known)s",
            next_step="Install the newer keyin that the store was last opened with.",
            found=version,
            known=len(steps),
        )
    for step in steps[:version]:
        if applied.get(step.version) != step.checksum:
            raise ConfigurationError(
                "the store's schema %(version)s was made by another build of keyin",
                next_step="Open it with that build, export, and import the export here.",
                version=step.version,
            )
    return version


async def check_current(connection: Connection) -> None:
    """Raise ConfigurationError where the database lacks a migration."""
    steps = known()
    version = await check(connection, steps)
    if version < len(steps):
        raise ConfigurationError(
            "the database has schema %(found)s; this keyin needs schema %(known)s",
            next_step="Run `keyin cloud migrate --database URL` once, then start again.",
            found=version,
            known=len(steps),
        )
