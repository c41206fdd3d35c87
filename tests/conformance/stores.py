"""The stores that every suite of this folder runs on: one line here joins a new one to all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from keyin.cloud.administering import Store as AdminStore
from keyin.cloud.restoring import Restorable
from keyin.cloud.sweeping import Sweepable
from keyin.oauth import (
    accounts,
    audit_ports,
    flow_ports,
    managed_ports,
    membership_ports,
    notice_ports,
)
from keyin.oauth import ports as oauth
from keyin.oauth import throttle_ports as throttle
from keyin.settings import ports as settings
from keyin.stores.memory import MemoryStore
from keyin.stores.sqlite import open_store

if TYPE_CHECKING:
    from collections.abc import Callable
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
    accounts.Accounts,
    accounts.Sessions,
    accounts.Attempts,
    managed_ports.ManagedClients,
    membership_ports.Memberships,
    notice_ports.Notices,
    notice_ports.Outbox,
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


def _memory(_folder: Path) -> Store:
    return MemoryStore()


def _sqlite(folder: Path) -> Store:
    return open_store(folder / "store.sqlite3")


STORES: dict[str, Callable[[Path], Store]] = {"memory": _memory, "sqlite": _sqlite}
