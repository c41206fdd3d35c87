"""Changes of safes, many at once: what is there is read, changed, and written if it is still so.

A safe that is there is changed without a lock: it is written where neither it nor its key has
another version by then (`xmin`). That is one trip where it is known from before, and two where it
must be read first. Whatever else there is to do, or somebody was first, is done under locks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from keyin.settings.ports import KeyAndSafe
from keyin.stores import rows
from keyin.stores.postgres.known import Known, KnownSafe
from keyin.stores.postgres.statements import columns_of, insert_many, replacing, updating
from keyin.stores.postgres.work import AGAIN, Group
from keyin.stores.rows import names

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keyin.domain.records import Digest, Key, Safe
    from keyin.stores.postgres.transaction import Transaction
    from keyin.stores.postgres.work import Again
    from keyin.stores.rows import Row


class Change(NamedTuple):
    """One caller's: of which key, by what, and where the safes are that are known."""

    digests: Sequence[Digest]
    change: Callable[[KeyAndSafe | None], KeyAndSafe]
    known: Known[KnownSafe]


_KEY_END: Final = len(rows.KEY)
KEY_AND_SAFE: Final = (
    f"{names(rows.KEY, 'k')}, {names(rows.SAFE, 's')} "
    "FROM keys AS k LEFT JOIN safes AS s ON s.id = k.safe_id WHERE k.digest = any($1::text[])"
)
"""The last columns of a query for keys by their digests: `key_and_safe` reads them."""
_LOOK: Final = f"SELECT k.xmin, s.xmin, {KEY_AND_SAFE}"
_SAME: Final = ("safe_version", "key", "key_version")
_SAVE_ONE, _SAVE = (
    f"{updating('safes', rows.SAFE, _SAME, one=one)} AND safes.xmin = n.safe_version AND EXISTS ("  # noqa: S608 - ours
    "SELECT 1 FROM keys WHERE keys.digest = n.key AND keys.xmin = n.key_version) "
    "RETURNING safes.id, safes.xmin"
    for one in (True, False)
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


class _Locked(msgspec.Struct):
    """The rows that a batch of changes concerns, as they are within the transaction."""

    keys: dict[str, Key]
    safes: dict[str, Safe]
    new_keys: dict[str, Key] = msgspec.field(default_factory=dict)
    changed_keys: dict[str, Key] = msgspec.field(default_factory=dict)
    new_safes: dict[str, Safe] = msgspec.field(default_factory=dict)
    changed_safes: dict[str, Safe] = msgspec.field(default_factory=dict)

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
    digests = _digests(items)
    keys = [rows.key(row) for row in await transaction.fetch(_LOCK_KEYS, digests)]
    ids = sorted({key.safe_id for key in keys if key.safe_id is not None})
    safes = [rows.safe(row) for row in await transaction.fetch(_LOCK_SAFES, ids)] if ids else []
    locked = _Locked({key.digest: key for key in keys}, {safe.id: safe for safe in safes})
    for digest in digests:
        items[0].known.forget(digest)
    results: list[Exception | None] = []
    for item in items:
        try:
            changed = item.change(locked.find(item.digests))
        except Exception as error:  # noqa: BLE001 - the caller's own; nothing was written for it
            results.append(error)
            continue
        locked.put(changed)
        if changed.event is not None:
            transaction.append(changed.event)
        results.append(None)
    await locked.write(transaction)
    return results


class _Looked(msgspec.Struct):
    """What was there, with its versions, and what is to be written if it still is."""

    there: dict[Digest, KnownSafe]
    """By key."""
    certain: bool
    """It was read just now: what a change says of it is so."""
    saved: dict[str, tuple[Safe, Digest]] = msgspec.field(default_factory=dict)
    """By safe: what it becomes, and by which key."""

    def change(self, item: Change) -> str | Again | Exception:
        """Return the id of the safe that it changes, what the change raises, or `AGAIN`."""
        name = next((one for one in item.digests if one in self.there), None)
        found = self.there[name].found if name is not None else None
        if name is None or found is None or found.safe is None:
            return AGAIN
        before = self.saved.get(found.safe.id, (found.safe, name))
        if before[1] != name:
            return AGAIN
        try:
            changed = item.change(KeyAndSafe(key=found.key, safe=before[0]))
        except Exception as error:  # noqa: BLE001 - the caller's own; nothing was written for it
            return error if self.certain else AGAIN
        if changed.event or changed.key != found.key or changed.safe is None:
            return AGAIN
        self.saved[changed.safe.id] = changed.safe, name
        return changed.safe.id

    async def write(self, transaction: Transaction, known: Known[KnownSafe]) -> frozenset[str]:
        """Write what nobody changed meanwhile; return the ids of those safes."""
        if not self.saved:
            return frozenset()
        moment = known.moment
        given = [
            (*rows.safe_row(safe), there.safe_version, digest, there.key_version)
            for _, (safe, digest) in sorted(self.saved.items())
            for there in [self.there[digest]]
        ]
        if len(given) == 1:
            found = await transaction.fetch(_SAVE_ONE, *given[0])
        else:
            found = await transaction.fetch(_SAVE, *columns_of(given, len(rows.SAFE) + len(_SAME)))
        written: dict[str, int] = dict(found)
        for id_, version in written.items():
            safe, digest = self.saved[id_]
            there = self.there[digest]
            now = KeyAndSafe(key=there.found.key, safe=safe)
            known.remember(digest, KnownSafe(now, there.key_version, version), moment)
        return frozenset(written)


async def _change_quickly(
    transaction: Transaction, items: Sequence[Change]
) -> Sequence[Exception | Again | None]:
    """Change, and write if it is as it was, for many at once; read what is not known."""
    known, digests = items[0].known, _digests(items)
    there = {digest: found for digest in digests if (found := known.find([digest]))}
    if all(any(one in there for one in item.digests) for item in items):
        looked = _Looked(there, certain=False)
    else:
        read = [_with_versions(row) for row in await transaction.fetch(_LOOK, digests)]
        looked = _Looked(dict(read), certain=True)
    results = [looked.change(item) for item in items]
    written = await looked.write(transaction, known)
    return [
        (None if result in written else AGAIN) if isinstance(result, str) else result
        for result in results
    ]


def _digests(items: Sequence[Change]) -> list[Digest]:
    return sorted({digest for item in items for digest in item.digests})


def _with_versions(row: Row) -> tuple[Digest, KnownSafe]:
    found = key_and_safe(row[2:])
    return found.key.digest, KnownSafe(found, *row[:2])


CHANGES: Final[Group[Change, None]] = Group(_change, quick=_change_quickly)
