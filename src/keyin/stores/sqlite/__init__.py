"""The embedded store: SQLite from the standard library, one server process per file."""
