"""GPII keys and their safes: found, changed under their locks, taken back; and registries."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from keyin.settings.ports import KeyAndSafe
from keyin.stores import rows
from keyin.stores.postgres.lookups import Lookup
from keyin.stores.postgres.part import PostgresPart
from keyin.stores.postgres.statements import columns_of, insert_many, names, replacing, updating
from keyin.stores.postgres.tokens import META
from keyin.stores.postgres.work import Group

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keyin.domain.environment import Millis
    from keyin.domain.events import Event
    from keyin.domain.records import Digest, Key, Safe, SafeId
    from keyin.stores.postgres.transaction import Transaction

_KEY_END: Final = len(rows.KEY)
FIND_KEY: Final = Lookup(f"SELECT digest, {names(rows.KEY)} FROM keys WHERE digest = any($1)")  # noqa: S608 - ours
FIND_SAFE: Final = Lookup(
    f"SELECT k.digest, {names(rows.KEY, 'k')}, {names(rows.SAFE, 's')} "  # noqa: S608 - ours
    "FROM keys AS k LEFT JOIN safes AS s ON s.id = k.safe_id WHERE k.digest = any($1)"
)
_KNOWN: Final = "SELECT id FROM safes WHERE id = any($1::text[])"
# keys before safes, each in their order: two workers never wait for each other
_LOCK_KEYS: Final = (
    f"SELECT {names(rows.KEY)} FROM keys WHERE digest = any($1::text[]) "  # noqa: S608 - ours
    "ORDER BY digest FOR UPDATE"
)
_LOCK_SAFES: Final = (
    f"SELECT {names(rows.SAFE)} FROM safes WHERE id = any($1::text[]) ORDER BY id FOR UPDATE"  # noqa: S608 - ours
)
_ADD_KEYS: Final = insert_many("keys", rows.KEY)
_CHANGE_KEYS: Final = updating("keys", rows.KEY)
_ADD_SAFES: Final = f"{insert_many('safes', rows.SAFE)} {replacing(rows.SAFE)}"
_CHANGE_SAFES: Final = updating("safes", rows.SAFE)
_PUT_REGISTRY: Final = (
    "INSERT INTO registries (os_id, content) VALUES ($1, $2) "
    "ON CONFLICT (os_id) DO UPDATE SET content = excluded.content"
)
_COUNT_REGISTRY: Final = (
    "INSERT INTO meta (name, value) VALUES ('registries', '1') "
    "ON CONFLICT (name) DO UPDATE SET value = (meta.value::bigint + 1)::text"
)

Change: TypeAlias = "tuple[Sequence[Digest], Callable[[KeyAndSafe | None], KeyAndSafe]]"


class PostgresSafes(PostgresPart):
    """What a method does stands with its port in `oauth.ports` and `settings.ports`."""

    async def find_key(self, digests: Sequence[Digest]) -> Key | None:
        """See oauth.ports.Keys."""
        row = await self._lookups.row(FIND_KEY, digests)
        return None if row is None else rows.key(row)

    async def find_safe(self, digests: Sequence[Digest]) -> KeyAndSafe | None:
        """See Safes."""
        row = await self._lookups.row(FIND_SAFE, digests)
        if row is None:
            return None
        there = row[_KEY_END] is not None
        safe = rows.safe(row[_KEY_END:]) if there else None
        return KeyAndSafe(key=rows.key(row[:_KEY_END]), safe=safe)

    async def change_safe(
        self, digests: Sequence[Digest], change: Callable[[KeyAndSafe | None], KeyAndSafe]
    ) -> None:
        """See Safes."""
        await self._writer.join(CHANGES, (digests, change))

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


@dataclass(slots=True)
class _Locked:
    """The rows that a batch of changes concerns, as they are within the transaction."""

    keys: dict[str, Key]
    safes: dict[str, Safe]
    new_keys: dict[str, Key] = field(default_factory=dict)
    changed_keys: dict[str, Key] = field(default_factory=dict)
    new_safes: dict[str, Safe] = field(default_factory=dict)
    changed_safes: dict[str, Safe] = field(default_factory=dict)

    def find(self, digests: Sequence[Digest]) -> KeyAndSafe | None:
        """Return the key and its safe, as the changes before have left them."""
        for digest in digests:
            key = self.new_keys.get(digest) or self.changed_keys.get(digest)
            key = key or self.keys.get(digest)
            if key is not None:
                return KeyAndSafe(key=key, safe=self._safe(key.safe_id or ""))
        return None

    def _safe(self, id_: str) -> Safe | None:
        return self.new_safes.get(id_) or self.changed_safes.get(id_) or self.safes.get(id_)

    def put(self, changed: KeyAndSafe) -> None:
        """Note what is to be written."""
        key, safe = changed.key, changed.safe
        (self.changed_keys if key.digest in self.keys else self.new_keys)[key.digest] = key
        if safe is not None:
            (self.changed_safes if safe.id in self.safes else self.new_safes)[safe.id] = safe

    async def write(self, transaction: Transaction) -> None:
        """Write it. A key that somebody else made meanwhile is an error: then all is tried anew."""
        keys = [key for digest, key in self.changed_keys.items() if self.keys[digest] != key]
        for statement, columns, found in (
            (_ADD_KEYS, rows.KEY, [rows.key_row(key) for key in self.new_keys.values()]),
            (_CHANGE_KEYS, rows.KEY, [rows.key_row(key) for key in keys]),
            (_ADD_SAFES, rows.SAFE, [rows.safe_row(safe) for safe in self.new_safes.values()]),
            (_CHANGE_SAFES, rows.SAFE, list(map(rows.safe_row, self.changed_safes.values()))),
        ):
            if found:
                await transaction.execute(statement, *columns_of(found, len(columns)))


async def _change(transaction: Transaction, items: Sequence[Change]) -> Sequence[Exception | None]:
    """Lock, read, change and write back, for many at once."""
    digests = sorted({digest for names_, _ in items for digest in names_})
    keys = [rows.key(row) for row in await transaction.fetch(_LOCK_KEYS, digests)]
    ids = sorted({key.safe_id for key in keys if key.safe_id is not None})
    safes = [rows.safe(row) for row in await transaction.fetch(_LOCK_SAFES, ids)] if ids else []
    locked = _Locked({key.digest: key for key in keys}, {safe.id: safe for safe in safes})
    results: list[Exception | None] = []
    for names_, change in items:
        try:
            changed = change(locked.find(names_))
        except Exception as error:  # noqa: BLE001 - the caller's own; nothing was written for it
            results.append(error)
            continue
        locked.put(changed)
        if changed.event is not None:
            transaction.append(changed.event)
        results.append(None)
    await locked.write(transaction)
    return results


CHANGES: Final[Group[Change, None]] = Group(_change)
