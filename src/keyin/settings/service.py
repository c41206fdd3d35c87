"""Settings for a key on a device, and saving preferences: from a grant on, never from a token.

The cloud-based flow manager's part (cloud-wire §4.3, §4.5). Whatever odd shape is stored is read
as far as it goes; nothing a device or a document says ends in an error of ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import ValidationError, convert

from keyin.domain.address_text import address_text
from keyin.domain.disclosure import disclose
from keyin.domain.errors import InvalidDocument, StoreUnavailable
from keyin.domain.events import Act, Event, pseudonym
from keyin.domain.key_strength import low_entropy
from keyin.domain.matchmaking import match
from keyin.domain.records import Key, Lineage, Origin, Safe, SafeId, Status
from keyin.settings.errors import Rejected, Why
from keyin.settings.flat_view import FLAT, flat_view, merged
from keyin.settings.matched import Matched, Meetings, meeting
from keyin.settings.payload import is_object, violations
from keyin.settings.ports import KeyAndSafe, Safes, Vault
from keyin.settings.room import encode_within
from keyin.settings.writable import may_write
from keyin.wire.documents import SafeContent, decode_safe
from keyin.wire.settings_query import Query
from keyin.wire.strict_json import decode

if TYPE_CHECKING:
    from keyin.domain.absent import Value
    from keyin.domain.environment import Entropy, Millis
    from keyin.domain.grant import Grant
    from keyin.domain.networks import Address
    from keyin.settings.registry import Installed, Registries

NO_USER: Final = "noUser"
"""The reserved key that stands for nobody: it has no preferences (cloud-wire §4.3)."""

DEFAULT_SET: Final = "gpii-default"

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsService:
    """Reads and saves preferences."""

    safes: Safes
    vault: Vault
    registries: Registries
    entropy: Entropy
    meetings: Meetings = field(default_factory=Meetings)

    async def query(self, grant: Grant, report: str) -> bytes:
        """Answer the four members of cloud-wire §4.3 as JSON, for a device's report as JSON.

        Raises Rejected and StoreUnavailable.
        """
        device = self.registries.installed(report)
        matched = await self._met(grant, device)
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

    async def query_own(self, grant: Grant, body: bytes) -> bytes:
        """Answer a `wire.settings_query.Query` with an `Answered`: no key, no registry entries.

        Raises Rejected and StoreUnavailable.
        """
        device = self.registries.installed(_device(body))
        matched = await self._met(grant, device)
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

    async def _met(self, grant: Grant, device: Installed) -> Matched:
        safe = await self._safe(grant)
        return _match({}, device) if safe is None else self._matched(safe, device)

    def _matched(self, safe: Safe, device: Installed) -> Matched:
        name = meeting(safe, device.report)
        known = self.meetings.find(name)
        if known is None:
            known = _match(flat_view(self._open(safe).preferences), device)
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
        document = _read(body)
        if not may_write(document, grant.policy.writable):
            raise Rejected(Why.NOT_ALLOWED)

        def change(found: KeyAndSafe | None) -> KeyAndSafe:
            try:
                changed = self._changed(found, document, grant, now)
            except InvalidDocument as error:
                raise Rejected(Why.BODY_UNREADABLE) from error
            if found is not None:
                return changed
            made = _key_made(changed.key, grant, now, address, request_id)
            return replace(changed, event=made)

        await self.safes.change_safe(grant.key_digests, change)
        named = {"gpiiKey": grant.key.reveal()} if grant.key else {}
        return _encode({**named, "message": "Successfully updated."})

    async def _safe(self, grant: Grant) -> Safe | None:
        if grant.key is not None and grant.key.reveal() == NO_USER:
            return None
        found = await self.safes.find_safe(grant.key_digests)
        return None if found is None else found.safe

    def _open(self, safe: Safe) -> SafeContent:
        """Read a safe. Raises StoreUnavailable, also where what was sealed is no safe of ours."""
        try:
            return decode_safe(self.vault.unseal(safe.sealed, safe.id))
        except InvalidDocument as error:
            raise StoreUnavailable("a stored safe cannot be read") from error

    def _changed(
        self, found: KeyAndSafe | None, document: dict[str, Value], grant: Grant, now: Millis
    ) -> KeyAndSafe:
        """Decide under the store's lock; what may be done is asked again here."""
        if found is None:
            return self._new_key(document, grant, now)
        read_only = found.key.policy is not None and found.key.policy.read_only
        if found.key.status is not Status.ACTIVE or read_only:
            raise Rejected(Why.NOT_ALLOWED)
        if found.safe is None:
            if found.key.safe_id is not None:
                raise Rejected(Why.SAFE_MISSING)
            return self._new_safe(found.key, document, now)
        if found.safe.kind != "user":
            raise Rejected(Why.READ_ONLY)
        content = self._open(found.safe)
        changed = replace_preferences(content, merged(content.preferences, document))
        return KeyAndSafe(
            key=found.key,
            safe=replace(
                found.safe,
                sealed=self.vault.seal(encode_within(changed), found.safe.id),
                updated=now,
            ),
        )

    def _new_key(self, document: dict[str, Value], grant: Grant, now: Millis) -> KeyAndSafe:
        """Make key and safe together, with both privileges as they are now.

        Where the request did not say the key there is nothing to make it of.
        """
        allowed = grant.policy.may_create_keys and grant.policy.may_create_safes
        if grant.key is None or not allowed:
            raise Rejected(Why.NOT_ALLOWED)
        digest = grant.key_digests[0]
        key = Key(
            digest=digest,
            sealed=self.vault.seal(grant.key.reveal().encode(), digest),
            safe_id=None,
            prefs_set_id=None,
            lineage=Lineage(
                owner=grant.lineage.owner, site=grant.lineage.site, origin=Origin.CLIENT_WRITE
            ),
            status=Status.ACTIVE,
            epoch=0,
            low_entropy=low_entropy(grant.key),
            revoked_reason=None,
            created=now,
            updated=None,
            revoked=None,
        )
        made = self._new_safe(key, document, now)
        return replace(made, key=replace(made.key, updated=None))

    def _new_safe(self, key: Key, document: dict[str, Value], now: Millis) -> KeyAndSafe:
        id_ = SafeId("s_" + self.entropy.token_bytes(16).hex())
        content = SafeContent(preferences={FLAT: document})
        return KeyAndSafe(
            key=replace(key, safe_id=id_, prefs_set_id=DEFAULT_SET, updated=now),
            safe=Safe(
                id=id_,
                kind="user",
                sealed=self.vault.seal(encode_within(content), id_),
                created=now,
                updated=None,
            ),
        )


