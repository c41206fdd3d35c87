"""The preferences server: whole preference sets, in any ontology, by key (cloud-wire §7).

Whoever asks has shown the server's own secret and may do everything that can be done here; what a
client may is decided by who asks on its behalf. Any stored shape has an answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.records import Lineage, Origin, Status
from keyin.domain.reserved_keys import reserved
from keyin.domain.secret import GpiiKey
from keyin.settings.documents import read_sets
from keyin.settings.errors import Rejected, Why
from keyin.settings.saving import Author, Manner, Saved, Saving, Wish

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keyin.domain.environment import Entropy, Millis
    from keyin.domain.ontologies import Ontologies
    from keyin.domain.records import Digest
    from keyin.settings.codex import Codex
    from keyin.settings.ports import Safes
    from keyin.settings.service import Look

SERVER: Final = "preferences server"
"""The actor of keys that are made here."""

_encode = msgspec.json.Encoder().encode
_VERSION_4: Final = 0x40
_VARIANT: Final = 0x80


class PreferencesService(msgspec.Struct, frozen=True, kw_only=True):
    """Reads, creates and changes."""

    safes: Safes
    saving: Saving
    ontologies: Ontologies
    codex: Codex
    look: Look
    """See `settings.current`."""
    entropy: Entropy
    digests: Callable[[GpiiKey], Sequence[Digest]]
    """Of a key, newest pepper first."""

    async def read(self, key: GpiiKey, view: str) -> bytes:
        """Answer the sets in one ontology as JSON; nothing at all where the key has no safe.

        Raises Rejected and StoreUnavailable.
        """
        found = None if reserved(key) else await self.safes.find_safe(self.digests(key))
        if found is None or found.key.status is not Status.ACTIVE or found.lost:
            raise Rejected(Why.NO_KEY)
        if found.safe is None:
            return b""
        return _encode(self.ontologies.view(self.saving.open(found.safe).preferences, view))

    async def create(self, body: bytes, view: str, now: Millis, request_id: str) -> bytes:
        """Keep a document under a new key. Raises Rejected and StoreUnavailable."""
        key = GpiiKey(_uuid4(self.entropy))
        return await self._save(key, body, view, Manner.CREATE, now, request_id)

    async def put(
        self, key: GpiiKey, body: bytes, view: str, *, merge: bool, now: Millis, request_id: str
    ) -> bytes:
        """Change what a key has in one ontology, or make the key.

        Raises Rejected and StoreUnavailable.
        """
        manner = Manner.MERGE if merge else Manner.REPLACE
        return await self._save(key, body, view, manner, now, request_id)

    async def _save(
        self, key: GpiiKey, body: bytes, view: str, manner: Manner, now: Millis, request_id: str
    ) -> bytes:
        await self.look()
        document = read_sets(body, self.codex)
        if reserved(key):
            raise Rejected(Why.READ_ONLY)
        wish = Wish(
            key=key,
            digests=self.digests(key),
            view=view,
            document=document,
            manner=manner,
        )
        author = Author(
            actor=SERVER,
            client=None,
            lineage=Lineage(origin=Origin.CLIENT_WRITE),
            may_make_keys=True,
            request_id=request_id,
        )
        saved = await self.saving.save(wish, author, now)
        shown = {} if saved is Saved.SAFE_MADE else {"preferences": document}
        return _encode({"gpiiKey": key.reveal(), **shown})


def _uuid4(entropy: Entropy) -> str:
    """Make a key as the original makes them: its clients know no other form (RFC 9562 §5.4)."""
    made = bytearray(entropy.token_bytes(16))
    made[6] = made[6] & 0x0F | _VERSION_4
    made[8] = made[8] & 0x3F | _VARIANT
    text = made.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
