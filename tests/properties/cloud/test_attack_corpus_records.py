"""Others' bugs about what a record allows, each a test named after it (peers.md §4, attack corpus).

The rest is in test_attack_corpus and its neighbours; what could happen on the computer itself is in
tests/properties/requester/test_attack_corpus_local.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from keyin.wire import client_assertions, dpop_proofs
from keyin.wire.jose import wrapped
from tests.cloud_documents import SECRET, credential, everything, key
from tests.cloud_process import Cloud, import_documents, serving
from tests.oauth_application import account, application, hidden
from tests.oauth_client import ISSUER, TOKEN_URL, Computer, fresh, now, registered, settings_path
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cloud_process import Reply

FORGED: dict[str, Any] = {
    "active": True, "username": "bob", "gpii_key": "bob", "key": "bob", "key_digest": "bob",
    "account": "bob", "azp": "gai_nobody", "client_id": "gai_nobody", "act": {"sub": "root"},
    "may_act": {"sub": "root"}, "roles": ["administrator"], "scope": "client:register",
    "scp": ["client:register"], "cnf": {"jkt": "A" * 43}, "audience": "operations",
    "token_type": "Bearer", "legacy_until": 9_999_999_999_999, "status": "active", "epoch": 99,
}  # fmt: skip
"""What some server believes where a client writes it into a text that it signs."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("records") / "data"
    import_documents(folder, everything())
    return folder


@pytest.fixture(scope="module")
def cloud(data: Path) -> Iterator[Cloud]:
    with serving(data, "--issuer", ISSUER) as running:
        yield running


def refused(*words: object, data: Path, stdin: str = "") -> str:
    """Run a verb that must fail; return what it said."""
    done = run(*words, "--data", data, stdin=stdin)
    assert done.returncode not in {0, 1}, done.stdout
    assert "Usage:" not in done.stderr
    return done.stderr


def told_of(cloud: Cloud, desk: Computer, token: str) -> dict[str, Any]:
    proof = {name: text for name, text in desk.form("x").items() if name.startswith("client_")}
    reply = cloud.form("/oauth2/introspect", {**proof, "token": token})
    assert reply.status == 200
    said: dict[str, Any] = reply.json
    return said


def exchanged(cloud: Cloud, desk: Computer, more: dict[str, Any]) -> Reply:
    """Exchange Alice's key with more in everything that the client signs and sends."""
    seconds = now() // 1000
    assertion = desk.key.sign(
        {"typ": client_assertions.TYPE, "kid": desk.key.public.thumbprint},
        {
            **more, "iss": desk.client_id, "sub": desk.client_id, "aud": ISSUER, "iat": seconds,
            "exp": seconds + 60, "jti": fresh(),
        },
    )  # fmt: skip
    proof = desk.sender.sign(
        {"typ": dpop_proofs.TYPE, "jwk": json.loads(desk.sender.public.jwk)},
        {
            **more, "htm": "POST", "htu": TOKEN_URL, "iat": seconds, "jti": fresh(),
            "nonce": desk.nonce,
        },
    )  # fmt: skip
    sent = desk.form("alice", client_assertion=assertion)
    return cloud.form(
        "/oauth2/token",
        {**{name: json.dumps(value) for name, value in more.items()}, **sent},
        {"DPoP": proof},
    )


def test_corpus_keycloak_cve_2026_16102_a_reserved_claim_is_forged(
    cloud: Cloud, data: Path
) -> None:
    """What a client writes into what it signs becomes nothing that the server says."""
    desk = registered(data)
    desk.learn_nonce(cloud)
    forged = {
        name: value for name, value in FORGED.items() if name not in {"client_id", "audience"}
    }
    plain, more = exchanged(cloud, desk, {}), exchanged(cloud, desk, forged)
    assert (plain.status, more.status) == (200, 200), more.body
    told = [told_of(cloud, desk, reply.json["access_token"]) for reply in (plain, more)]
    for said in told:
        assert said["exp"] - said["iat"] == 900
        del said["iat"], said["exp"]
    assert told[0] == told[1]
    assert told[1] == {
        "active": True, "iss": ISSUER, "aud": ISSUER, "client_id": desk.client_id,
        "scope": "settings:read settings:write", "token_type": "DPoP",
        "cnf": {"jkt": desk.sender.public.thumbprint},
    }  # fmt: skip
    token = more.json["access_token"]
    assert desk.settings(cloud, "alice", token).status == 200
    assert desk.settings(cloud, "bob", token).status == 401
    ath = wrapped(hashlib.sha256(token.encode()).digest())
    proof = desk.sender.sign(
        {"typ": dpop_proofs.TYPE, "jwk": json.loads(desk.sender.public.jwk)},
        {
            **FORGED, "htm": "GET", "htu": ISSUER + settings_path("bob"), "iat": now() // 1000,
            "jti": fresh(), "nonce": desk.nonce, "ath": ath,
        },
    )  # fmt: skip
    assert desk.settings(cloud, "bob", token, proof=proof).status == 401
    for name in ("client_id", "audience"):
        assert exchanged(cloud, desk, {name: FORGED[name]}).status in {400, 401}


