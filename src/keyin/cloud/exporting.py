"""The store as GPII documents: keys, safes, clients, credentials without their secrets.

No secret and no token ever goes out, since none is there. What goes out are keys and preferences
in clear: whoever reads an export reads what its people carry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from keyin.domain.records import Status, Unrestricted
from keyin.oauth.ports import Inventory
from keyin.wire.documents import decode_safe, timestamp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from keyin.domain.records import Client, Credential, Key, Safe, SafeId
    from keyin.settings.ports import Vault

SCHEMA: Final = "0.2"


class Store(Inventory, Protocol):
    """What an export reads."""


async def documents(store: Store, vault: Vault) -> AsyncIterator[dict[str, Any]]:
    """Return one document after the other. Raises StoreUnavailable, InvalidDocument."""
    async for client in store.all_clients():
        yield _client(client)
    async for credential in store.all_credentials():
        yield _credential(credential)
    names: dict[SafeId, str] = {}
    async for safe in store.all_safes():
        document = _safe(safe, vault)
        names[safe.id] = document["_id"]
        yield document
    async for key in store.all_keys():
        yield _key(key, vault, names)


def _client(client: Client) -> dict[str, Any]:
    return {
        "_id": client.id,
        "type": client.kind.value,
        "schemaVersion": SCHEMA,
        "name": client.name,
        "computerType": client.computer_type,
        "revoked": client.status is not Status.ACTIVE,
        "timestampCreated": timestamp(client.created),
        "timestampUpdated": timestamp(client.updated),
    }


def _credential(credential: Credential) -> dict[str, Any]:
    policy = credential.policy
    return {
        "_id": credential.id,
        "type": "clientCredential",
        "schemaVersion": SCHEMA,
        "clientId": credential.client_id,
        "oauth2ClientId": credential.oauth2_client_id,
        "allowedIPBlocks": _allowed(policy.networks),
        "allowedPrefsToWrite": _allowed(policy.writable),
        "isCreateGpiiKeyAllowed": policy.may_create_keys,
        "isCreatePrefsSafeAllowed": policy.may_create_safes,
        "revoked": credential.status is not Status.ACTIVE,
        "revokedReason": credential.revoked_reason,
        "timestampCreated": timestamp(credential.created),
        "timestampRevoked": timestamp(credential.revoked),
    }


def _safe(safe: Safe, vault: Vault) -> dict[str, Any]:
    content = decode_safe(vault.unseal(safe.sealed, safe.id))
    return {
        "_id": safe.id if content.id is None else content.id,
        "type": "prefsSafe",
        "schemaVersion": SCHEMA,
        "prefsSafeType": safe.kind,
        "name": content.name,
        "password": None,
        "email": content.email,
        "preferences": content.preferences,
        "timestampCreated": timestamp(safe.created),
        "timestampUpdated": timestamp(safe.updated),
    }


def _key(key: Key, vault: Vault, names: dict[SafeId, str]) -> dict[str, Any]:
    safe_id = key.safe_id
    return {
        "_id": vault.unseal(key.sealed, key.digest).decode(),
        "type": "gpiiKey",
        "schemaVersion": SCHEMA,
        "prefsSafeId": names.get(safe_id, safe_id) if safe_id else None,
        "prefsSetId": key.prefs_set_id,
        "revoked": key.status is not Status.ACTIVE,
        "revokedReason": key.revoked_reason,
        "timestampCreated": timestamp(key.created),
        "timestampUpdated": timestamp(key.updated),
        "timestampRevoked": timestamp(key.revoked),
    }


def _allowed(allowed: tuple[str, ...] | Unrestricted) -> tuple[str, ...] | None:
    """Return null for "no restriction": what it means in the original's documents."""
    return None if isinstance(allowed, Unrestricted) else allowed
