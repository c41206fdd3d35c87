"""Settings for a key on a device, and saving preferences: from a grant on, never from a token.

The cloud-based flow manager's part (cloud-wire §4.3, §4.5). Whatever odd shape is stored is read
as far as it goes; nothing a device or a document says ends in an error of ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec
from msgspec import ValidationError, convert

from keyin.domain.disclosure import disclose
from keyin.domain.errors import InvalidDocument
from keyin.domain.matchmaking import match
from keyin.domain.ontologies import FLAT
from keyin.domain.records import Lineage, Origin
from keyin.settings.documents import read_sets
from keyin.settings.errors import Rejected, Why
from keyin.settings.matched import Matched, Meetings, meeting
from keyin.settings.saving import Author, Manner, Saving, Wish
from keyin.settings.writable import may_write
from keyin.wire.settings_query import Query
from keyin.wire.strict_json import decode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from keyin.domain.absent import Value
    from keyin.domain.environment import Millis
    from keyin.domain.grant import Grant
    from keyin.domain.networks import Address
    from keyin.domain.ontologies import Ontologies
    from keyin.domain.records import Safe
    from keyin.settings.codex import Codex
    from keyin.settings.elsewhere import Elsewhere
    from keyin.settings.ports import Safes
    from keyin.settings.registry import Installed, Registries

NO_USER: Final = "noUser"
"""The reserved key that stands for nobody: it has no preferences (cloud-wire §4.3)."""

Look: TypeAlias = "Callable[[], Awaitable[None]]"

_encode = msgspec.json.Encoder().encode


class SettingsService(msgspec.Struct, frozen=True, kw_only=True):
    """Reads and saves preferences."""

    safes: Safes
    saving: Saving
    registries: Registries
    ontologies: Ontologies
    codex: Codex
    look: Look
    """See `settings.current`."""
    elsewhere: Elsewhere | None = None
    """Where the preferences are, if not in this cloud's own store."""
    meetings: Meetings = msgspec.field(default_factory=Meetings)

    async def query(self, grant: Grant, report: str, *, request_id: str | None = None) -> bytes:
        """Answer the four members of cloud-wire §4.3 as JSON, for a device's report as JSON.

        Raises Rejected and StoreUnavailable.
        """
        await self.look()
        device = self.registries.installed(report)
        matched = await self._met(grant, device, request_id)
        return b"".join(
            (
                b'{"gpiiKey":',
                _encode(grant.key.reveal() if grant.key else None),
                b',"preferences":',
                matched.preferences,
                b',"solutionsRegistryEntries":',
                device.entries,
                b',"matchMakerOutput":',
                matched.output,
                b"}",
            )
        )

    async def query_own(self, grant: Grant, body: bytes, *, request_id: str | None = None) -> bytes:
        """Answer a `wire.settings_query.Query` with an `Answered`: no key, no registry entries.

        Raises Rejected and StoreUnavailable.
        """
        await self.look()
        device = self.registries.installed(_device(body))
        matched = await self._met(grant, device, request_id)
        return b"".join(
            (
                b'{"preferences":',
                matched.preferences,
                b',"matchMakerOutput":',
                matched.output,
                b',"solutions":',
                _encode(device.registry),
                b"}",
            )
        )

    async def _met(self, grant: Grant, device: Installed, request_id: str | None) -> Matched:
        if self.elsewhere is not None:
            return _match(await self.elsewhere.sets(grant, request_id), device)
        safe = await self._safe(grant)
        return _match({}, device) if safe is None else self._matched(safe, device)

    def _matched(self, safe: Safe, device: Installed) -> Matched:
        name = meeting(safe, device.report, device.registry)
        known = self.meetings.find(name)
        if known is None:
            known = _match(self.ontologies.view(self.saving.open(safe).preferences, FLAT), device)
            self.meetings.remember(name, known)
        return known

    async def save(
        self,
        grant: Grant,
        body: bytes,
        now: Millis,
        *,
        address: Address | None = None,
        request_id: str | None = None,
    ) -> bytes:
        """Merge a preference set into the key's safe; answer as JSON once it is durable.

        A key that is made by it leaves an event, with where the request came from. Raises
        Rejected and StoreUnavailable.
        """
        await self.look()
        document = read_sets(body, self.codex)
        if not may_write(document, grant.policy.writable):
            raise Rejected(Why.NOT_ALLOWED)
        wish = Wish(
            key=grant.key,
            digests=grant.key_digests,
            view=FLAT,
            document=document,
            manner=Manner.MERGE,
        )
        keeper = self.elsewhere or self.saving
        await keeper.save(wish, _author(grant, address, request_id), now)
        named = {"gpiiKey": grant.key.reveal()} if grant.key else {}
        return _encode({**named, "message": "Successfully updated."})

    async def _safe(self, grant: Grant) -> Safe | None:
        if grant.key is not None and grant.key.reveal() == NO_USER:
            return None
        if grant.safe is not None:
            return grant.safe
        found = await self.safes.find_safe(grant.key_digests)
        return None if found is None else found.safe


def _match(preferences: Value, device: Installed) -> Matched:
    output = match(preferences, device.solutions)
    disclosed = disclose(preferences, output["inferredConfiguration"])
    return Matched(preferences=_encode(disclosed), output=_encode(output))


def _author(grant: Grant, address: Address | None, request_id: str | None) -> Author:
    """Say who saves: both privileges, as they are now, are needed to make a key."""
    lineage = Lineage(
        owner=grant.lineage.owner, site=grant.lineage.site, origin=Origin.CLIENT_WRITE
    )
    return Author(
        actor=grant.client_id,
        client=grant.client_id,
        lineage=lineage,
        may_make_keys=grant.policy.may_create_keys and grant.policy.may_create_safes,
        address=address,
        request_id=request_id,
    )


def _device(body: bytes) -> str:
    """Return the device report of a query, as JSON that is the same for the same report."""
    try:
        query = convert(decode(body), Query)
    except (InvalidDocument, ValidationError) as error:
        raise Rejected(Why.QUERY_INVALID) from error
    return _encode(query.device).decode()