def test_corpus_keycloak_cve_2026_15572_a_second_import_widens_nobody(tmp_path: Path) -> None:
    """Keycloak's policies judged what was created, and not what was changed afterwards."""
    data = tmp_path / "data"
    narrow = credential("listed", allowedPrefsToWrite=[], allowedIPBlocks=["10.0.0.0/8"])
    client = {**everything()[0], "revoked": True}
    import_documents(data, [client, narrow, key("gone", revoked=True, prefsSafeId=None)])
    before = export(data)
    wide = credential("listed", allowedPrefsToWrite=None, allowedIPBlocks=None,
                      isCreateGpiiKeyAllowed=True, isCreatePrefsSafeAllowed=True)  # fmt: skip
    wider = [everything()[0], wide, key("gone", prefsSafeId=None)]
    import_documents(data, wider, "--legacy-until", "2099-01-01")
    assert export(data) == before
    with serving(data, "--issuer", ISSUER) as cloud:
        assert cloud.token("gone", ("listed", SECRET)).status == 401


def export(data: Path) -> list[dict[str, Any]]:
    done = run("cloud", "export", "--data", data)
    assert done.returncode == 0, done.stderr
    documents: list[dict[str, Any]] = json.loads(done.stdout)["docs"]
    return sorted(documents, key=lambda one: str(one["_id"]))


def test_corpus_keycloak_cve_2026_15572_a_further_key_is_judged_as_the_first(
    cloud: Cloud, data: Path, tmp_path: Path
) -> None:
    desk, other = registered(data), registered(data)
    weak = tmp_path / "weak.json"
    web = application(data, "client_secret_basic")
    for bad in (
        {"kty": "oct", "k": "A" * 43},
        {"kty": "RSA", "n": "A" * 342, "e": "AQAB"},
        {**json.loads(desk.sender.public.jwk), "d": "A" * 43},
        json.loads(other.key.public.jwk),  # another client's
        json.loads(desk.key.public.jwk),  # its own
    ):
        weak.write_text(json.dumps(bad))
        for words in (("add-key", desk.client_id), ("create",)):
            refused("client", *words, "--public-key", weak, data=data)
    good = tmp_path / "good.json"
    good.write_bytes(desk.sender.public.jwk)
    for client_id in (web.client_id, "free", "nobody"):  # one way a client (P59)
        refused("client", "add-key", client_id, "--public-key", good, data=data)
    assert desk.exchange(cloud).status == 200


@pytest.mark.parametrize("pin", ["", " \n ", "123"])
def test_corpus_oidc_agent_192_no_lock_is_made_that_anything_opens(
    cloud: Cloud, tmp_path: Path, pin: str
) -> None:
    """A locked oidc-agent without content was opened by any password."""
    file = tmp_path / "pin"
    file.write_text(pin)
    refused("key", "create", "--pin-file", file, data=cloud.data)
    refused("key", "policy", "-", "--pin-file", file, data=cloud.data, stdin="alice")
    refused("account", "create", "eve", data=cloud.data, stdin=pin)


def test_corpus_oidc_agent_192_a_lock_is_opened_by_its_own_word_only(
    cloud: Cloud, tmp_path: Path
) -> None:
    """Also of a key whose safe is empty, and after every other part of its policy has changed."""
    file = tmp_path / "pin"
    file.write_text("2468")
    done = run("key", "create", "--pin-file", file, "--data", cloud.data)
    assert done.returncode == 0, done.stderr
    locked, desk = done.stdout.strip(), registered(cloud.data)
    for change in ((), ("--read-only",), ("--machines", "3"), ("--any-site",)):
        if change:
            said = run("key", "policy", "-", *change, "--data", cloud.data, stdin=locked)
            assert said.returncode == 0, said.stderr
        for wrong in (None, "", "\0", "2468\0", "02468", "null", "dummy"):
            assert desk.exchange(cloud, locked, pin=wrong).status in {400, 429}, wrong
            if wrong is not None:
                assert cloud.token(locked, ("free", SECRET), password=wrong).status != 200
    calm = registered(cloud.data)
    assert calm.exchange(cloud, locked, pin="2468").status == 200
    person = account(cloud.data, "grace")
    for wrong in ("", " ", "\0", person.password[:-1], person.password + " "):
        guest = type(person)()
        form = {**hidden(guest.get(cloud, "/login")), "name": person.name, "password": wrong}
        assert guest.post(cloud, "/login", form).status in {400, 401, 403, 422, 429}
