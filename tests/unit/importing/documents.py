"""GPII documents for tests; say only what matters."""

from __future__ import annotations

from typing import Any

CREATED = "2018-01-02T03:04:05.006Z"


def client(id_: str = "site-1", **changes: Any) -> dict[str, Any]:
    made = {
        "_id": id_,
        "type": "gpiiAppInstallationClient",
        "schemaVersion": "0.2",
        "name": "Harbour",
        "computerType": "public",
        "timestampCreated": CREATED,
        "timestampUpdated": None,
    }
    return made | changes


def credential(id_: str = "credential-1", **changes: Any) -> dict[str, Any]:
    made = {
        "_id": id_,
        "type": "clientCredential",
        "schemaVersion": "0.2",
        "clientId": "site-1",
        "oauth2ClientId": "harbour",
        "oauth2ClientSecret": "not so secret",
        "allowedIPBlocks": None,
        "allowedPrefsToWrite": None,
        "isCreateGpiiKeyAllowed": False,
        "isCreatePrefsSafeAllowed": False,
        "revoked": False,
        "revokedReason": None,
        "timestampCreated": CREATED,
        "timestampRevoked": None,
    }
    return made | changes


def key(id_: str = "anna", **changes: Any) -> dict[str, Any]:
    made = {
        "_id": id_,
        "type": "gpiiKey",
        "schemaVersion": "0.2",
        "prefsSafeId": f"prefsSafe-{id_}",
        "prefsSetId": "gpii-default",
        "revoked": False,
        "revokedReason": None,
        "timestampCreated": CREATED,
        "timestampUpdated": None,
    }
    return made | changes


def safe(id_: str = "prefsSafe-anna", **changes: Any) -> dict[str, Any]:
    made = {
        "_id": id_,
        "type": "prefsSafe",
        "schemaVersion": "0.2",
        "prefsSafeType": "user",
        "name": "anna",
        "password": None,
        "email": None,
        "preferences": {"flat": {"contexts": {"gpii-default": {"preferences": {"x": 1}}}}},
        "timestampCreated": CREATED,
        "timestampUpdated": None,
    }
    return made | changes


def authorization(token: str = "token-1", **changes: Any) -> dict[str, Any]:
    made = {
        "_id": f"grant-{token}",
        "type": "gpiiAppInstallationAuthorization",
        "schemaVersion": "0.2",
        "clientId": "site-1",
        "gpiiKey": "anna",
        "clientCredentialId": "credential-1",
        "accessToken": token,
        "revoked": False,
        "revokedReason": None,
        "timestampCreated": CREATED,
        "timestampRevoked": None,
        "timestampExpires": "3019-01-01T00:00:00.000Z",
    }
    return made | changes
