"""The access requester against the real cloud of this repository, over HTTP."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import trustme

from keyin.domain.secret import GpiiKey
from keyin.remote.access_requester import RequesterClient
from tests.properties.requester.place import CREDENTIAL, SECRET, Place, new_place
from tests.started import Started, run, started

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "kept-by-alice-4f1c9a7be2d04c6a"
WHEN = {"timestampCreated": "2026-01-01T00:00:00.000Z"}
DOCUMENTS: list[dict[str, Any]] = [
    {
        "_id": "installation-7",
        "type": "gpiiAppInstallationClient",
        "schemaVersion": "0.2",
        "name": "Library, computer 7",
        "computerType": "public",
        "timestampUpdated": None,
        **WHEN,
    },
    {
        "_id": "credential-7",
        "type": "clientCredential",
        "schemaVersion": "0.2",
        "clientId": "installation-7",
        "oauth2ClientId": CREDENTIAL["client_id"],
        "oauth2ClientSecret": SECRET,
        "allowedIPBlocks": None,
        "allowedPrefsToWrite": None,
        "isCreateGpiiKeyAllowed": False,
        "isCreatePrefsSafeAllowed": False,
        "revoked": False,
        "revokedReason": None,
        "timestampRevoked": None,
        **WHEN,
    },
    {
        "_id": KEY,
        "type": "gpiiKey",
        "schemaVersion": "0.2",
        "prefsSafeId": None,
        "prefsSetId": None,
        "revoked": False,
        "revokedReason": None,
        "timestampUpdated": None,
        **WHEN,
    },
]


@contextmanager
def real_cloud(folder: Path, *flags: object) -> Iterator[Started]:
    documents = folder / "documents.json"
    documents.write_text(json.dumps(DOCUMENTS))
    imported = run("cloud", "import", "--data", folder / "data", documents, "--json")
    assert imported.returncode == 0, imported.stderr
    where = ("--data", folder / "data", "--listen", "127.0.0.1:0")
    with started("cloud", "serve", *where, *flags) as cloud:
        yield cloud


def exercise(place: Place, cloud: Started, requester: Started) -> None:
    answer = place.ask("token", gpii_key=KEY)
    assert answer["ok"], answer
    assert answer["token_type"] == "Bearer"
    assert answer["expires_in"] > 10
    assert place.ask("token", gpii_key="nobody-has-this-key")["error"] == "key_refused"
    assert place.ask("forget")["forgotten"] == 1
    for canary in (KEY, SECRET, answer["access_token"], "nobody-has-this-key"):
        assert canary not in cloud.output + requester.output
    assert place.ask("status")["problem"] is None


def test_token_refused_key_and_revoked_credential(tmp_path: Path) -> None:
    with real_cloud(tmp_path) as cloud, new_place(cloud.url) as place:
        with place.serving() as requester:
            exercise(place, cloud, requester)
        place.write_credential({**CREDENTIAL, "client_secret": "wrong"})
        with place.serving():
            assert place.ask("token", gpii_key=KEY)["error"] == "credential_revoked"


async def test_over_tls_with_our_own_client(tmp_path: Path) -> None:
    authority = trustme.CA()
    made = authority.issue_cert("127.0.0.1")
    ca, certificate, key = (tmp_path / name for name in ("ca.pem", "cert.pem", "key.pem"))
    authority.cert_pem.write_to_path(str(ca))
    made.cert_chain_pems[0].write_to_path(str(certificate))
    made.private_key_pem.write_to_path(str(key))
    key.chmod(0o600)
    flags = ("--tls-cert", certificate, "--tls-key", key)
    with real_cloud(tmp_path, *flags) as cloud, new_place(cloud.url) as place:
        assert cloud.url.startswith("https://")
        with place.serving("--ca", ca):
            client = RequesterClient.at(place.socket)
            token = await client.token(GpiiKey(KEY), request_id="request-0001")
            assert token == await client.token(GpiiKey(KEY), request_id="request-0002")
            await client.forget(GpiiKey(KEY), request_id="request-0003")
            assert token != await client.token(GpiiKey(KEY), request_id="request-0004")
