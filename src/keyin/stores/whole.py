"""A whole store, row by row as it lies: what `keyin cloud copy` takes from one to another.

No row is understood on the way: digests stay digests, what is sealed stays sealed, the audit log's
rows keep their hashes. Both kinds of store have the same tables and columns for that; see
tests/unit/stores/test_whole.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from keyin.stores.rows import Row

PAGE: Final = 2000
"""Rows that are on their way together."""
META: Final = "meta"
BLANK: Final = frozenset({"store_epoch"})
"""Rows of `meta` that a store has which was never used."""
Tables = dict[str, tuple[str, ...]]
"""Columns of each table, both in the order of their names."""


class Source(Protocol):
    """A store that nobody writes to. Each raises StoreUnavailable."""

    async def tables(self) -> Mapping[str, tuple[str, ...]]:
        """Return the columns of each table."""
        ...

    async def count(self, table: str) -> int:
        """Return how many rows a table has."""
        ...

    def pages(self, table: str, columns: Sequence[str]) -> AsyncIterator[Sequence[Row]]:
        """Return all rows of a table, `PAGE` at a time, in the order in which they came."""
        ...


class Target(Protocol):
    """An empty store: all comes into it, or nothing. Each raises StoreUnavailable."""

    async def tables(self) -> Mapping[str, tuple[str, ...]]:
        """Return the columns of each table."""
        ...

    async def is_empty(self) -> bool:
        """Say whether it was never used."""
        ...

    async def put(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Add rows. Raises ConfigurationError where this kind of store cannot have a value."""
        ...

    async def finish(self) -> None:
        """Make everything durable, at once."""
        ...
