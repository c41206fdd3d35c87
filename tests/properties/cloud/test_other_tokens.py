"""Tokens of other classes than settings: each opens its own routes while all it rests on holds."""

from __future__ import annotations

import signal
import sqlite3
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from keyin.stores.opening import open_data
from tests.cloud_process import Cloud, Reply, serving
from tests.oauth_application import Application, account, application, pair, told
from tests.oauth_client import ISSUER
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROUTES = {"account": "/api/v1/account", "operations": "/api/v1/installations"}
METADATA = "/.well-known/oauth-authorization-server"


class Place:
    def __init__(self, data: Path) -> None:
        self.data = data
        self.person = account(data)
        self.web = application(data, "client_secret_basic")
        self.job = application(
            data, "private_key_jwt", "--grant", "client-credentials", "--site", "Main hall"
        )

    def of(self, audience: str) -> Application:
        return self.web if audience == "account" else self.job

    def token(self, cloud: Cloud, audience: str, *, bound: bool = False) -> str:
        if audience == "account":
            code, verifier = self.web.code(cloud, self.person, bound=bound)
            reply = self.web.redeem(cloud, code, verifier, bound=bound)
        else:
            form: dict[str, str | None] = {"grant_type": "client_credentials"}
            reply = self.job.post(cloud, "/oauth2/token", form, bound=bound)
        assert reply.status == 200, reply.body
        return str(reply.json["access_token"])

    def spoil(self, token: str, column: str, value: object) -> None:
        opened = open_data(self.data, None, exclusive=False)
        digest = opened.secrets.digests("token", token)[0]
        opened.close()
        connection = sqlite3.connect(self.data / "keyin.sqlite3")
        with connection:
            query = f"UPDATE tokens SET {column} = ? WHERE digest = ?"  # noqa: S608 - ours
            assert connection.execute(query, (value, digest)).rowcount == 1
        connection.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("others") / "data")


@pytest.fixture(scope="module")
def cloud(place: Place) -> Iterator[Cloud]:
    with serving(place.data, "--issuer", ISSUER) as running:
        place.person.sign_in(running)
        yield running


def denied(reply: Reply, status: int = 401) -> None:
    assert reply.status == status
    assert reply.json == {"isError": True, "message": "Unauthorized"}
    assert reply.headers["www-authenticate"].startswith("DPoP error=")


@pytest.mark.parametrize("audience", ROUTES)
def test_p01_a_token_that_is_spoilt_in_any_way_opens_nothing(
    cloud: Cloud, place: Place, audience: str
) -> None:
    app, path = place.of(audience), ROUTES[audience]
    other = place.token(cloud, "operations" if audience == "account" else "account")
    denied(app.get(cloud, path, other))
    spoilt = {"expires": 1, "status": "revoked", "audience": "settings", "client_epoch": 99}
    for column, value in spoilt.items():
        assert app.get(cloud, path, place.token(cloud, audience)).status == 200
        token = place.token(cloud, audience)
        place.spoil(token, column, value)  # before the cloud, which alone writes, has looked at it
        denied(app.get(cloud, path, token))
    token = place.token(cloud, audience)
    place.spoil(token, "scope", "other:read")
    denied(app.get(cloud, path, token), 403)


@pytest.mark.parametrize("audience", ROUTES)
def test_p11_a_bound_token_needs_its_own_fresh_proof_here_too(
    cloud: Cloud, place: Place, audience: str
) -> None:
    app, path = place.of(audience), ROUTES[audience]
    token = place.token(cloud, audience, bound=True)
    assert app.get(cloud, path, token, bound=True).status == 200
    denied(app.get(cloud, path, token))
    thief = Application(app.client_id, app.method, nonce=app.nonce)
    denied(thief.get(cloud, path, token, bound=True))
    once = {"Authorization": f"DPoP {token}", "DPoP": app.proof("GET", ISSUER + path, token)}
    assert cloud.request("GET", path, headers=once).status == 200
    denied(cloud.request("GET", path, headers=once))
    bearer = place.token(cloud, audience)
    denied(app.get(cloud, path, bearer, bound=True))


def test_p03_what_an_account_allowed_ends_with_the_account(cloud: Cloud, place: Place) -> None:
    for verb in (("set-password", "a quite different long word"), ("suspend", "")):
        person = account(place.data, f"person-{verb[0]}", "seven green kettles on the roof")
        person.sign_in(cloud)
        code, verifier = place.web.code(cloud, person)
        later, its_verifier = place.web.code(cloud, person)
        token = place.web.redeem(cloud, code, verifier).json["access_token"]
        told_before = place.web.post(cloud, "/oauth2/introspect", {"token": token}).json
        assert told_before["active"] is True
        assert told_before["sub"] == place.web.get(cloud, ROUTES["account"], token).json["sub"]
        done = run("account", verb[0], person.name, "--data", place.data, stdin=verb[1] + "\n")
        assert done.returncode == 0, done.stderr
        denied(place.web.get(cloud, ROUTES["account"], token))
        after = place.web.post(cloud, "/oauth2/introspect", {"token": token}).json
        assert after == {"active": False}
        given = place.web.redeem(cloud, later, its_verifier)
        if given.status == 200:
            denied(place.web.get(cloud, ROUTES["account"], given.json["access_token"]))


def test_an_application_ends_its_own_tokens_and_nobody_elses(cloud: Cloud, place: Place) -> None:
    token = place.token(cloud, "account")
    assert place.job.post(cloud, "/oauth2/introspect", {"token": token}).json == {"active": False}
    assert place.job.post(cloud, "/oauth2/revoke", {"token": token}).status == 200
    assert place.web.get(cloud, ROUTES["account"], token).status == 200
    assert place.web.post(cloud, "/oauth2/revoke", {"token": token}).status == 200
    denied(place.web.get(cloud, ROUTES["account"], token))
    assert place.web.post(cloud, "/oauth2/introspect", {"token": token}).json == {"active": False}


