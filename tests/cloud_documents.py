"""GPII documents for a cloud under test: one client, credentials of several policies, some keys."""

from __future__ import annotations

from typing import Any

WHEN = {"schemaVersion": "0.2", "timestampCreated": "2026-01-01T00:00:00.000Z"}
SECRET = "kq3Vb8Yt2Rz6Wm1Xc5Hn9Jd4Fs7Lp0GaEuTiOyBvQs"
COMMON = "http://registry.gpii.net/common/"
LANGUAGE, FONT_SIZE = COMMON + "language", COMMON + "fontSize"
LINUX = {"OS": {"id": "linux"}, "solutions": [{"id": "net.keyin.sample.reader"}]}


def client(id_: str = "client-1") -> dict[str, Any]:
    return {
        "_id": id_,
        "type": "gpiiAppInstallationClient",
        "name": "Main library",
        "computerType": "public",
        **WHEN,
    }


def credential(name: str, **policy: object) -> dict[str, Any]:
    return {
        "_id": f"credential-{name}",
        "type": "clientCredential",
        "clientId": "client-1",
        "oauth2ClientId": name,
        "oauth2ClientSecret": SECRET,
        "revoked": False,
        **WHEN,
        **policy,
    }


def key(name: str, **more: object) -> dict[str, Any]:
    return {
        "_id": name,
        "type": "gpiiKey",
        "prefsSafeId": f"prefsSafe-{name}",
        "prefsSetId": "gpii-default",
        "revoked": False,
        **WHEN,
        **more,
    }


def preferences(**terms: object) -> dict[str, Any]:
    named = {COMMON + term: value for term, value in terms.items()}
    return {"contexts": {"gpii-default": {"name": "Default preferences", "preferences": named}}}


def safe(name: str, content: object = None, **more: object) -> dict[str, Any]:
    return {
        "_id": f"prefsSafe-{name}",
        "type": "prefsSafe",
        "prefsSafeType": "user",
        "name": name,
        "preferences": {"flat": content or preferences(fontSize=24)},
        **WHEN,
        **more,
    }


FREE, LISTED, EMPTY, NETWORKED, NOWHERE, MAKER = (
    "free",
    "listed",
    "empty-list",
    "networked",
    "nowhere",
    "maker",
)


def everything() -> list[dict[str, Any]]:
    """One of each kind that the properties ask about."""
    return [
        client(),
        credential(FREE),
        credential(LISTED, allowedPrefsToWrite=[LANGUAGE]),
        credential(EMPTY, allowedPrefsToWrite=[]),
        credential(NETWORKED, allowedIPBlocks=["10.1.0.0/16", "2001:db8::/32"]),
        credential(NOWHERE, allowedIPBlocks=[]),
        credential(MAKER, isCreateGpiiKeyAllowed=True, isCreatePrefsSafeAllowed=True),
        *(document for name in ("alice", "bob") for document in (key(name), safe(name))),
        key("gone", revoked=True),
        key("bare", prefsSafeId=None),
    ]
