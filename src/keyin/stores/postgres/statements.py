"""Statements made of names of ours: many rows in one, each column an array."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.stores.rows import names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.stores.rows import Row

_NUMBERS: Final = frozenset(
    {
        *("place", "seq", "at", "minute", "count", "last", "epoch", "client_epoch"),
        *("credential_epoch", "key_epoch", "store_epoch", "account_epoch", "issued", "expires"),
        *("created", "updated", "revoked", "added", "last_used", "legacy_until", "low_entropy"),
        *("may_create_keys", "may_create_safes", "native", "par_required", "typ_required"),
        *("used", "kept_until", "interval_s", "polled", "denied", "until", "full_at"),
        *("signed_in", "seen", "not_before", "max_uses", "uses", "tries", "mailed"),
        *("next_mail", "activate_by"),
    }
)
_BYTES: Final = frozenset({"sealed", "hash", "content"})
_VERSIONS: Final = frozenset({"key_version", "safe_version"})


def kind(column: str) -> str:
    """Return the type of a column; each name means one thing in all tables."""
    if column in _NUMBERS:
        return "bigint"
    if column in _VERSIONS:
        return "xid"
    return "bytea" if column in _BYTES else "text"


def arrays(columns: Sequence[str], first: int = 1) -> str:
    """Return the columns as parameters, each an array: `unnest` makes rows of them."""
    return ", ".join(f"${first + at}::{kind(name)}[]" for at, name in enumerate(columns))


def insert_many(table: str, columns: Sequence[str], *, first: int = 1) -> str:
    """Return the statement that adds rows; its parameters are `columns_of` them."""
    return (
        f"INSERT INTO {table} ({names(columns)}) "  # noqa: S608 - names of ours
        f"SELECT * FROM unnest({arrays(columns, first)})"
    )


def insert_values(table: str, columns: Sequence[str], count: int, *, first: int = 1) -> str:
    """Return the statement that adds so many rows; its parameters are all of their values.

    Few rows cost less so than as arrays, of which `unnest` makes a table each.
    """
    width = len(columns)
    rows = ", ".join(
        "(" + ", ".join(f"${first + row * width + at}" for at in range(width)) + ")"
        for row in range(count)
    )
    return f"INSERT INTO {table} ({names(columns)}) VALUES {rows}"  # noqa: S608 - names of ours


def insert(table: str, columns: Sequence[str]) -> str:
    """Return the statement that adds one row."""
    places = ", ".join(f"${at}" for at in range(1, len(columns) + 1))
    return f"INSERT INTO {table} ({names(columns)}) VALUES ({places})"  # noqa: S608 - names of ours


def replacing(columns: Sequence[str]) -> str:
    """Return what follows an insertion where the row with this first column is to be replaced."""
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns[1:])
    return f"ON CONFLICT ({columns[0]}) DO UPDATE SET {changes}"


def updating(
    table: str, columns: Sequence[str], beside: Sequence[str] = (), *, one: bool = False
) -> str:
    """Return the statement that replaces rows that are there, found by their first column.

    What is given beside them is not written: conditions that follow may speak of it, as `n`. Its
    parameters are `columns_of` the rows, or of `one` row its values, which costs less.
    """
    changes = ", ".join(f"{name} = n.{name}" for name in columns[1:])
    given = (*columns, *beside)
    values = ", ".join(f"${at}::{kind(name)}" for at, name in enumerate(given, 1))
    source = f"(VALUES ({values}))" if one else f"unnest({arrays(given)})"
    return (
        f"UPDATE {table} SET {changes} FROM {source} AS n ({names(given)}) "  # noqa: S608 - names of ours
        f"WHERE {table}.{columns[0]} = n.{columns[0]}"
    )


def columns_of(rows: Sequence[Row], count: int) -> list[list[object]]:
    """Return rows of so many columns as columns."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(count)]
