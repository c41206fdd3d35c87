"""The store behind its ports: each method one lookup, or one unit of work for the writer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

from keyin.domain.errors import ConfigurationError
from keyin.stores.sqlite import client_keys, migrations, reader, writes
from keyin.stores.sqlite.accounts import SqliteAccounts
from keyin.stores.sqlite.administration import SqliteAdministration
from keyin.stores.sqlite.audit import SqliteAudit
from keyin.stores.sqlite.connection import connect, create_private, our_errors
from keyin.stores.sqlite.flows import SqliteFlows
from keyin.stores.sqlite.grants import SqliteGrants
from keyin.stores.sqlite.initial_access import SqliteInitialAccess
from keyin.stores.sqlite.inventory import SqliteInventory
from keyin.stores.sqlite.key_register import SqliteKeyRegister
from keyin.stores.sqlite.lapsing import SqliteLapsing
from keyin.stores.sqlite.notices import SqliteNotices
from keyin.stores.sqlite.quotas import SqliteQuotas
from keyin.stores.sqlite.registrations import SqliteRegistrations
from keyin.stores.sqlite.restoring import SqliteRestoring
from keyin.stores.sqlite.sites import SqliteSites
from keyin.stores.sqlite.sweeping import SqliteSweeping
from keyin.stores.sqlite.writer import Writer

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from keyin.domain.environment import Millis
    from keyin.domain.events import Event
    from keyin.domain.records import (
        Digest,
        RecordId,
        SafeId,
    )
    from keyin.oauth.ports import Enrolment
    from keyin.settings.ports import KeyAndSafe

_MANY = 500

Result = TypeVar("Result")


def open_store(
    path: Path, *, migrate: bool = True, secret_ids: frozenset[str] = frozenset()
) -> SqliteStore:
    """Open the store, made and brought to the newest schema where `migrate` allows it.

    `secret_ids` names the peppers and data keys at hand; the store remembers them. Raises
    ConfigurationError (another program's file, a newer schema, an older one without `migrate`,
    secrets of another store) and StoreUnavailable.
    """
    if migrate:
        create_private(path)
    writing = connect(path)
    try:
        if migrate:
            migrations.migrate(writing)
        migrations.check_current(writing)
        if secret_ids:
            _recognise(writing, secret_ids)
        reading = connect(path, read_only=True)
    except BaseException:
        writing.close()
        raise
    return SqliteStore(reading, Writer(writing))


def _recognise(connection: sqlite3.Connection, secret_ids: frozenset[str]) -> None:
    """Refuse secrets of which the store knows none: nothing in it would be found or opened."""
    with our_errors():
        known = frozenset((reader.meta(connection, "secret_ids") or "").split())
        if known and not known & secret_ids:
            raise ConfigurationError(
                "the store was made with other secrets than those given",
                next_step="Give --secrets the directory that this store was made with.",
            )
        if not secret_ids <= known:
            writes.put_meta(connection, "secret_ids", " ".join(sorted(secret_ids | known)))


class SqliteStore(
    SqliteGrants,
    SqliteAdministration,
    SqliteSites,
    SqliteAccounts,
    SqliteFlows,
    SqliteAudit,
    SqliteKeyRegister,
    SqliteNotices,
    SqliteQuotas,
    SqliteInventory,
    SqliteInitialAccess,
    SqliteRegistrations,
    SqliteLapsing,
    SqliteRestoring,
    SqliteSweeping,
):
    """Implements every port of a store; what a method does stands with its port."""

    def __init__(self, reading: sqlite3.Connection, writer: Writer) -> None:
        super().__init__(reading, writer)
        writer.changed = self._memory.written

    def expect(self, company: Callable[[], bool]) -> None:
        """Be told whether other requests are under way: then a write waits for theirs a moment."""
        self._writer.in_company = company

    async def revoke_client_key(self, kid: str, *, event: Event) -> bool:
        """See oauth.ports.Revocations."""
        act = partial(client_keys.revoke, kid=kid)
        return await self._changing_clients(partial(writes.told, act=act, event=event))

    async def find_safe(self, digests: Sequence[Digest]) -> KeyAndSafe | None:
        """See settings.ports.Safes."""
        known = self._memory.safes
        for digest in digests:
            if digest in known:
                return known[digest]
        with our_errors():
            found = reader.find_safe(self._lookups, digests)
        return found if found is None else known.put(found.key.digest, found)

    async def change_safe(
        self, digests: Sequence[Digest], change: Callable[[KeyAndSafe | None], KeyAndSafe]
    ) -> None:
        """See settings.ports.Safes."""
        unit = partial(writes.change_safe, digests=digests, change=change)
        await self._writer.run(unit, then=self._memory.keys.clear)

    async def revoke_token(self, digests: Sequence[Digest], *, event: Event) -> bool:
        """See oauth.ports.Revocations."""
        act = partial(writes.revoke_token, digests=digests)
        return await self._writer.run(partial(writes.told, act=act, event=event))

    async def revoke_credential(
        self, id_: RecordId, *, reason: str | None, now: Millis, event: Event
    ) -> bool:
        """See oauth.ports.Revocations."""
        act = partial(writes.revoke_credential, id_=id_, reason=reason, now=now)
        return await self._changing_clients(partial(writes.told, act=act, event=event))

    async def revoke_client(self, id_: RecordId, *, now: Millis, event: Event) -> bool:
        """See oauth.ports.Revocations."""
        act = partial(writes.revoke_client, id_=id_, now=now)
        return await self._changing_clients(partial(writes.told, act=act, event=event))

    async def revoke_key(
        self, digests: Sequence[Digest], *, reason: str | None, now: Millis, event: Event
    ) -> bool:
        """See oauth.ports.Revocations."""
        act = partial(writes.revoke_key, digests=digests, reason=reason, now=now)
        unit = partial(writes.told, act=act, event=event)
        return await self._writer.run(unit, then=self._memory.keys.clear)

    async def bump_store_epoch(self, *, event: Event) -> int:
        """See oauth.ports.Housekeeping."""
        unit = partial(writes.bump_store_epoch, event=event)
        return await self._writer.run(unit, then=self._forget_epoch)

    async def holds_test_credentials(self) -> bool:
        """See oauth.ports.Housekeeping."""
        with our_errors():
            return reader.meta(self._reading, "holds_test_credentials") is not None

    async def enrol(self, records: Enrolment, *, event: Event) -> Mapping[str, int]:
        """See oauth.ports.Enrolments."""
        return await self._changing_clients(partial(writes.enrol, records=records, event=event))

    async def known_safes(self, ids: Sequence[SafeId]) -> frozenset[SafeId]:
        """See oauth.ports.Enrolments."""
        found: set[SafeId] = set()
        with our_errors():
            for start in range(0, len(ids), _MANY):
                some = ids[start : start + _MANY]
                places = ", ".join("?" * len(some))
                query = f"SELECT id FROM safes WHERE id IN ({places})"  # noqa: S608 - question marks
                found.update(row[0] for row in self._reading.execute(query, some).fetchall())
        return frozenset(found)

    async def put_registry(self, os_id: str, canonical_json: bytes) -> None:
        """See settings.ports.Registries."""
        unit = partial(writes.put_registry, os_id=os_id, content=canonical_json)
        await self._writer.run(unit)

    async def registries_version(self, *, at_grant: bool = False) -> int:  # noqa: ARG002 - the port's
        """See settings.ports.Registries."""
        memory = self._memory
        if memory.registries is None:
            with our_errors():
                memory.registries = int(reader.meta(self._reading, writes.REGISTRIES) or 0)
        return memory.registries

    async def registries(self) -> dict[str, bytes]:
        """See settings.ports.Registries."""
        with our_errors():
            query = "SELECT os_id, content FROM registries ORDER BY os_id"
            return dict(self._reading.execute(query).fetchall())

    async def hold_still(self) -> None:
        """Let every lookup from now on see the store as it is now: for an export in use."""
        with our_errors():
            self._reading.execute("BEGIN")
            reader.meta(self._reading, "store_epoch")
        self._still = True

    def close(self) -> None:
        """Finish what waits to be written, then close. May be repeated."""
        self._writer.close()
        self._reading.close()

    async def aclose(self) -> None:
        """Do as `close`: a store that is shared has more to do."""
        self.close()
