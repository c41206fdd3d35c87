"""The stores that every suite of this folder runs on: one line here joins a new one to all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

import pytest

from keyin.cloud.administering import Store as AdminStore
from keyin.cloud.restoring import Restorable
from keyin.cloud.sweeping import Sweepable
from keyin.oauth import (
    accounts,
    audit_ports,
    enrolment_ports,
    flow_ports,
    managed_ports,
    membership_ports,
    notice_ports,
    second_factor_ports,
)
from keyin.oauth import ports as oauth
from keyin.oauth import throttle_ports as throttle
from keyin.settings import ports as settings
from keyin.stores.memory import MemoryStore
from keyin.stores.postgres import PostgresStore
from keyin.stores.postgres import open_store as open_postgres
from keyin.stores.sqlite import open_store
from tests import postgres

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path


class Store(  # one object that is every port, as wiring hands it out
    oauth.Credentials,
    oauth.ClientKeys,
    oauth.Replays,
    oauth.Keys,
    oauth.Tokens,
    oauth.Revocations,
    oauth.Housekeeping,
    oauth.Enrolments,
    oauth.Inventory,
    AdminStore,
    Sweepable,
    Restorable,
    enrolment_ports.InitialAccesses,
    enrolment_ports.Registering,
    enrolment_ports.SitePolicies,
    enrolment_ports.Activations,
    enrolment_ports.Lapsing,
    enrolment_ports.Owners,
    accounts.Accounts,
    accounts.Sessions,
    accounts.Attempts,
    managed_ports.ManagedClients,
    membership_ports.Memberships,
    notice_ports.Notices,
    notice_ports.ClientNetworks,
    notice_ports.Outbox,
    second_factor_ports.SecondFactors,
    flow_ports.Applications,
    flow_ports.Authorizations,
    flow_ports.Codes,
    flow_ports.AccountTokens,
    flow_ports.DeviceRequests,
    audit_ports.AuditLog,
    audit_ports.Trail,
    audit_ports.RefusalCounts,
    throttle.Quotas,
    throttle.Places,
    settings.Safes,
    settings.Registries,
    Protocol,
):
    def close(self) -> None: ...


async def _memory(_folder: Path) -> Store:
    return MemoryStore()


async def _sqlite(folder: Path) -> Store:
    return open_store(folder / "store.sqlite3")


async def _postgres(_folder: Path) -> Store:
    if not postgres.BIN.is_dir():
        pytest.skip("PostgreSQL 15 is not installed (Debian's package postgresql-15)")
    return cast("Store", await open_postgres(postgres.cluster().database()))


STORES: dict[str, Callable[[Path], Awaitable[Store]]] = {
    "memory": _memory,
    "sqlite": _sqlite,
    "postgres": _postgres,
}


async def close(store: Store) -> None:
    if isinstance(store, PostgresStore):
        await store.aclose()
    else:
        store.close()
