"""Rows of notices: the columns stand here once, in one order, for every store in SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.domain.enrolment import Notice, NoticeKind

if TYPE_CHECKING:
    from collections.abc import Sequence

NOTICE: Final = (
    *("id", "account_id", "kind", "client_id", "initial_access_id", "name", "address", "at"),
    *("seen", "mailed"),
)
"""`seen` and `mailed` are times, or nothing."""


def notice(row: Sequence[object]) -> Notice:
    """Return the notice in a row of `NOTICE`."""
    named = dict(zip(NOTICE, row, strict=True))
    return Notice(
        **{  # type: ignore[arg-type] # what the columns hold, the schema says
            **named,
            "kind": NoticeKind(str(named["kind"])),
            "seen": named["seen"] is not None,
            "mailed": named["mailed"] is not None,
        }
    )


def notice_row(record: Notice) -> tuple[object, ...]:
    """Return the row of a new notice."""
    there = tuple(getattr(record, name) for name in NOTICE[:-2])
    return (*there, record.at if record.seen else None, record.at if record.mailed else None)
