"""The embedded store: SQLite from the standard library, one server process per file.

Reads run where they are asked for (12 µs each); writes go through one thread that commits for
many at once. `store` puts it together; nothing here decides anything.
"""

from keyin.stores.sqlite.store import SqliteStore, open_store

__all__ = ["SqliteStore", "open_store"]