def test_a_public_application_ends_its_tokens_but_may_not_look_at_any(
    cloud: Cloud, place: Place
) -> None:
    public = application(place.data, "none", "--native", back="http://127.0.0.1/back")
    code, verifier = public.code(cloud, place.person)
    token = public.redeem(cloud, code, verifier).json["access_token"]
    looked = public.post(cloud, "/oauth2/introspect", {"token": token})
    assert (looked.status, looked.json["error"]) == (401, "invalid_client")
    assert public.get(cloud, ROUTES["account"], token).status == 200
    assert public.post(cloud, "/oauth2/revoke", {"token": token}).status == 200
    denied(public.get(cloud, ROUTES["account"], token))


def test_p07_a_code_that_was_used_before_kill_9_is_used_after_it(tmp_path: Path) -> None:
    place = Place(tmp_path / "data")
    with serving(place.data, "--issuer", ISSUER) as cloud:
        used, verifier = place.web.code(cloud, place.person)
        token = place.web.redeem(cloud, used, verifier).json["access_token"]
        fresh, its_verifier = place.web.code(cloud, place.person)
        cloud.process.process.send_signal(signal.SIGKILL)
        cloud.process.process.wait(10)
    with serving(place.data, "--issuer", ISSUER) as cloud:
        assert place.web.get(cloud, ROUTES["account"], token).status == 200
        again = place.web.redeem(cloud, used, verifier)
        assert (again.status, again.json["error"]) == (400, "invalid_grant")
        denied(place.web.get(cloud, ROUTES["account"], token))
        assert place.web.redeem(cloud, fresh, its_verifier).status == 200
        cloud.process.process.send_signal(signal.SIGKILL)
        cloud.process.process.wait(10)
    with serving(place.data, "--issuer", ISSUER) as cloud:
        denied(place.web.get(cloud, ROUTES["account"], token))


def test_p10_a_request_that_was_used_before_kill_9_is_used_after_it(tmp_path: Path) -> None:
    place = Place(tmp_path / "data")
    _, challenge = pair()
    with serving(place.data, "--issuer", ISSUER) as cloud:
        uri = place.web.push(cloud, challenge).json["request_uri"]
        question = place.person.ask(cloud, place.web.authorize_path(uri))
        assert question.status == 200
        cloud.process.process.send_signal(signal.SIGKILL)
        cloud.process.process.wait(10)
    with serving(place.data, "--issuer", ISSUER) as cloud:
        assert place.person.get(cloud, place.web.authorize_path(uri)).status // 100 == 4
        assert "code" in told(place.person.answer(cloud, question))
        assert place.web.push(cloud, challenge).status == 400


def test_p30_nothing_on_the_way_to_a_token_stands_in_the_store(tmp_path: Path) -> None:
    place = Place(tmp_path / "data")
    file = tmp_path / "cloud.toml"
    file.write_text("device_code = true\n")
    device = application(place.data, "none", "--native", "--grant", "device")
    with serving(place.data, "--issuer", ISSUER, "--config", file) as cloud:
        _, challenge = pair()
        uri = place.web.push(cloud, challenge).json["request_uri"]
        code, verifier = place.web.code(cloud, place.person)
        begun = device.post(cloud, "/oauth2/device_authorization", {}).json
        token = place.token(cloud, "account")
        presentable = [uri, uri.rpartition(":")[2], code, verifier, token, begun["device_code"]]
        presentable += [begun["user_code"], begun["user_code"].replace("-", "")]
        presentable += [place.web.secret or "", *place.person.cookies.values()]
    stored = b"".join(file.read_bytes() for file in place.data.glob("keyin.sqlite3*"))
    for text in filter(None, presentable):
        assert text.encode() not in stored


def test_discovery_tells_what_is_there_and_nothing_else(cloud: Cloud, place: Place) -> None:
    described = cloud.request("GET", METADATA).json
    assert described["issuer"] == ISSUER
    endpoints = {name: value for name, value in described.items() if name.endswith("_endpoint")}
    assert set(endpoints) == {
        "authorization_endpoint", "pushed_authorization_request_endpoint", "token_endpoint",
        "revocation_endpoint", "introspection_endpoint", "registration_endpoint",
    }  # fmt: skip
    for name, url in endpoints.items():
        method = "GET" if name == "authorization_endpoint" else "POST"
        reply = cloud.request(method, urlsplit(url).path)
        assert reply.status in {303, 400, 401}, name
    for grant in (*described["grant_types_supported"], "password", "implicit", "refresh_token"):
        reply = place.web.post(cloud, "/oauth2/token", {"grant_type": grant})
        known = reply.json["error"] != "unsupported_grant_type"
        assert known is (grant in described["grant_types_supported"]), grant
    assert described["response_types_supported"] == ["code"]
    assert described["code_challenge_methods_supported"] == ["S256"]
    assert described["authorization_response_iss_parameter_supported"] is True
    assert described["scopes_supported"] == [
        *("settings:read", "settings:write", "installations:read", "account:read"),
        "client:register",
    ]
    assert described["authorization_details_types_supported"] == ["gpii_installation"]
    methods = {"private_key_jwt", "client_secret_basic", "client_secret_post"}
    assert set(described["token_endpoint_auth_methods_supported"]) == {*methods, "none"}
    assert set(described["introspection_endpoint_auth_methods_supported"]) == methods
    resource = cloud.request("GET", "/.well-known/oauth-protected-resource").json
    assert resource["scopes_supported"] == described["scopes_supported"][:-1]
