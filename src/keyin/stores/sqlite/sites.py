"""Sites and versions of software in SQL: a word about one moves the epochs of its clients."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from keyin.domain.records import Status
from keyin.stores import site_rows
from keyin.stores.rows import names
from keyin.stores.site_rows import SITE, SOFTWARE
from keyin.stores.sqlite import audit
from keyin.stores.sqlite.connection import our_errors
from keyin.stores.sqlite.part import SqlitePart

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from keyin.domain.records import Site, SoftwareVersion
    from keyin.oauth.administration_ports import Word

_AT_SITE: Final = (
    "SELECT id FROM clients WHERE site = ? UNION SELECT client_id FROM credentials WHERE site = ?"
)
_WITH_SOFTWARE: Final = (
    "SELECT id FROM clients WHERE software_id = ? AND software_version = ? "
    "UNION SELECT client_id FROM credentials WHERE software_id = ? AND software_version = ?"
)
_SITES: Final = """
SELECT name FROM sites WHERE name > ?1
UNION SELECT site FROM clients WHERE site > ?1 UNION SELECT site FROM credentials WHERE site > ?1
ORDER BY 1 LIMIT ?2
"""
_VERSIONS: Final = """
SELECT id, version FROM software WHERE (id, version) > (?1, ?2)
UNION SELECT software_id, software_version FROM clients
WHERE software_id IS NOT NULL AND software_version IS NOT NULL
  AND (software_id, software_version) > (?1, ?2)
UNION SELECT software_id, software_version FROM credentials
WHERE software_id IS NOT NULL AND software_version IS NOT NULL
  AND (software_id, software_version) > (?1, ?2)
ORDER BY 1, 2 LIMIT ?3
"""
_FIND_SITE: Final = f"SELECT {names(SITE)} FROM sites WHERE name = ?"  # noqa: S608 - ours
_FIND_SOFTWARE: Final = f"SELECT {names(SOFTWARE)} FROM software WHERE id = ? AND version = ?"  # noqa: S608 - ours
_PUT_SITE: Final = (
    "INSERT INTO sites (name, status, reason, created) VALUES (?1, ?2, ?3, ?4) "
    "ON CONFLICT DO UPDATE SET status = ?2, reason = ?3, updated = ?4"
)
_PUT_SOFTWARE: Final = (
    "INSERT INTO software (id, version, status, reason, created) VALUES (?1, ?2, ?3, ?4, ?5) "
    "ON CONFLICT DO UPDATE SET status = ?3, reason = ?4, updated = ?5"
)


class SqliteSites(SqlitePart):
    """What a method does stands with its port, oauth.administration_ports."""

    async def find_site(self, name: str) -> tuple[Site | None, int]:
        """See Sites."""
        with our_errors():
            return _site(self._reading, name), _count(self._reading, _AT_SITE, (name,))

    async def sites(self, *, after: str, most: int) -> Sequence[tuple[str, Site | None, int]]:
        """See Sites."""
        with our_errors():
            found = self._reading.execute(_SITES, (after, most)).fetchall()
        return [(name, *await self.find_site(name)) for (name,) in found]

    async def set_site(self, name: str, word: Word, *, ending: bool) -> int | None:
        """See Sites."""
        return await self._changing_clients(partial(_set_site, name=name, word=word, ending=ending))

    async def find_software(self, id_: str, version: str) -> tuple[SoftwareVersion | None, int]:
        """See Software."""
        with our_errors():
            count = _count(self._reading, _WITH_SOFTWARE, (id_, version))
            return _software(self._reading, id_, version), count

    async def software(
        self, *, after: tuple[str, str], most: int
    ) -> Sequence[tuple[tuple[str, str], SoftwareVersion | None, int]]:
        """See Software."""
        with our_errors():
            found = self._reading.execute(_VERSIONS, (*after, most)).fetchall()
        return [((id_, version), *await self.find_software(id_, version)) for id_, version in found]

    async def set_software(self, id_: str, version: str, word: Word, *, ending: bool) -> int | None:
        """See Software."""
        return await self._changing_clients(
            partial(_set_software, id_=id_, version=version, word=word, ending=ending)
        )


def _site(connection: sqlite3.Connection, name: str) -> Site | None:
    row = connection.execute(_FIND_SITE, (name,)).fetchone()
    return None if row is None else site_rows.site(row)


def _software(connection: sqlite3.Connection, id_: str, version: str) -> SoftwareVersion | None:
    row = connection.execute(_FIND_SOFTWARE, (id_, version)).fetchone()
    return None if row is None else site_rows.software(row)


def _set_site(connection: sqlite3.Connection, name: str, word: Word, *, ending: bool) -> int | None:
    if not _may(_site(connection, name), word):
        return None
    connection.execute(_PUT_SITE, (name, word.status, word.reason, word.now))
    return _concern(connection, _AT_SITE, (name,), word, ending=ending)


def _set_software(
    connection: sqlite3.Connection, id_: str, version: str, word: Word, *, ending: bool
) -> int | None:
    if not _may(_software(connection, id_, version), word):
        return None
    connection.execute(_PUT_SOFTWARE, (id_, version, word.status, word.reason, word.now))
    return _concern(connection, _WITH_SOFTWARE, (id_, version), word, ending=ending)


def _may(there: Site | SoftwareVersion | None, word: Word) -> bool:
    """Tell whether this is news, and not about something that is over."""
    return there is None or there.status not in {word.status, Status.REVOKED}


def _concern(
    connection: sqlite3.Connection, clients: str, name: tuple[str, ...], word: Word, *, ending: bool
) -> int:
    """End the tokens of the clients, where anything ends; note the event; count the clients."""
    if ending:
        connection.execute(
            f"UPDATE clients SET epoch = epoch + 1, updated = ? WHERE id IN ({clients})",  # noqa: S608 - ours
            (word.now, *name, *name),
        )
    audit.append(connection, word.event)
    return _count(connection, clients, name)


def _count(connection: sqlite3.Connection, clients: str, name: tuple[str, ...]) -> int:
    found: tuple[Any, ...] = connection.execute(
        f"SELECT count(*) FROM ({clients})",  # noqa: S608 - ours
        (*name, *name),
    ).fetchone()
    return int(found[0])
