"""GPII keys and their safes: found, changed (`saving`), taken back; and registries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.stores import rows
from keyin.stores.postgres.lookups import Lookup
from keyin.stores.postgres.part import PostgresPart
from keyin.stores.postgres.saving import CHANGES, KEY_AND_SAFE, Change, key_and_safe
from keyin.stores.postgres.tokens import META
from keyin.stores.rows import names

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keyin.domain.environment import Millis
    from keyin.domain.events import Event
    from keyin.domain.records import Digest, Key, SafeId
    from keyin.settings.ports import KeyAndSafe
    from keyin.stores.postgres.transaction import Transaction

FIND_KEY: Final = Lookup(f"SELECT digest, {names(rows.KEY)} FROM keys WHERE digest = any($1)")  # noqa: S608 - ours
FIND_SAFE: Final = Lookup(f"SELECT k.digest, {KEY_AND_SAFE}")
_KNOWN: Final = "SELECT id FROM safes WHERE id = any($1::text[])"
_PUT_REGISTRY: Final = (
    "INSERT INTO registries (os_id, content) VALUES ($1, $2) "
    "ON CONFLICT (os_id) DO UPDATE SET content = excluded.content"
)
_COUNT_REGISTRY: Final = (
    "INSERT INTO meta (name, value) VALUES ('registries', '1') "
    "ON CONFLICT (name) DO UPDATE SET value = (meta.value::bigint + 1)::text"
)


class PostgresSafes(PostgresPart):
    """What a method does stands with its port in `oauth.ports` and `settings.ports`."""

    async def find_key(self, digests: Sequence[Digest]) -> Key | None:
        """See oauth.ports.Keys."""
        row = await self._lookups.row(FIND_KEY, digests)
        return None if row is None else rows.key(row)

    async def find_safe(self, digests: Sequence[Digest]) -> KeyAndSafe | None:
        """See Safes."""
        row = await self._lookups.row(FIND_SAFE, digests)
        return None if row is None else key_and_safe(row)

    async def change_safe(
        self, digests: Sequence[Digest], change: Callable[[KeyAndSafe | None], KeyAndSafe]
    ) -> None:
        """See Safes."""
        await self._writer.join(CHANGES, Change(digests, change, self._safes))

    async def revoke_key(
        self, digests: Sequence[Digest], *, reason: str | None, now: Millis, event: Event
    ) -> bool:
        """See oauth.ports.Revocations."""
        return await self._told(
            event,
            "UPDATE keys SET status = 'revoked', epoch = epoch + 1, revoked_reason = $2, "
            "revoked = $3 WHERE digest = any($1::text[])",
            *(list(digests), reason, now),
        )

    async def known_safes(self, ids: Sequence[SafeId]) -> frozenset[SafeId]:
        """See oauth.ports.Enrolments."""
        return frozenset(row[0] for row in await self._lookups.fetch(_KNOWN, list(ids)))

    async def put_registry(self, os_id: str, canonical_json: bytes) -> None:
        """See settings.ports.Registries."""

        async def unit(transaction: Transaction) -> None:
            await transaction.execute(_PUT_REGISTRY, os_id, canonical_json)
            await transaction.execute(_COUNT_REGISTRY)

        await self._writer.run(unit)

    async def registries_version(self, *, at_grant: bool = False) -> int:
        """See settings.ports.Registries."""
        if at_grant:
            return self._registries_seen
        row = await self._lookups.row(META, ("registries",))
        return int(row[0]) if row else 0

    async def registries(self) -> dict[str, bytes]:
        """See settings.ports.Registries."""
        query = "SELECT os_id, content FROM registries ORDER BY os_id"
        return dict(await self._lookups.fetch(query))
