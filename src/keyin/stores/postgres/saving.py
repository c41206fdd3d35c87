"""Changes of safes, many at once: what is there is read, changed, and written if it is still so.

A safe that is there is changed in two trips without a lock: it is written where neither it nor its
key has another version by then (`xmin`). Whatever else there is to do, or somebody was first, is
done under locks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from keyin.settings.ports import KeyAndSafe
from keyin.stores import rows
from keyin.stores.postgres.statements import columns_of, insert_many, replacing, updating
from keyin.stores.postgres.work import AGAIN, Group
from keyin.stores.rows import names

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keyin.domain.records import Digest, Key, Safe
    from keyin.stores.postgres.transaction import Transaction
    from keyin.stores.postgres.work import Again
    from keyin.stores.rows import Row

Change: TypeAlias = "tuple[Sequence[Digest], Callable[[KeyAndSafe | None], KeyAndSafe]]"

_KEY_END: Final = len(rows.KEY)
KEY_AND_SAFE: Final = (
    f"{names(rows.KEY, 'k')}, {names(rows.SAFE, 's')} "
    "FROM keys AS k LEFT JOIN safes AS s ON s.id = k.safe_id WHERE k.digest = any($1::text[])"
)
"""The last columns of a query for keys by their digests: `key_and_safe` reads them."""
_LOOK: Final = f"SELECT k.xmin::text, s.xmin::text, {KEY_AND_SAFE}"
_SAME: Final = ("safe_version", "key", "key_version")
_SAVE: Final = (
    f"{updating('safes', rows.SAFE, _SAME)} AND safes.xmin::text = n.safe_version AND EXISTS ("  # noqa: S608 - ours
    "SELECT 1 FROM keys WHERE keys.digest = n.key AND keys.xmin::text = n.key_version) "
    "RETURNING safes.id"
)
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


def key_and_safe(row: Row) -> KeyAndSafe:
    """Return what stands in the columns of `KEY_AND_SAFE`."""
    there = row[_KEY_END] is not None
    safe = rows.safe(row[_KEY_END:]) if there else None
    return KeyAndSafe(key=rows.key(row[:_KEY_END]), safe=safe)


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


@dataclass(slots=True)
class _Looked:
    """What was there, with its versions, and what is to be written if it still is."""

    there: dict[str, tuple[KeyAndSafe, str, str]]
    """By key: also the version of the safe and that of the key."""
    saved: dict[str, tuple[Safe, str]] = field(default_factory=dict)
    """By safe: what it becomes, and by which key."""

    def change(
        self, digests: Sequence[Digest], change: Callable[[KeyAndSafe | None], KeyAndSafe]
    ) -> str | Again | Exception:
        """Return the id of the safe that it changes, what the change raises, or `AGAIN`."""
        name = next((one for one in digests if one in self.there), None)
        found = self.there[name][0] if name is not None else None
        if name is None or found is None or found.safe is None:
            return AGAIN
        before = self.saved.get(found.safe.id, (found.safe, name))
        if before[1] != name:
            return AGAIN
        try:
            changed = change(KeyAndSafe(key=found.key, safe=before[0]))
        except Exception as error:  # noqa: BLE001 - the caller's own; nothing was written for it
            return error
        if changed.event or changed.key != found.key or changed.safe is None:
            return AGAIN
        self.saved[changed.safe.id] = changed.safe, name
        return changed.safe.id

    async def write(self, transaction: Transaction) -> frozenset[str]:
        """Write what nobody changed meanwhile; return the ids of those safes."""
        if not self.saved:
            return frozenset()
        given = [
            (*rows.safe_row(safe), self.there[digest][1], digest, self.there[digest][2])
            for _, (safe, digest) in sorted(self.saved.items())
        ]
        written = await transaction.fetch(_SAVE, *columns_of(given, len(rows.SAFE) + len(_SAME)))
        return frozenset(row[0] for row in written)


async def _change_quickly(
    transaction: Transaction, items: Sequence[Change]
) -> Sequence[Exception | Again | None]:
    """Read, change, and write if it is as it was, for many at once."""
    digests = sorted({digest for names_, _ in items for digest in names_})
    looked = _Looked(dict(map(_with_versions, await transaction.fetch(_LOOK, digests))))
    results = [looked.change(*item) for item in items]
    written = await looked.write(transaction)
    return [
        (None if result in written else AGAIN) if isinstance(result, str) else result
        for result in results
    ]


def _with_versions(row: Row) -> tuple[str, tuple[KeyAndSafe, str, str]]:
    key_version, safe_version = row[:2]
    found = key_and_safe(row[2:])
    return found.key.digest, (found, safe_version, key_version)


CHANGES: Final[Group[Change, None]] = Group(_change, quick=_change_quickly)
