"""`/oauth2/token` and the tokens it gives, over HTTP to a started cloud (P11-P14, P16, P57-P59)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from tests.cloud_documents import FREE, NOWHERE, SECRET, everything
from tests.cloud_process import Cloud, Reply, import_documents, serving
from tests.oauth_client import ISSUER, Computer, registered, settings_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BASIC = {"Authorization": "Basic " + base64.b64encode(f"{FREE}:{SECRET}".encode()).decode()}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Computer, Computer]:
    data = tmp_path_factory.mktemp("oauth") / "data"
    import_documents(data, everything())
    return data, registered(data, "--site", "Main hall"), registered(data)


@pytest.fixture(scope="module")
def cloud(place: tuple[Path, Computer, Computer]) -> Iterator[Cloud]:
    with serving(place[0], "--issuer", ISSUER) as running:
        yield running


@pytest.fixture
def desk(place: tuple[Path, Computer, Computer]) -> Computer:
    return Computer(place[1].client_id, place[1].key)


def error(reply: Reply) -> tuple[int, str]:
    assert reply.headers["cache-control"] == "no-store"
    return reply.status, reply.json["error"]


def test_p14_a_key_becomes_a_short_bound_token_that_cannot_be_refreshed(
    cloud: Cloud, desk: Computer
) -> None:
    reply = desk.exchange(cloud)
    assert reply.status == 200, reply.body
    assert reply.headers["cache-control"] == "no-store"
    token = reply.json["access_token"]
    assert len(token) == 48  # 256 bits behind four bytes of time (ADR 7)
    assert {name: value for name, value in reply.json.items() if name != "access_token"} == {
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "token_type": "DPoP",
        "expires_in": 900,
        "scope": "settings:read settings:write",
    }
    assert desk.settings(cloud, "alice", token).status == 200


def test_p11_a_bound_token_is_refused_without_its_own_fresh_proof(
    cloud: Cloud, desk: Computer
) -> None:
    token = desk.token(cloud)
    own = ISSUER + settings_path("alice")
    thief = Computer(desk.client_id, desk.key, nonce=desk.nonce)
    once = desk.proof("GET", own, token)
    assert desk.settings(cloud, "alice", token, proof=once).status == 200
    wrong = {
        "replayed": desk.settings(cloud, "alice", token, proof=once),
        "no proof": desk.settings(cloud, "alice", token, proof="-"),
        "as bearer": desk.settings(cloud, "alice", token, scheme="Bearer"),
        "as bearer, no proof": desk.settings(cloud, "alice", token, scheme="Bearer", proof="-"),
        "another's key": thief.settings(cloud, "alice", token),
        "no ath": desk.settings(cloud, "alice", token, proof=desk.proof("GET", own)),
        "htm": desk.settings(cloud, "alice", token, proof=desk.proof("PUT", own, token)),
        "htu": desk.settings(
            cloud, "alice", token, proof=desk.proof("GET", ISSUER + settings_path("bob"), token)
        ),
        "another key": desk.settings(cloud, "bob", token),
        "nonsense": desk.settings(cloud, "alice", token, proof="a.b.c"),
    }
    for name, reply in wrong.items():
        assert reply.status == 401, name
        assert reply.headers["www-authenticate"].startswith('DPoP error="invalid_token"'), name
    assert len({reply.body for reply in wrong.values()}) == 1


def test_p11_without_our_nonce_a_proof_is_sent_back(cloud: Cloud, desk: Computer) -> None:
    token = desk.token(cloud)
    given = None
    for nonce in (None, "0" * 32, ""):
        desk.nonce = nonce
        reply = desk.settings(cloud, "alice", token)
        assert reply.status == 401
        assert 'error="use_dpop_nonce"' in reply.headers["www-authenticate"]
        form = desk.form("alice")
        asked = cloud.form("/oauth2/token", form, {"DPoP": desk.proof()})
        assert error(asked) == (400, "use_dpop_nonce")
        assert asked.headers["dpop-nonce"] == reply.headers["dpop-nonce"]
        given = reply.headers["dpop-nonce"]
    desk.nonce = given
    assert desk.settings(cloud, "alice", token).status == 200


def test_p11_a_client_with_a_key_gets_no_token_without_a_proof(
    cloud: Cloud, desk: Computer
) -> None:
    reply = cloud.form("/oauth2/token", desk.form("alice"))
    assert error(reply) == (400, "invalid_dpop_proof")
    desk.nonce = reply.headers["dpop-nonce"]
    proof = desk.proof()
    assert cloud.form("/oauth2/token", desk.form("alice"), {"DPoP": proof}).status == 200
    again = cloud.form("/oauth2/token", desk.form("alice"), {"DPoP": proof})
    assert error(again) == (400, "invalid_dpop_proof")


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": [ISSUER]}, {"aud": ISSUER + "/oauth2/token"}, {"aud": ISSUER + "/"},
        {"aud": "https://other.example"}, {"iss": "gai_nobody", "sub": "gai_nobody"},
        {"sub": "someone"}, {"exp": 1}, {"exp": 9_999_999_999}, {"jti": ""}, {"iss": FREE},
    ],
)  # fmt: skip
def test_p16_an_assertion_for_or_from_anybody_else_is_refused(
    cloud: Cloud, desk: Computer, changes: dict[str, object]
) -> None:
    assertion = desk.assertion(**changes)
    reply = desk.exchange(cloud, client_assertion=assertion)
    assert error(reply) == (401, "invalid_client")
    assert reply.headers["www-authenticate"].startswith("Basic ")


def test_p12_an_assertion_works_once_over_a_restart(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    import_documents(data, everything())
    desk = registered(data)
    with serving(data, "--issuer", ISSUER) as cloud:
        used = desk.assertion()
        assert desk.exchange(cloud, client_assertion=used).status == 200
        assert error(desk.exchange(cloud, client_assertion=used)) == (401, "invalid_client")
        token = desk.token(cloud)
        proof = desk.proof("GET", ISSUER + settings_path("alice"), token)
        assert desk.settings(cloud, "alice", token, proof=proof).status == 200
    with serving(data, "--issuer", ISSUER) as cloud:
        assert error(desk.exchange(cloud, client_assertion=used)) == (401, "invalid_client")
        assert desk.settings(cloud, "alice", token, proof=proof).status == 401
        assert desk.settings(cloud, "alice", token).status == 200


def test_p13_what_came_with_a_refused_request_is_used_up(cloud: Cloud, desk: Computer) -> None:
    used = desk.assertion()
    refused = desk.exchange(cloud, "a key that nobody has", client_assertion=used)
    assert error(refused) == (400, "invalid_request")
    assert error(desk.exchange(cloud, client_assertion=used)) == (401, "invalid_client")
    proof = {"DPoP": desk.proof()}
    assert cloud.form("/oauth2/token", desk.form("a key that nobody has"), proof).status == 400
    again = cloud.form("/oauth2/token", desk.form("alice"), proof)
    assert error(again) == (400, "invalid_dpop_proof")


def test_p57_failed_client_authentication_has_one_answer(
    cloud: Cloud, desk: Computer, place: tuple[Path, Computer, Computer]
) -> None:
    stranger = Computer("gai_nobody", desk.sender)
    other = Computer(desk.client_id, place[2].key)
    replies = [
        stranger.exchange(cloud),
        other.exchange(cloud),
        desk.exchange(cloud, client_assertion="a.b.c"),
        desk.exchange(cloud, client_assertion_type="other"),
        desk.exchange(cloud, client_id="other"),
        cloud.form("/oauth2/token", {"grant_type": "x"}),
        cloud.form("/oauth2/token", secret(client_id="nobody")),
        cloud.form("/oauth2/token", secret(client_secret="wrong")),
        cloud.form("/oauth2/token", secret(client_id=NOWHERE)),
        cloud.form("/oauth2/token", {}, {"Authorization": "Basic nonsense"}),
        cloud.form("/oauth2/token", {}, {"Authorization": "Bearer nonsense"}),
    ]
    for reply in replies:
        assert error(reply) == (401, "invalid_client")
        assert reply.headers["www-authenticate"] == 'Basic realm="keyin", charset="UTF-8"'
    assert len({reply.body for reply in replies}) == 1


def test_p58_two_ways_in_one_request_are_refused(cloud: Cloud, desk: Computer) -> None:
    for form, headers in (
        ({**desk.form("alice"), "client_secret": SECRET}, {}),
        (desk.form("alice"), BASIC),
        (secret(), BASIC),
        (secret(client_assertion_type="x"), {}),
    ):
        assert error(cloud.form("/oauth2/token", form, headers)) == (400, "invalid_request")


def test_p58_two_ways_at_the_old_route_are_refused(cloud: Cloud) -> None:
    form = {"grant_type": "password", "username": "alice", "password": "x"}
    own = {**form, "client_id": FREE, "client_secret": SECRET}
    assert cloud.form("/access_token", own).status == 200
    for more, headers in (
        ({}, BASIC),
        ({}, {"Authorization": "Basic nonsense"}),
        ({"client_assertion": "x"}, {}),
        ({"client_assertion_type": "x"}, {}),
    ):
        reply = cloud.form("/access_token", {**own, **more}, headers)
        assert error(reply) == (400, "invalid_request")


def test_p59_an_installation_sends_its_secret_in_the_body_only(cloud: Cloud) -> None:
    form = {name: value for name, value in secret().items() if not name.startswith("client_")}
    assert error(cloud.form("/oauth2/token", form, BASIC)) == (401, "invalid_client")


def test_p59_a_client_has_one_method_only(cloud: Cloud, desk: Computer) -> None:
    for guess in ("", "-" * 8 + ":" + "0" * 64, "0" * 64):
        form = secret(client_id=desk.client_id, client_secret=guess)
        assert error(cloud.form("/oauth2/token", form)) == (401, "invalid_client")
        assert cloud.token("alice", (desk.client_id, guess or "x")).status == 401
    weaker = Computer(FREE, desk.key)
    assert error(weaker.exchange(cloud)) == (401, "invalid_client")


def test_a_client_with_a_secret_gets_a_short_bearer_token(cloud: Cloud) -> None:
    reply = cloud.form("/oauth2/token", secret())
    assert reply.status == 200, reply.body
    assert (reply.json["token_type"], reply.json["expires_in"]) == ("Bearer", 900)
    device = {"OS": {"id": "linux"}, "solutions": []}
    assert cloud.settings("alice", reply.json["access_token"], device).status == 200


def test_a_bearer_token_is_refused_under_the_other_scheme(cloud: Cloud, desk: Computer) -> None:
    token = cloud.form("/oauth2/token", secret()).json["access_token"]
    desk.learn_nonce(cloud)
    assert desk.settings(cloud, "alice", token).status == 401


@pytest.mark.parametrize("name", ["nobody", "gone", "prefsSafe-alice", FREE, "ALICE", "alice "])
def test_p06_what_is_no_active_key_is_never_exchanged(
    cloud: Cloud, desk: Computer, name: str
) -> None:
    reply = desk.exchange(cloud, name)
    assert error(reply) == (400, "invalid_request")
    assert reply.json["error_description"] == "The subject token is not accepted"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": None}, "invalid_request"),
        ({"subject_token": None}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:jwt"}, "invalid_request"),
        ({"requested_token_type": "urn:other"}, "invalid_request"),
        ({"actor_token": "x"}, "invalid_request"),
        ({"resource": "https://other.example"}, "invalid_target"),
        ({"audience": "someone"}, "invalid_target"),
        ({"scope": "client:register"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": "settings:read  settings:write"}, "invalid_scope"),
    ],
)  # fmt: skip
def test_a_request_that_is_wrong_is_refused_by_the_book(
    cloud: Cloud, desk: Computer, changes: dict[str, str | None], code: str
) -> None:
    assert error(desk.exchange(cloud, "alice", **changes)) == (400, code)


def test_the_own_resource_may_be_named(cloud: Cloud, desk: Computer) -> None:
    assert desk.exchange(cloud, resource=ISSUER, audience=ISSUER).status == 200


def test_p99_a_parameter_that_comes_twice_is_refused(cloud: Cloud, desk: Computer) -> None:
    desk.learn_nonce(cloud)
    for more in ("&subject_token=bob", "&unknown=1&unknown=2", "&a[b]=c"):
        body = urlencode(desk.form("alice")) + more
        headers = {**FORM, "DPoP": desk.proof()}
        reply = cloud.request("POST", "/oauth2/token", body=body, headers=headers)
        assert error(reply) == (400, "invalid_request")
    assert desk.exchange(cloud, unknown="ignored").status == 200


def test_only_a_form_is_read(cloud: Cloud) -> None:
    for media in ("application/json", "text/plain", "multipart/form-data; boundary=x"):
        reply = cloud.request("POST", "/oauth2/token", body="{}", headers={"Content-Type": media})
        assert error(reply) == (400, "invalid_request")
    assert cloud.request("GET", "/oauth2/token").status == 404


def test_a_token_that_may_only_read_does_not_write(cloud: Cloud, desk: Computer) -> None:
    token = desk.token(cloud, scope="settings:read")
    url = ISSUER + "/alice/settings"
    headers = {
        "Authorization": f"DPoP {token}",
        "DPoP": desk.proof("PUT", url, token),
        "Content-Type": "application/json",
    }
    reply = cloud.request("PUT", "/alice/settings", body="{}", headers=headers)
    assert reply.status == 403
    assert 'error="insufficient_scope"' in reply.headers["www-authenticate"]


def test_without_an_issuer_there_is_no_such_server(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as cloud:
        assert cloud.form("/oauth2/token", {}).status == 404


def secret(**changes: str) -> dict[str, str]:
    return {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": "alice",
        "subject_token_type": "urn:gpii:params:oauth:token-type:gpii-key",
        "client_id": FREE,
        "client_secret": SECRET,
        **changes,
    }
