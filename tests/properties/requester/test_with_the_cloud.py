"""The access requester against the real cloud of this repository, over HTTP."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import trustme

from keyin.cli.processes import cloud_started
from keyin.domain.secret import AccessToken, GpiiKey
from keyin.remote.access_requester import RequesterClient
from tests.cloud_process import send
from tests.enrolled import enrol
from tests.fakes.sender import new_sender
from tests.properties.requester.place import Place, new_place, wait_for
from tests.started import Started, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "kept-by-alice-4f1c9a7be2d04c6a"
WHEN = {"timestampCreated": "2026-01-01T00:00:00.000Z"}
QUERY = "/settings/query"
DOCUMENTS: list[dict[str, Any]] = [
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
def real_cloud(folder: Path, *flags: object) -> Iterator[tuple[Started, Path]]:
    """Serve; yield the cloud and a credential that it knows."""
    documents, credential = folder / "documents.json", folder / "credential.json"
    documents.write_text(json.dumps(DOCUMENTS))
    imported = run("cloud", "import", "--data", folder / "data", documents, "--json")
    assert imported.returncode == 0, imported.stderr
    enrol(folder / "data", credential)
    with cloud_started("--data", folder / "data", *flags) as cloud:
        yield cloud, credential


def exercise(place: Place, cloud: Started, requester: Started) -> None:
    answer = place.ask("token", gpii_key=KEY)
    assert answer["ok"], answer
    assert answer["token_type"] == "DPoP"
    assert answer["expires_in"] > 10
    token = AccessToken(answer["access_token"])
    assert opens(place, token) == 200
    assert opens(place, token, bearer=True) == 401
    mine, place.sender = place.sender, new_sender(place.sender)
    assert opens(place, token) == 401
    place.sender = mine
    assert place.ask("token", gpii_key="nobody-has-this-key")["error"] == "key_refused"
    assert place.ask("forget")["forgotten"] == 1
    wait_for(lambda: opens(place, token) == 401)  # P68: the cloud was told
    private = json.loads(place.credential.read_text())["private_key"]["d"]
    for canary in (KEY, private, token.reveal(), "nobody-has-this-key"):
        assert canary not in cloud.output + requester.output
    assert place.ask("status")["problem"] is None


def opens(place: Place, token: AccessToken, *, bearer: bool = False) -> int:
    """Use a token by hand; return the status."""
    proof = place.sender.proof("POST", place.cloud + QUERY, token=token)
    scheme = {"Authorization": f"{'Bearer' if bearer else 'DPoP'} {token.reveal()}"}
    body = '{"device": {"OS": {"id": "linux"}, "solutions": []}}'
    headers = {**scheme, "Content-Type": "application/json"}
    more = {} if bearer else {"DPoP": proof}
    return send(place.cloud, "POST", QUERY, headers={**headers, **more}, body=body).status


def test_p11_p68_a_bound_token_a_refused_key_and_an_unknown_credential(tmp_path: Path) -> None:
    with real_cloud(tmp_path) as (cloud, credential), new_place(cloud.url) as place:
        place.write_credential(json.loads(credential.read_text()))
        with place.serving() as requester:
            exercise(place, cloud, requester)
        place.write_credential()  # a key that this cloud never saw
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
    with real_cloud(tmp_path, *flags) as (cloud, credential), new_place(cloud.url) as place:
        assert cloud.url.startswith("https://")
        place.write_credential(json.loads(credential.read_text()))
        with place.serving("--ca", ca):
            client, sender = RequesterClient.at(place.socket, issuer=cloud.url), place.sender
            token = await client.token(GpiiKey(KEY), sender, request_id="request-0001")
            again = await client.token(GpiiKey(KEY), sender, request_id="request-0002")
            assert token == again
            await client.forget(GpiiKey(KEY), request_id="request-0003")
            other = await client.token(GpiiKey(KEY), sender, request_id="request-0004")
            assert token != other
