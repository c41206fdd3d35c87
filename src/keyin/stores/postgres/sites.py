"""Sites and versions of software: a word about one moves the epochs of its clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.stores import site_rows
from keyin.stores.postgres.part import PostgresPart
from keyin.stores.rows import names
from keyin.stores.site_rows import SITE, SOFTWARE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.records import Site, SoftwareVersion
    from keyin.oauth.administration_ports import Word
    from keyin.stores.postgres.transaction import Transaction
    from keyin.stores.rows import Row

_AT_SITE: Final = (
    "SELECT id FROM clients WHERE site = $1 UNION SELECT client_id FROM credentials WHERE site = $1"
)
_WITH_SOFTWARE: Final = (
    "SELECT id FROM clients WHERE software_id = $1 AND software_version = $2 "
    "UNION SELECT client_id FROM credentials WHERE software_id = $1 AND software_version = $2"
)
_SITES: Final = """
SELECT name FROM sites WHERE name > $1
UNION SELECT site FROM clients WHERE site > $1 UNION SELECT site FROM credentials WHERE site > $1
ORDER BY 1 LIMIT $2
"""
_VERSIONS: Final = """
SELECT id, version FROM software WHERE (id, version) > ($1, $2)
UNION SELECT software_id, software_version FROM clients
WHERE software_id IS NOT NULL AND software_version IS NOT NULL
  AND (software_id, software_version) > ($1, $2)
UNION SELECT software_id, software_version FROM credentials
WHERE software_id IS NOT NULL AND software_version IS NOT NULL
  AND (software_id, software_version) > ($1, $2)
ORDER BY 1, 2 LIMIT $3
"""
_FIND_SITE: Final = f"SELECT {names(SITE)} FROM sites WHERE name = $1"  # noqa: S608 - ours
_FIND_SOFTWARE: Final = f"SELECT {names(SOFTWARE)} FROM software WHERE id = $1 AND version = $2"  # noqa: S608 - ours
# a word that is no news, or about what is over, changes no row: of two at once one is news
_PUT_SITE: Final = (
    "INSERT INTO sites AS there (name, status, reason, created) VALUES ($1, $2, $3, $4) "
    "ON CONFLICT (name) DO UPDATE SET status = $2, reason = $3, updated = $4 "
    "WHERE there.status NOT IN ($2, 'revoked')"
)
_PUT_SOFTWARE: Final = (
    "INSERT INTO software AS there (id, version, status, reason, created) "
    "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id, version) "
    "DO UPDATE SET status = $3, reason = $4, updated = $5 "
    "WHERE there.status NOT IN ($3, 'revoked')"
)


class PostgresSites(PostgresPart):
    """What a method does stands with its port, oauth.administration_ports."""

    async def find_site(self, name: str) -> tuple[Site | None, int]:
        """See Sites."""
        row = await self._lookups.fetchrow(_FIND_SITE, name)
        count = await self._lookups.fetchrow(_count(_AT_SITE), name)
        return None if row is None else site_rows.site(row), count[0] if count else 0

    async def sites(self, *, after: str, most: int) -> Sequence[tuple[str, Site | None, int]]:
        """See Sites."""
        found = await self._lookups.fetch(_SITES, after, most)
        return [(name, *await self.find_site(name)) for (name,) in found]

    async def set_site(self, name: str, word: Word, *, ending: bool) -> int | None:
        """See Sites."""
        put = (name, word.status, word.reason, word.now)
        return await self._say(_PUT_SITE, put, _AT_SITE, (name,), word, ending=ending)

    async def find_software(self, id_: str, version: str) -> tuple[SoftwareVersion | None, int]:
        """See Software."""
        row = await self._lookups.fetchrow(_FIND_SOFTWARE, id_, version)
        count = await self._lookups.fetchrow(_count(_WITH_SOFTWARE), id_, version)
        return None if row is None else site_rows.software(row), count[0] if count else 0

    async def software(
        self, *, after: tuple[str, str], most: int
    ) -> Sequence[tuple[tuple[str, str], SoftwareVersion | None, int]]:
        """See Software."""
        found = await self._lookups.fetch(_VERSIONS, *after, most)
        return [((id_, version), *await self.find_software(id_, version)) for id_, version in found]

    async def set_software(self, id_: str, version: str, word: Word, *, ending: bool) -> int | None:
        """See Software."""
        name = (id_, version)
        put = (*name, word.status, word.reason, word.now)
        return await self._say(_PUT_SOFTWARE, put, _WITH_SOFTWARE, name, word, ending=ending)

    async def _say(
        self, statement: str, put: Row, clients: str, name: Row, word: Word, *, ending: bool
    ) -> int | None:
        """Write a word down; end the tokens of the clients, where any end; count the clients."""

        async def unit(transaction: Transaction) -> int | None:
            if not await transaction.execute(statement, *put):
                return None
            if ending:
                await transaction.execute(_ending(clients, len(name) + 1), *name, word.now)
            transaction.append(word.event)
            count = await transaction.fetchrow(_count(clients), *name)
            return count[0] if count else 0

        return await self._writer.run(unit)


def _count(clients: str) -> str:
    return f"SELECT count(*) FROM ({clients}) AS found"  # noqa: S608 - ours


def _ending(clients: str, now: int) -> str:
    return f"UPDATE clients SET epoch = epoch + 1, updated = ${now} WHERE id IN ({clients})"  # noqa: S608 - ours
