"""Discovery, revocation and introspection, over HTTP to a started cloud (P102, RFC 7009, 7662)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cloud_documents import FREE, LISTED, SECRET, everything
from tests.cloud_process import Cloud, import_documents, serving
from tests.oauth_client import EXCHANGE, ISSUER, Computer, registered

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEAD = {"active": False}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Computer]:
    data = tmp_path_factory.mktemp("told") / "data"
    import_documents(data, everything())
    return data, registered(data)


@pytest.fixture(scope="module")
def cloud(place: tuple[Path, Computer]) -> Iterator[Cloud]:
    with serving(place[0], "--issuer", ISSUER) as running:
        yield running


@pytest.fixture
def desk(place: tuple[Path, Computer]) -> Computer:
    return Computer(place[1].client_id, place[1].key)


def _form(desk: Computer, token: str) -> dict[str, str]:
    form = desk.form("x")
    return {name: form[name] for name in ("client_assertion", "client_assertion_type")} | {
        "token": token
    }


def test_p102_discovery_tells_what_is_there_and_never_the_password_grant(cloud: Cloud) -> None:
    server = cloud.request("GET", "/.well-known/oauth-authorization-server")
    resource = cloud.request("GET", "/.well-known/oauth-protected-resource")
    for reply in (server, resource):
        assert reply.status == 200
        assert reply.headers["cache-control"] == "max-age=3600"
        assert b"password" not in reply.body
    assert server.json["issuer"] == ISSUER
    granted = server.json["grant_types_supported"]
    assert EXCHANGE in granted
    assert set(granted) <= {EXCHANGE, "authorization_code", "client_credentials"}
    assert resource.json["resource"] == ISSUER
    assert resource.json["authorization_servers"] == [ISSUER]
    endpoints = [name for name in server.json if name.endswith("_endpoint")]
    assert len(endpoints) >= 3
    for name in endpoints:
        path = server.json[name].removeprefix(ISSUER)
        if name == "authorization_endpoint":
            assert cloud.request("GET", path).status in {303, 400}
        else:
            who = "token" if name == "registration_endpoint" else "client"
            assert cloud.form(path, {}).json["error"] == f"invalid_{who}"


def test_a_challenge_says_where_to_read_on(cloud: Cloud) -> None:
    reply = cloud.request("GET", "/alice/settings/%7B%7D")
    assert reply.status == 401
    place = f'resource_metadata="{ISSUER}/.well-known/oauth-protected-resource"'
    assert place in reply.headers["www-authenticate"]


def test_a_revoked_token_opens_nothing_and_is_not_active(cloud: Cloud, desk: Computer) -> None:
    token = desk.token(cloud)
    told = cloud.form("/oauth2/introspect", _form(desk, token))
    assert told.status == 200
    assert told.headers["cache-control"] == "no-store"
    assert told.json["exp"] - told.json["iat"] == 900
    assert {n: v for n, v in told.json.items() if n not in {"exp", "iat"}} == {
        "active": True,
        "iss": ISSUER,
        "aud": ISSUER,
        "client_id": desk.client_id,
        "scope": "settings:read settings:write",
        "token_type": "DPoP",
        "cnf": {"jkt": desk.sender.public.thumbprint},
    }
    assert b"alice" not in told.body
    for _ in range(2):
        reply = cloud.form("/oauth2/revoke", _form(desk, token))
        assert (reply.status, reply.body) == (200, b"")
    assert cloud.form("/oauth2/introspect", _form(desk, token)).json == DEAD
    assert desk.settings(cloud, "alice", token).status == 401


def test_another_client_learns_and_ends_nothing(cloud: Cloud, desk: Computer) -> None:
    """FREE and LISTED are credentials of one client in the documents; the desk is another."""
    token = desk.token(cloud)
    other = {"client_id": FREE, "client_secret": SECRET, "token": token}
    assert cloud.form("/oauth2/introspect", other).json == DEAD
    reply = cloud.form("/oauth2/revoke", other)
    assert (reply.status, reply.body) == (200, b"")
    assert desk.settings(cloud, "alice", token).status == 200


def test_a_token_of_the_password_grant_can_be_revoked(cloud: Cloud) -> None:
    token = cloud.token("alice", (LISTED, SECRET)).json["access_token"]
    own = {"client_id": LISTED, "client_secret": SECRET, "token": token}
    assert cloud.form("/oauth2/introspect", own).json["token_type"] == "Bearer"
    assert cloud.form("/oauth2/revoke", {**own, "token_type_hint": "refresh_token"}).status == 200
    assert cloud.settings("alice", token, {}).status == 401


@pytest.mark.parametrize("path", ["/oauth2/introspect", "/oauth2/revoke"])
def test_who_asks_must_prove_who_they_are_once(cloud: Cloud, desk: Computer, path: str) -> None:
    assert cloud.form(path, {"token": "x"}).status == 401
    form = _form(desk, "unknown")
    assert cloud.form(path, form).status == 200
    assert cloud.form(path, form).status == 401
    missing = cloud.form(path, _form(desk, ""))
    assert (missing.status, missing.json["error"]) == (400, "invalid_request")
