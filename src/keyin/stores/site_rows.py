"""Rows of sites and versions of software: the columns stand here once, for every store in SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.domain.records import Site, SoftwareVersion, Status

if TYPE_CHECKING:
    from keyin.stores.rows import Row

_WORD: Final = ("status", "reason", "created", "updated")
SITE: Final = ("name", *_WORD)
SOFTWARE: Final = ("id", "version", *_WORD)


def site(row: Row) -> Site:
    """Return the site in a row of `SITE`."""
    name, status, reason, created, updated = row
    return Site(name=name, status=Status(status), reason=reason, created=created, updated=updated)


def software(row: Row) -> SoftwareVersion:
    """Return the version in a row of `SOFTWARE`."""
    id_, version, status, reason, created, updated = row
    return SoftwareVersion(
        id=id_,
        version=version,
        status=Status(status),
        reason=reason,
        created=created,
        updated=updated,
    )
