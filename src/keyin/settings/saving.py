"""Changes safes: what is said in a document becomes what is kept, in one transaction.

Whether somebody may say it is decided before, and once more here, under the store's lock, where it
depends on what is there.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from keyin.domain.address_text import address_text
from keyin.domain.errors import InvalidDocument, StoreUnavailable
from keyin.domain.events import Act, Event, pseudonym
from keyin.domain.key_strength import low_entropy
from keyin.domain.preferences import DEFAULT_SET
from keyin.domain.records import Key, Safe, SafeId, Status
from keyin.settings.errors import Rejected, Why
from keyin.settings.ports import KeyAndSafe, Safes, Vault
from keyin.settings.room import encode_within
from keyin.settings.updating import merged, replaced
from keyin.wire.documents import SafeContent, decode_safe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.environment import Entropy, Millis
    from keyin.domain.networks import Address
    from keyin.domain.ontologies import Ontologies, PreferenceSets
    from keyin.domain.records import Digest, Lineage, RecordId
    from keyin.domain.secret import GpiiKey


class Manner(Enum):
    """What a document does to what is there."""

    MERGE = auto()
    REPLACE = auto()
    CREATE = auto()
    """Nothing may be there."""


class Saved(Enum):
    """What became of it."""

    CHANGED = auto()
    SAFE_MADE = auto()
    KEY_MADE = auto()


class Author(msgspec.Struct, frozen=True, kw_only=True):
    """Who saves, and what is noted where a key is made by it."""

    actor: str
    client: RecordId | None
    lineage: Lineage
    """Of a key that is made."""
    may_make_keys: bool
    address: Address | None = None
    request_id: str | None = None


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What shall be kept, and where."""

    key: GpiiKey | None
    """None: the request did not say it, so no key can be made of it."""
    digests: Sequence[Digest]
    """Of the key, newest pepper first."""
    view: str
    """The ontology that the document is in."""
    document: PreferenceSets
    manner: Manner


class Saving(msgspec.Struct, frozen=True, kw_only=True):
    """Saves into this cloud's own store."""

    safes: Safes
    vault: Vault
    entropy: Entropy
    ontologies: Ontologies

    async def save(self, wish: Wish, author: Author, now: Millis) -> Saved:
        """Return when it is durable; a key that is made by it leaves an event.

        Raises Rejected and StoreUnavailable.
        """
        outcome = Saved.CHANGED

        def change(found: KeyAndSafe | None) -> KeyAndSafe:
            nonlocal outcome
            try:
                outcome, changed = self._changed(found, wish, author, now)
            except InvalidDocument as error:
                raise Rejected(Why.BODY_UNREADABLE) from error
            return changed

        await self.safes.change_safe(wish.digests, change)
        return outcome

    def open(self, safe: Safe) -> SafeContent:
        """Read a safe. Raises StoreUnavailable, also where what was sealed is no safe of ours."""
        return open_safe(self.vault, safe)

    def _changed(
        self, found: KeyAndSafe | None, wish: Wish, author: Author, now: Millis
    ) -> tuple[Saved, KeyAndSafe]:
        if found is None:
            return Saved.KEY_MADE, self._new_key(wish, author, now)
        check_changeable(found, wish.manner)
        if found.safe is None:
            return Saved.SAFE_MADE, self._new_safe(found.key, wish, now)
        content = self.open(found.safe)
        changed = self._said(content, wish)
        sealed = self.vault.seal(encode_within(changed), found.safe.id)
        return Saved.CHANGED, KeyAndSafe(
            key=found.key, safe=replace(found.safe, sealed=sealed, updated=now)
        )

    def _said(self, content: SafeContent, wish: Wish) -> SafeContent:
        stored = content.preferences
        if wish.manner is Manner.MERGE:
            preferences = merged(stored, wish.view, wish.document)
        else:
            preferences = replaced(stored, wish.view, wish.document, self.ontologies)
        return replace(content, preferences=preferences)

    def _new_key(self, wish: Wish, author: Author, now: Millis) -> KeyAndSafe:
        """Make key and safe together."""
        if wish.key is None or not author.may_make_keys:
            raise Rejected(Why.NOT_ALLOWED)
        key = new_key(wish.key, wish.digests, author, self.vault, now)
        made = self._new_safe(key, wish, now)
        event = key_made(key, author, now)
        return replace(made, key=replace(made.key, updated=None), event=event)

    def _new_safe(self, key: Key, wish: Wish, now: Millis) -> KeyAndSafe:
        id_ = SafeId("s_" + self.entropy.token_bytes(16).hex())
        content = SafeContent(preferences={wish.view: wish.document})
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


def open_safe(vault: Vault, safe: Safe) -> SafeContent:
    """Read a safe. Raises StoreUnavailable, also where what was sealed is no safe of ours."""
    try:
        return decode_safe(vault.unseal(safe.sealed, safe.id))
    except InvalidDocument as error:
        raise StoreUnavailable("a stored safe cannot be read") from error


def check_changeable(found: KeyAndSafe, manner: Manner = Manner.MERGE) -> None:
    """Refuse what may not be changed as it is now. Raises Rejected."""
    read_only = found.key.policy is not None and found.key.policy.read_only
    if found.key.status is not Status.ACTIVE or read_only:
        raise Rejected(Why.NOT_ALLOWED)
    if manner is Manner.CREATE or found.lost:
        raise Rejected(Why.SAFE_MISSING)
    if found.safe is not None and found.safe.kind != "user":
        raise Rejected(Why.READ_ONLY)


def new_key(
    key: GpiiKey, digests: Sequence[Digest], author: Author, vault: Vault, now: Millis
) -> Key:
    """Make the record of a key that has no safe."""
    digest = digests[0]
    return Key(
        digest=digest,
        sealed=vault.seal(key.reveal().encode(), digest),
        safe_id=None,
        prefs_set_id=None,
        lineage=author.lineage,
        status=Status.ACTIVE,
        epoch=0,
        low_entropy=low_entropy(key),
        revoked_reason=None,
        created=now,
        updated=None,
        revoked=None,
    )


def key_made(key: Key, author: Author, now: Millis) -> Event:
    """Tell the audit log."""
    return Event(
        act=Act.KEY_CREATED,
        at=now,
        actor=author.actor,
        address=address_text(author.address),
        client=author.client,
        key=pseudonym(key.digest),
        request_id=author.request_id,
        site=author.lineage.site,
    )
