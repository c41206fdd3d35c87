"""Machine jobs and the ways in which clients prove themselves (P4, P12, P13, P16, P57-P59)."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.cloud_process import Cloud, Reply, serving
from tests.oauth_application import SECRET_METHODS, Application, account, application, pair
from tests.oauth_client import EXCHANGE, ISSUER, KEY_TYPE, Computer, now, registered, settings_path
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

METHODS = ("private_key_jwt", *SECRET_METHODS)
JOB = ("--grant", "client-credentials", "--site", "Main hall")


class Place:
    """A store with jobs that prove themselves in every way, and computers of two sites."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.person = account(data)
        self.jobs = {method: application(data, method, *JOB) for method in METHODS}
        self.homeless = application(data, "private_key_jwt", "--grant", "client-credentials")
        self.plain = application(data, "private_key_jwt", "--plain-typ", *JOB)
        self.public = application(data, "none", "--native", back="http://127.0.0.1/back")
        self.web = application(data, "client_secret_basic")
        self.desk = registered(data, "--site", "Main hall", "--name", "Desk 1")
        self.elsewhere = registered(data, "--site", "Annex", "--name", "Desk 2")

    @property
    def everybody(self) -> list[Application]:
        return [*self.jobs.values(), self.public]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("jobs") / "data")


@pytest.fixture(scope="module")
def cloud(place: Place) -> Iterator[Cloud]:
    with serving(place.data, "--issuer", ISSUER) as running:
        yield running


def error(reply: Reply) -> tuple[int, str]:
    assert reply.headers["cache-control"] == "no-store"
    return reply.status, reply.json["error"]


def ask(cloud: Cloud, job: Application, *, bound: bool = False, **more: str) -> Reply:
    return job.post(
        cloud, "/oauth2/token", {"grant_type": "client_credentials", **more}, bound=bound
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("bound", [False, True])
def test_a_job_lists_the_installations_of_its_own_site(
    cloud: Cloud, place: Place, method: str, *, bound: bool
) -> None:
    job = place.jobs[method]
    given = ask(cloud, job, bound=bound)
    assert given.status == 200, given.body
    token = given.json["access_token"]
    assert given.json == {
        "access_token": token,
        "token_type": "DPoP" if bound else "Bearer",
        "expires_in": 900,
        "scope": "installations:read",
    }
    reply = job.get(cloud, "/api/v1/installations", token, bound=bound)
    assert reply.status == 200, reply.body
    assert reply.json == {
        "installations": [{"name": "Desk 1", "type": None, "status": "active", "lastUsed": None}],
        "next": None,
    }
    beyond = job.get(cloud, "/api/v1/installations?after=999999", token, bound=bound)
    assert beyond.json == {"installations": [], "next": None}
    assert job.get(cloud, "/api/v1/installations?after=x", token, bound=bound).status == 400


def test_a_job_of_no_site_sees_nothing(cloud: Cloud, place: Place) -> None:
    token = ask(cloud, place.homeless).json["access_token"]
    reply = place.homeless.get(cloud, "/api/v1/installations", token)
    assert reply.json == {"installations": [], "next": None}


def test_a_job_gets_what_its_record_says_and_no_more(cloud: Cloud, place: Place) -> None:
    job = place.jobs["client_secret_post"]
    for scope in ("settings:read", "account:read", "installations:read account:read", "x"):
        assert error(ask(cloud, job, scope=scope)) == (400, "invalid_scope")
    assert error(ask(cloud, job, resource="https://other.example")) == (400, "invalid_target")
    assert ask(cloud, job, resource=ISSUER, scope="installations:read").status == 200


def test_p04_what_a_machine_job_gets_opens_no_preferences(cloud: Cloud, place: Place) -> None:
    job = place.jobs["private_key_jwt"]
    for bound in (False, True):
        token = ask(cloud, job, bound=bound).json["access_token"]
        for method, path in (
            ("GET", settings_path("alice")),
            ("PUT", "/alice/settings"),
            ("PUT", "/settings"),
            ("POST", "/settings/query"),
            ("GET", "/solutions/" + "0" * 64),
        ):
            if bound:
                proof = job.proof(method, ISSUER + path, token)
                headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
            else:
                headers = {"Authorization": f"Bearer {token}"}
            assert cloud.request(method, path, headers=headers, body="{}").status == 401, path
        assert job.get(cloud, "/api/v1/account", token, bound=bound).status == 401


def test_p04_no_id_of_ours_is_a_key(cloud: Cloud, place: Place) -> None:
    ids = [app.client_id for app in place.everybody] + [place.desk.client_id]
    listed = run("account", "list", "--data", place.data, "--json")
    ids += [line["id"] for line in _lines(listed.stdout)]
    for id_ in ids:
        reply = place.desk.exchange(cloud, id_)
        assert error(reply) == (400, "invalid_request"), id_
        assert cloud.settings(id_, "x", {}).status == 401


def _lines(text: str) -> list[dict[str, Any]]:
    found = json.loads(text)
    lines: list[dict[str, Any]] = found["accounts"] if isinstance(found, dict) else found
    return lines


def test_p04_a_key_token_is_of_another_class(cloud: Cloud, place: Place) -> None:
    """Exchange is for installations only, whatever an application's record says."""
    form = {"grant_type": EXCHANGE, "subject_token": "alice", "subject_token_type": KEY_TYPE}
    for app in (*place.jobs.values(), place.web):
        assert error(app.post(cloud, "/oauth2/token", form, bound=True)) == (
            400,
            "unauthorized_client",
        )


def test_a_grant_that_is_not_in_the_record_is_not_given(cloud: Cloud, place: Place) -> None:
    code = {"grant_type": "authorization_code", "code": "x", "code_verifier": "x" * 43}
    assert error(ask(cloud, place.web)) == (400, "unauthorized_client")
    assert error(ask(cloud, place.public)) == (400, "unauthorized_client")
    for job in place.jobs.values():
        assert error(job.post(cloud, "/oauth2/token", code)) == (400, "unauthorized_client")
        _, challenge = pair()
        refused = error(job.push(cloud, challenge))
        assert refused == (400, "invalid_request")  # it has no address to be answered at
    form = place.desk.form("alice", grant_type="client_credentials")
    assert _of_computer(cloud, place.desk, form)[1] == "unauthorized_client"
    form = place.desk.form("alice", grant_type="authorization_code", code="x", code_verifier="x")
    assert _of_computer(cloud, place.desk, form)[1] == "unauthorized_client"


def _of_computer(cloud: Cloud, desk: Computer, form: dict[str, str]) -> tuple[int, str]:
    if desk.nonce is None:
        desk.learn_nonce(cloud)
    return error(cloud.form("/oauth2/token", form, {"DPoP": desk.proof()}))


def test_p12_an_assertion_is_for_this_issuer_short_typed_and_once(
    cloud: Cloud, place: Place
) -> None:
    job, seconds = place.jobs["private_key_jwt"], now() // 1000
    wrong: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "list": ({}, {"aud": [ISSUER]}),
        "token endpoint": ({}, {"aud": ISSUER + "/oauth2/token"}),
        "slash": ({}, {"aud": ISSUER + "/"}),
        "another issuer": ({}, {"aud": "https://other.example"}),
        "no audience": ({}, {"aud": None}),
        "long": ({}, {"exp": seconds + 120}),
        "old": ({}, {"exp": seconds - 10}),
        "future": ({}, {"iat": seconds + 60, "exp": seconds + 90}),
        "no jti": ({}, {"jti": None}),
        "another subject": ({}, {"sub": place.web.client_id}),
        "another issuer of it": ({}, {"iss": place.web.client_id}),
        "plain typ": ({"typ": "JWT"}, {}),
        "no typ": ({"typ": None}, {}),
        "dpop typ": ({"typ": "dpop+jwt"}, {}),
    }
    for why, (header, claims) in wrong.items():
        assertion = job.assertion(header, **claims)
        reply = job.post(cloud, "/oauth2/token", _granting(client_assertion=assertion))
        assert error(reply) == (401, "invalid_client"), why
    again = job.assertion()
    assert job.post(cloud, "/oauth2/token", _granting(client_assertion=again)).status == 200
    reply = job.post(cloud, "/oauth2/token", _granting(client_assertion=again))
    assert error(reply) == (401, "invalid_client")


