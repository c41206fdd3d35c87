"""The shared store: PostgreSQL through asyncpg, any number of workers on one database.

Each method is one lookup, joined with what else the turn of the event loop looks up, or one unit
of work of a group commit. `store` puts it together; nothing here decides anything.
"""

from keyin.stores.postgres.store import PostgresStore, open_store

__all__ = ["PostgresStore", "open_store"]
