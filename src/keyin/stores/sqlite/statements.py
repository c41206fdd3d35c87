"""Statements that several parts of the store have, made of names of ours."""

from __future__ import annotations

from keyin.stores.rows import names


def adding(table: str, columns: tuple[str, ...]) -> str:
    """Return the statement that adds a row."""
    places = ", ".join("?" * len(columns))
    return f"INSERT INTO {table} ({names(columns)}) VALUES ({places})"  # noqa: S608 - our own names


def insert(table: str, columns: tuple[str, ...]) -> str:
    """Return the statement that adds a row where its first column, or a unique one, is new."""
    return f"{adding(table, columns)} ON CONFLICT DO NOTHING"
