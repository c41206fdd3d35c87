"""The store as GPII documents: keys, safes, clients, credentials without their secrets.

No secret and no token ever goes out, since none is there. What goes out are keys and preferences
in clear: whoever reads an export reads what its people carry. The original knows neither
applications nor clients that prove themselves with keys: they stay out, and so does what a key's
policy says, but not that there is one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from keyin.domain.records import NO_SECRET, ClientKind, Status, Unrestricted
from keyin.domain.secret import equal
from keyin.oauth.administration_ports import ClientRegister
from keyin.oauth.client_pictures import every_picture
from keyin.oauth.ports import Inventory
from keyin.wire.documents import decode_safe, timestamp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from keyin.domain.records import Client, Credential, Key, RecordId, Safe, SafeId
    from keyin.oauth.administration_ports import ClientPicture
    from keyin.settings.ports import Vault

SCHEMA: Final = "0.2"


class Store(Inventory, ClientRegister, Protocol):
    """What an export reads."""


def _nobody(_id: RecordId) -> None:
    """Tell nobody what stays out."""


async def documents(
    store: Store, vault: Vault, left_out: Callable[[RecordId], None] = _nobody
) -> AsyncIterator[dict[str, Any]]:
    """Return one document after the other; `left_out` is told of each client that is none.

    Raises StoreUnavailable, InvalidDocument.
    """
    others: set[RecordId] = set()
    async for picture in every_picture(store):
        client = picture.client
        if _is_the_originals(picture):
            yield _client(client)
        else:
            others.add(client.id)
            left_out(client.id)
    async for credential in store.all_credentials():
        if credential.client_id not in others:
            yield _credential(credential)
    names: dict[SafeId, str] = {}
    async for safe in store.all_safes():
        document = _safe(safe, vault)
        names[safe.id] = document["_id"]
        yield document
    async for key in store.all_keys():
        yield _key(key, vault, names)


def _is_the_originals(picture: ClientPicture) -> bool:
    """Tell whether a client is of the original's kind: it has a secret, or nothing at all."""
    secrets = [not equal(one.secret_digest, NO_SECRET) for one in picture.credentials]
    return picture.client.kind is ClientKind.INSTALLATION and (any(secrets) or not secrets)


def _client(client: Client) -> dict[str, Any]:
    return {
        "_id": client.id,
        "type": client.kind.value,
        "schemaVersion": SCHEMA,
        "name": client.name,
        "computerType": client.computer_type,
        "revoked": client.status is not Status.ACTIVE,
        "legacyUntil": timestamp(client.legacy_until),
        "site": client.lineage.site,
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
    limited = {} if key.policy is None else {"keyinLimited": True}
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
        **limited,
    }


def _allowed(allowed: tuple[str, ...] | Unrestricted) -> list[str] | None:
    """Return null for "no restriction": what it means in the original's documents."""
    return None if isinstance(allowed, Unrestricted) else list(allowed)
