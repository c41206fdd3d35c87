"""Statements that several parts of the store have, made of names of ours."""

from __future__ import annotations


def insert(table: str, columns: tuple[str, ...]) -> str:
    """Return the statement that adds a row where its first column, or a unique one, is new."""
    places = ", ".join("?" * len(columns))
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places}) "  # noqa: S608 - our own names
        "ON CONFLICT DO NOTHING"
    )
