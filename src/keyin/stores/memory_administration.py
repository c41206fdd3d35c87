"""The part of the forgetful store that holds sites and software, and answers the administrator."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from msgspec.structs import replace

from keyin.domain.records import (
    Client,
    Credential,
    Lineage,
    RecordId,
    Site,
    SoftwareVersion,
    Status,
    Token,
    as_it_counts,
)
from keyin.oauth.administration_ports import ClientPicture
from keyin.stores.memory_client_keys import MemoryClientKeys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.environment import Millis
    from keyin.domain.events import Event
    from keyin.domain.records import ClientKey, Digest
    from keyin.oauth.administration_ports import Word
    from keyin.stores.memory_notices import MemoryNotices


class MemoryAdministration(MemoryClientKeys):
    """What a method does stands with its port, oauth.administration_ports."""

    _clients: dict[RecordId, Client]
    _credentials: dict[RecordId, Credential]
    _tokens: dict[Digest, Token]

    def __init__(self) -> None:
        super().__init__()
        self._sites: dict[str, Site] = {}
        self._software: dict[tuple[str, str], SoftwareVersion] = {}

    def as_found(self, client: Client, *credentials: Credential) -> Client:
        """Return a client as it counts beside these credentials."""
        lineages = [client.lineage, *(one.lineage for one in credentials)]
        sites = [self._sites.get(lineage.site) for lineage in lineages if lineage.site is not None]
        software = [self._software.get(name) for name in map(_software, lineages) if name]
        return as_it_counts(
            client,
            site=any(one is not None and one.status is not Status.ACTIVE for one in sites),
            software=any(one is not None and one.status is not Status.ACTIVE for one in software),
        )

    async def clients_named(self, name: str) -> Sequence[RecordId]:
        """See ClientRegister."""
        by_name = {c.client_id for c in self._credentials.values() if c.oauth2_client_id == name}
        return [id_ for id_ in self._clients if id_ == name or id_ in by_name]

    async def client_picture(self, id_: RecordId) -> ClientPicture | None:
        """See ClientRegister."""
        found = enumerate(self._clients.values(), 1)
        return next((self.picture(n, client) for n, client in found if client.id == id_), None)

    async def client_pictures(
        self, *, after: int, most: int, site: str | None, status: Status | None
    ) -> Sequence[ClientPicture]:
        """See ClientRegister."""
        found = [
            self.picture(number, client)
            for number, client in enumerate(self._clients.values(), 1)
            if number > after
            and site in {None, client.lineage.site}
            and status in {None, client.status}
        ]
        return found[:most]

    async def set_client_status(
        self, id_: RecordId, word: Word, *, only_from: frozenset[Status]
    ) -> bool:
        """See ClientRegister."""
        client = self._clients.get(id_)
        if client is None or client.status not in only_from:
            return False
        self._clients[id_] = replace(
            client, status=word.status, epoch=client.epoch + 1, updated=word.now
        )
        self.append_event(word.event)
        cast("MemoryNotices", self).put_notices(word.notices)
        return True

    async def set_legacy_until(
        self, id_: RecordId, until: Millis, *, now: Millis, event: Event
    ) -> bool:
        """See ClientRegister."""
        client = self._clients.get(id_)
        if client is None or client.legacy_until == until:
            return False
        self._clients[id_] = replace(client, legacy_until=until, updated=now)
        self.append_event(event)
        return True

    async def add_client_key(self, key: ClientKey, *, event: Event) -> bool:
        """See ClientKeyRegister."""
        added = self.put_client_key(key)
        if added:
            self.append_event(event)
        return added

    async def end_client_key(self, kid: str, *, event: Event) -> bool:
        """See ClientKeyRegister."""
        key = self._client_keys.get(kid)
        if key is None or key.status is Status.REVOKED:
            return False
        self.end_key_of_client(kid)
        self.append_event(event)
        return True

    def end_key_of_client(self, kid: str) -> bool:
        """Mark a key and move its credential's epoch on; say whether there is such a key."""
        key = self.revoke_one_client_key(kid)
        credential = self._credentials.get(key.credential_id) if key else None
        if credential is not None:
            moved_on = replace(credential, epoch=credential.epoch + 1)
            self._credentials[credential.id] = moved_on
        return key is not None

    async def end_token(self, digests: Sequence[Digest], *, event: Event) -> bool | None:
        """See ClientKeyRegister."""
        token = next((self._tokens[one] for one in digests if one in self._tokens), None)
        if token is None or token.status is Status.REVOKED:
            return None if token is None else False
        self._tokens[token.digest] = replace(token, status=Status.REVOKED)
        self.append_event(event)
        return True

    async def find_site(self, name: str) -> tuple[Site | None, int]:
        """See Sites."""
        return self._sites.get(name), len(self._at_site(name))

    async def sites(self, *, after: str, most: int) -> Sequence[tuple[str, Site | None, int]]:
        """See Sites."""
        names = {lineage.site for lineage in self._lineages() if lineage.site is not None}
        names |= set(self._sites)
        return [(n, *await self.find_site(n)) for n in sorted(n for n in names if n > after)[:most]]

    async def set_site(self, name: str, word: Word, *, ending: bool) -> int | None:
        """See Sites."""
        there = self._sites.get(name)
        if there is not None and there.status in {word.status, Status.REVOKED}:
            return None
        self._sites[name] = Site(
            name=name,
            status=word.status,
            reason=word.reason,
            created=there.created if there else word.now,
            updated=word.now if there else None,
        )
        return self._concern(self._at_site(name), word, ending=ending)

    async def find_software(self, id_: str, version: str) -> tuple[SoftwareVersion | None, int]:
        """See Software."""
        return self._software.get((id_, version)), len(self._with_software((id_, version)))

    async def software(
        self, *, after: tuple[str, str], most: int
    ) -> Sequence[tuple[tuple[str, str], SoftwareVersion | None, int]]:
        """See Software."""
        names = {name for name in map(_software, self._lineages()) if name} | set(self._software)
        later = sorted(name for name in names if name > after)[:most]
        return [(name, *await self.find_software(*name)) for name in later]

    async def set_software(self, id_: str, version: str, word: Word, *, ending: bool) -> int | None:
        """See Software."""
        name = (id_, version)
        there = self._software.get(name)
        if there is not None and there.status in {word.status, Status.REVOKED}:
            return None
        self._software[name] = SoftwareVersion(
            id=id_,
            version=version,
            status=word.status,
            reason=word.reason,
            created=there.created if there else word.now,
            updated=word.now if there else None,
        )
        return self._concern(self._with_software(name), word, ending=ending)

    def picture(self, number: int, client: Client) -> ClientPicture:
        """Return a client with all that belongs to it."""
        credentials = [c for c in self._credentials.values() if c.client_id == client.id]
        ids = {credential.id for credential in credentials}
        keys = [key for key in self._client_keys.values() if key.credential_id in ids]
        return ClientPicture(
            number=number,
            client=self.as_found(client, *credentials),
            credentials=credentials,
            keys=sorted(keys, key=lambda key: (key.added, key.kid)),
        )

    def _lineages(self) -> list[Lineage]:
        clients, credentials = self._clients.values(), self._credentials.values()
        return [*(one.lineage for one in clients), *(one.lineage for one in credentials)]

    def _at_site(self, name: str) -> set[RecordId]:
        return {
            *(one.id for one in self._clients.values() if one.lineage.site == name),
            *(one.client_id for one in self._credentials.values() if one.lineage.site == name),
        }

    def _with_software(self, name: tuple[str, str]) -> set[RecordId]:
        clients, credentials = self._clients.values(), self._credentials.values()
        return {
            *(one.id for one in clients if _software(one.lineage) == name),
            *(one.client_id for one in credentials if _software(one.lineage) == name),
        }

    def _concern(self, ids: set[RecordId], word: Word, *, ending: bool) -> int:
        for id_ in ids if ending else ():
            if id_ in self._clients:
                client = self._clients[id_]
                moved_on = replace(client, epoch=client.epoch + 1, updated=word.now)
                self._clients[id_] = moved_on
        self.append_event(word.event)
        return len(ids)


def _software(lineage: Lineage) -> tuple[str, str] | None:
    if lineage.software_id is None or lineage.software_version is None:
        return None
    return lineage.software_id, lineage.software_version