def _granting(**more: str) -> dict[str, str | None]:
    return {"grant_type": "client_credentials", **more}


def test_p12_a_plain_type_is_taken_where_the_record_says_so(cloud: Cloud, place: Place) -> None:
    for type_ in ("JWT", None, "client-authentication+jwt"):
        assertion = place.plain.assertion({"typ": type_})
        reply = place.plain.post(cloud, "/oauth2/token", _granting(client_assertion=assertion))
        assert reply.status == 200, type_
    for type_ in ("dpop+jwt", "at+jwt", "jwt "):
        assertion = place.plain.assertion({"typ": type_})
        reply = place.plain.post(cloud, "/oauth2/token", _granting(client_assertion=assertion))
        assert error(reply) == (401, "invalid_client"), type_


def test_p13_an_assertion_is_good_at_one_endpoint_once_also_after_a_restart(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    job = application(data, "private_key_jwt", *JOB)
    one, two = job.assertion(), job.assertion()
    with serving(data, "--issuer", ISSUER) as cloud:
        assert job.post(cloud, "/oauth2/token", _granting(client_assertion=one)).status == 200
        told = {"token": "x", "client_assertion": two}
        assert job.post(cloud, "/oauth2/revoke", told).status == 200
        for used in (one, two):
            reply = job.post(cloud, "/oauth2/introspect", {"token": "x", "client_assertion": used})
            assert error(reply) == (401, "invalid_client")
        second = run(
            "cloud", "serve", "--data", data, "--listen", "127.0.0.1:0", "--issuer", ISSUER
        )
        assert second.returncode == 3  # one process a store, so there is one memory of proofs
    with serving(data, "--issuer", ISSUER) as cloud:
        for used in (one, two):
            reply = job.post(cloud, "/oauth2/token", _granting(client_assertion=used))
            assert error(reply) == (401, "invalid_client")


def test_p57_every_failure_of_a_client_reads_the_same(cloud: Cloud, place: Place) -> None:
    data = place.data
    gone = application(data, "client_secret_post", *JOB)
    stopped = application(data, "client_secret_post", *JOB)
    for verb, app in (("revoke", gone), ("suspend", stopped)):
        more = ("--yes",) if verb == "revoke" else ()
        done = run("client", verb, app.client_id, "--data", data, *more)
        assert done.returncode == 0, done.stderr
    right = place.jobs["client_secret_post"]
    forms = [
        {"client_id": "app_nobody", "client_secret": right.secret or ""},
        {"client_id": right.client_id, "client_secret": "wrong"},
        {"client_id": right.client_id, "client_secret": ""},
        {"client_id": gone.client_id, "client_secret": gone.secret or ""},
        {"client_id": stopped.client_id, "client_secret": stopped.secret or ""},
        {"client_id": right.client_id},
        {"client_id": ""},
        {},
    ]
    for path in ("/oauth2/token", "/oauth2/par", "/oauth2/revoke", "/oauth2/introspect"):
        replies = [cloud.form(path, {**_texts(_granting()), **form}) for form in forms]
        assert {error(reply) for reply in replies} == {(401, "invalid_client")}, path
        assert len({reply.body for reply in replies}) == 1


def _texts(form: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in form.items() if value is not None}


@pytest.mark.parametrize("path", ["/oauth2/token", "/oauth2/par", "/oauth2/revoke"])
def test_p58_two_ways_at_once_are_a_mistake(cloud: Cloud, place: Place, path: str) -> None:
    ways = {method: job.proving() for method, job in place.jobs.items()}
    for one, (form, headers) in ways.items():
        for other, (more, header) in ways.items():
            if one < other:
                both = {**_texts(_granting()), **form, **more}
                reply = cloud.form(path, both, {**headers, **header})
                assert error(reply) == (400, "invalid_request"), (one, other)


def test_p59_each_client_proves_itself_in_its_own_way_only(cloud: Cloud, place: Place) -> None:
    for app in place.everybody:
        for method in (*METHODS, "none"):
            if method == app.method:
                continue
            key = app.key or place.jobs["private_key_jwt"].key
            other = Application(app.client_id, method, secret=app.secret or "-", key=key)
            reply = ask(cloud, other)
            assert error(reply) == (401, "invalid_client"), (app.method, method)


def test_p59_the_secret_of_basic_stands_in_the_header_alone(cloud: Cloud, place: Place) -> None:
    app = place.jobs["client_secret_basic"]
    both = f"{quote(app.client_id, safe='')}:{quote(app.secret or '', safe='')}"
    header = {"Authorization": "Basic " + base64.b64encode(both.encode()).decode()}
    assert cloud.form("/oauth2/token", _texts(_granting()), header).status == 200
    other = {**_texts(_granting()), "client_id": place.web.client_id}
    assert error(cloud.form("/oauth2/token", other, header)) == (401, "invalid_client")


def test_p03_a_stopped_job_gets_nothing_and_its_tokens_open_nothing(
    cloud: Cloud, place: Place
) -> None:
    job = application(place.data, "client_secret_basic", *JOB)
    token = ask(cloud, job).json["access_token"]
    assert job.get(cloud, "/api/v1/installations", token).status == 200
    assert run("client", "suspend", job.client_id, "--data", place.data).returncode == 0
    assert job.get(cloud, "/api/v1/installations", token).status == 401
    assert error(ask(cloud, job)) == (401, "invalid_client")
    assert run("client", "resume", job.client_id, "--data", place.data).returncode == 0
    assert job.get(cloud, "/api/v1/installations", token).status == 401
    assert ask(cloud, job).status == 200


@pytest.mark.parametrize("bound", [False, True])
def test_a_client_learns_of_its_own_tokens_and_ends_them(
    cloud: Cloud, place: Place, *, bound: bool
) -> None:
    job, other = place.jobs["private_key_jwt"], place.jobs["client_secret_basic"]
    token = ask(cloud, job, bound=bound).json["access_token"]
    told = job.post(cloud, "/oauth2/introspect", {"token": token}).json
    assert (told["active"], told["client_id"], told["scope"]) == (
        *(True, job.client_id, "installations:read"),
    )
    assert ("cnf" in told) is bound
    assert other.post(cloud, "/oauth2/introspect", {"token": token}).json == {"active": False}
    assert other.post(cloud, "/oauth2/revoke", {"token": token}).status == 200
    assert job.get(cloud, "/api/v1/installations", token, bound=bound).status == 200
    assert job.post(cloud, "/oauth2/revoke", {"token": token}).status == 200
    assert job.get(cloud, "/api/v1/installations", token, bound=bound).status == 401
    assert job.post(cloud, "/oauth2/introspect", {"token": token}).json == {"active": False}
