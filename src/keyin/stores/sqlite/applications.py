"""Applications in SQL: plain functions, the one that changes run by the writer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.stores import flow_rows
from keyin.stores.rows import names
from keyin.stores.sqlite import reader
from keyin.stores.sqlite.statements import insert

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from keyin.domain.applications import Application
    from keyin.domain.records import Client, Credential, RecordId

_ADD: Final = insert("applications", flow_rows.APPLICATION)
_FIND: Final = f"SELECT {names(flow_rows.APPLICATION)} FROM applications WHERE credential_id = ?"  # noqa: S608 - ours


def add(connection: sqlite3.Connection, records: Iterable[Application]) -> int:
    """Write what is new; return how many."""
    added = connection.executemany(_ADD, [flow_rows.application_row(one) for one in records])
    return max(0, added.rowcount)


def find(connection: sqlite3.Connection, credential_id: RecordId) -> Application | None:
    """Return the application."""
    row = connection.execute(_FIND, (credential_id,)).fetchone()
    return None if row is None else flow_rows.application(row)


def registered(
    connection: sqlite3.Connection, credential_id: RecordId
) -> tuple[Credential, Client, Application] | None:
    """Return the application with its client as it counts."""
    application = find(connection, credential_id)
    query = "SELECT client_id FROM credentials WHERE id = ?"
    row = connection.execute(query, (credential_id,)).fetchone()
    if application is None or row is None:
        return None
    found = reader.find_client_and_credential(connection, row[0], credential_id)
    return None if found is None else (found[1], found[0], application)