def _key_made(
    key: Key, grant: Grant, now: Millis, address: Address | None, request_id: str | None
) -> Event:
    return Event(
        act=Act.KEY_CREATED,
        at=now,
        actor=grant.client_id,
        address=address_text(address),
        client=grant.client_id,
        key=pseudonym(key.digest),
        request_id=request_id,
        site=grant.lineage.site,
    )


def _match(preferences: dict[str, Value], device: Installed) -> Matched:
    output = match(preferences, device.solutions)
    disclosed = disclose(preferences, output["inferredConfiguration"])
    return Matched(preferences=_encode(disclosed), output=_encode(output))


def replace_preferences(content: SafeContent, preferences: dict[str, Value]) -> SafeContent:
    """Return the same safe with other preferences."""
    return msgspec.structs.replace(content, preferences=preferences)


def _device(body: bytes) -> str:
    """Return the device report of a query, as JSON that is the same for the same report."""
    try:
        query = convert(decode(body), Query)
    except (InvalidDocument, ValidationError) as error:
        raise Rejected(Why.QUERY_INVALID) from error
    return _encode(query.device).decode()


def _read(body: bytes) -> dict[str, Value]:
    """Decode a sent document and check its outline. Raises Rejected."""
    try:
        document = decode(body)
    except InvalidDocument as error:
        raise Rejected(Why.BODY_UNREADABLE) from error
    found = violations(document)
    if found or not is_object(document):
        raise Rejected(Why.BODY_INVALID, found)
    return document
