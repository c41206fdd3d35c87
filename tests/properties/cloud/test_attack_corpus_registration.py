"""Others' bugs, tried on registering: what went wrong elsewhere must go right here."""

from __future__ import annotations

import hmac
import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from keyin.stores.host import SystemEntropy
from keyin.stores.opening import STORE
from keyin.wire.enrolment_code import EnrolmentCode, token_of
from keyin.wire.jose import wrapped
from keyin.wire.signing_key import new_key
from tests.cloud_documents import everything
from tests.cloud_process import Cloud, import_documents, serving
from tests.oauth_client import ISSUER
from tests.properties.cloud.test_registration import GENEROUS, newcomer, opens
from tests.registration import Newcomer, aged, code, file_token, made
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PUBLISHER = "https://publisher.example"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    data = tmp_path_factory.mktemp("corpus") / "data"
    import_documents(data, everything())
    (data.parent / "publisher.json").write_bytes(new_key(SystemEntropy()).public.jwk)
    config = data.parent / "cloud.toml"
    config.write_text(
        f'{GENEROUS}\n[[enrolment.publishers]]\nissuer = "{PUBLISHER}"\n'
        f'keys = ["{data.parent}/publisher.json"]\nsoftware_ids = ["s"]\n'
    )
    with serving(data, "--issuer", ISSUER, "--config", config) as running:
        yield running


def test_corpus_keycloak_27294_a_token_is_used_more_often_than_it_may(cloud: Cloud) -> None:
    _, token = file_token(cloud.data, "--uses", 3)

    def one(_: int) -> int:
        return Newcomer().register(cloud, token, scheme="Bearer").status

    with ThreadPoolExecutor(12) as crowd:
        assert sorted(crowd.map(one, range(24))) == [201] * 3 + [401] * 21


def test_corpus_keycloak_cve_2026_9705_a_stopped_computer_uses_its_registration_token(
    cloud: Cloud,
) -> None:
    computer = newcomer(cloud)
    assert run("client", "suspend", computer.client_id, "--data", cloud.data).returncode == 0
    for method in ("GET", "PUT", "DELETE"):
        body = computer.wish(client_id=computer.client_id) if method == "PUT" else None
        token = computer.told["registration_access_token"]
        reply = computer.send(cloud, method, computer.path, token=token, body=body)
        assert reply.status == 401
    assert not opens(computer, cloud)
    assert run("client", "resume", computer.client_id, "--data", cloud.data).returncode == 0
    assert opens(computer, cloud)


@pytest.mark.parametrize(
    "more",
    [
        {"grant_types": ["client_credentials"]},
        {"redirect_uris": ["https://a.example/"]},
        {"token_endpoint_auth_method": "none"},
        {"scope": "account:read"},
        {"jwks_uri": "https://a.example/"},
    ],
)
def test_corpus_keycloak_cve_2026_15572_an_update_skips_the_policy_of_creation(
    cloud: Cloud, more: dict[str, Any]
) -> None:
    computer = newcomer(cloud)
    before = computer.read(cloud).json
    assert computer.replace(cloud, **more).status == 400
    after = computer.read(cloud).json
    certificate = "keyin_registration_certificate"
    assert {**after, certificate: ""} == {**before, certificate: ""}


def test_corpus_authlib_cve_2025_61920_oversized_jose_at_registration(cloud: Cloud) -> None:
    _, token = file_token(cloud.data)
    large = f"{'A' * 20_000}.{'A' * 20_000}.{'A' * 86}"
    computer = Newcomer()
    assert computer.register(cloud, token, software_statement=large).status == 400
    assert computer.register(cloud, large[:12_000]).status == 401
    proof = {"DPoP": large[:12_000]}
    reply = computer.send(
        cloud, "POST", "/oauth2/register", token=token, body=computer.wish(), headers=proof
    )
    assert reply.status == 401
    assert computer.register(cloud, token).status == 201


def test_corpus_authlib_cve_2024_37568_a_public_key_taken_for_a_secret(cloud: Cloud) -> None:
    computer = newcomer(cloud)
    public = cloud.request("GET", "/oauth2/jwks").json["keys"][0]
    head, claims, _ = computer.told["keyin_registration_certificate"].split(".")
    for algorithm in ("HS256", "none"):
        header = wrapped(
            json.dumps(
                {"alg": algorithm, "typ": "keyin-registration+jwt", "kid": public["kid"]}
            ).encode()
        )
        signed = f"{header}.{claims}"
        mac = hmac.digest(json.dumps(public).encode(), signed.encode(), "sha512")[:64]
        assert computer.register(cloud, f"{signed}.{wrapped(mac)}").status == 401
        assert computer.register(cloud, f"{head}.{claims}.").status == 401


def test_corpus_mcphub_1174_registrations_that_nobody_uses(tmp_path: Path) -> None:
    data = tmp_path / "data"
    import_documents(data, everything())
    with serving(data, "--issuer", ISSUER) as cloud:
        _, token = file_token(data, "--uses", 20)
        for _ in range(20):
            assert Newcomer().register(cloud, token, scheme="Bearer").status == 201
    aged(data, seconds=8 * 86_400)
    with serving(data, "--issuer", ISSUER) as cloud:
        until_empty(cloud)


def until_empty(cloud: Cloud) -> None:
    """Wait until no registration, no client and no key of one is left."""
    connection = sqlite3.connect(cloud.data / STORE)
    query = (
        "SELECT (SELECT count(*) FROM registrations) + (SELECT count(*) FROM client_keys) + "
        "(SELECT count(*) FROM clients WHERE origin = 'registration')"
    )
    for _ in range(400):
        if connection.execute(query).fetchone()[0] == 0:
            break
        assert cloud.request("GET", "/health").status == 200
    else:
        pytest.fail("dead registrations are still there")
    connection.close()


def test_p30_a_dump_holds_no_token_of_registering(cloud: Cloud) -> None:
    shown = made(cloud.data)["code"]
    token = token_of(EnrolmentCode(shown))
    assert token
    computer = newcomer(cloud)
    texts = [shown, token.reveal(), token.reveal()[4:], code(cloud.data), *secrets(computer)]
    connection = sqlite3.connect(cloud.data / STORE)
    dump = "\n".join(connection.iterdump())
    connection.close()
    assert computer.client_id in dump
    assert not [text for text in texts if text in dump]
    assert not [text for text in texts if text in cloud.process.output]


def secrets(computer: Newcomer) -> list[str]:
    told = computer.told
    return [
        told["registration_access_token"],
        told["registration_access_token"][4:],
        told["keyin_registration_certificate"],
        computer.key.private_jwk()["d"],
    ]
