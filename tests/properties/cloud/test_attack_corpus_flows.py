"""Others' bugs in authorization flows, each a test named after it (peers.md §4, attack corpus)."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from keyin.domain.applications import GRANT_TYPES, Application, AuthMethod
from keyin.domain.records import RecordId
from keyin.oauth.redirects import fits, may_be_registered
from tests.cloud_process import Cloud, Reply, serving
from tests.oauth_application import NATIVE_BACK, account, application, hidden, pair, told
from tests.oauth_client import ISSUER
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EVIL = "https://evil.example/steal"


class Place:
    def __init__(self, data: Path) -> None:
        self.data = data
        self.person = account(data)
        self.web = application(data, "client_secret_basic")
        self.direct = application(data, "client_secret_post", "--without-par")
        self.native = application(data, "none", "--native", back=NATIVE_BACK)
        self.job = application(data, "client_secret_basic", "--grant", "client-credentials")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("flows") / "data")


@pytest.fixture(scope="module")
def cloud(place: Place) -> Iterator[Cloud]:
    with serving(place.data, "--issuer", ISSUER) as running:
        place.person.sign_in(running)
        yield running


def shown_and_sent_nowhere(reply: Reply) -> bool:
    return reply.status // 100 == 4 and "location" not in reply.headers


def test_corpus_authlib_cve_2026_41479_redirect_before_the_client_is_looked_up(
    cloud: Cloud, place: Place
) -> None:
    """Authlib sent errors to whatever `redirect_uri` said, for a client that it did not know."""
    _, challenge = pair()
    for changes in (
        {"client_id": "nobody", "redirect_uri": EVIL},
        {"client_id": "nobody", "redirect_uri": EVIL, "response_type": "token"},
        {"client_id": "nobody"},
        {"client_id": None, "redirect_uri": EVIL},
        {"redirect_uri": EVIL, "response_type": "nonsense"},
        {"redirect_uri": EVIL, "code_challenge": None},
        {"redirect_uri": EVIL, "scope": "nonsense"},
    ):
        path = place.direct.direct_path(challenge, **changes)
        assert shown_and_sent_nowhere(place.person.get(cloud, path)), changes
        nobody = type(place.person)()
        assert shown_and_sent_nowhere(nobody.get(cloud, path)), changes


def test_corpus_authlib_cve_2025_68158_state_that_is_tied_to_no_session(
    cloud: Cloud, place: Place
) -> None:
    """An attacker's half-finished flow, finished in the victim's browser, gave them the account."""
    mallory = account(place.data, "mallory", "another long word of mine")
    mallory.sign_in(cloud)
    _, challenge = pair()
    uri = place.web.push(cloud, challenge).json["request_uri"]
    hers = mallory.ask(cloud, place.web.authorize_path(uri))
    _, challenge = pair()
    uri = place.web.push(cloud, challenge).json["request_uri"]
    mine = place.person.ask(cloud, place.web.authorize_path(uri))
    for question, proof in ((hers, hers), (hers, mine), (mine, hers)):
        form = {**hidden(proof), "question": hidden(question)["question"], "decision": "approve"}
        reply = place.person.post(cloud, "/oauth2/authorize/decision", form)
        assert shown_and_sent_nowhere(reply)
        nobody = type(place.person)()
        reply = nobody.post(cloud, "/oauth2/authorize/decision", form)
        assert "code" not in reply.headers.get("location", "")
    assert "code" in told(mallory.answer(cloud, hers))
    assert "code" in told(place.person.answer(cloud, mine))


def test_corpus_oauthlib_cve_2022_36087_an_ipv6_address_that_takes_for_ever(
    cloud: Cloud, place: Place
) -> None:
    """A pattern for IPv6 addresses in `redirect_uri` took time that grew without bound."""
    record = Application(
        credential_id=RecordId("c"),
        auth_method=AuthMethod.NONE,
        native=True,
        redirect_uris=("http://[::1]/back", NATIVE_BACK),
        grant_types=GRANT_TYPES,
        scopes=("account:read",),
        par_required=True,
        typ_required=True,
    )
    bad = [
        "http://[" + ":" * 1900 + "/x", "http://[" + "1:" * 900 + "]/back", "http://[::1" * 150,
        "http://[::1]" + ":" * 1900, "http://[::1]:" + "9" * 1900, "http://" + "[" * 1900,
        "http://[::1]:80" + "/" * 1900, "http://127.0.0.1" + ".1" * 900, "http://[" + "a" * 100_000,
    ]  # fmt: skip
    began = time.process_time()
    for uri in bad * 20:
        assert not fits(uri, record)
        may_be_registered(uri, native=True)
    assert time.process_time() - began < 1
    for uri in bad:
        _, challenge = pair()
        reply = place.native.push(cloud, challenge, redirect_uri=uri)
        assert reply.status in {400, 413}
        assert reply.json["error"] == "invalid_request"


def test_corpus_keycloak_cve_2026_9792_a_policy_that_denies_a_grant_is_skipped(
    cloud: Cloud, place: Place
) -> None:
    """What a record does not name is refused at every door, whoever asks and however."""
    code, verifier = place.web.code(cloud, place.person)
    exchange = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": "alice",
        "subject_token_type": "urn:gpii:params:oauth:token-type:gpii-key",
    }
    password = {"grant_type": "password", "username": "alice", "password": "x"}
    credentials = {"grant_type": "client_credentials"}
    redeeming = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
    for app, forms in (
        (place.job, (redeeming, exchange)),
        (place.web, (credentials, exchange)),
        (place.native, (credentials, exchange)),
    ):
        for form in forms:
            reply = app.post(cloud, "/oauth2/token", dict(form))
            assert (reply.status, reply.json["error"]) == (400, "unauthorized_client"), form
    for app in (place.job, place.web, place.native):
        reply = app.post(cloud, "/oauth2/token", dict(password))
        assert (reply.status, reply.json["error"]) == (400, "unsupported_grant_type")
        named = {**password, "client_id": app.client_id, "client_secret": app.secret or "x"}
        assert cloud.form("/access_token", named).status in {401, 501}
    _, challenge = pair()
    assert place.job.push(cloud, challenge).status == 400
    assert shown_and_sent_nowhere(place.person.get(cloud, place.job.direct_path(challenge)))


def test_corpus_hydra_3604_the_same_grant_redeemed_many_times_at_once(
    cloud: Cloud, place: Place
) -> None:
    """Parallel refreshes left Hydra with broken chains; here, with codes: one answer, no 5xx."""
    for _ in range(3):
        code, verifier = place.web.code(cloud, place.person)
        with ThreadPoolExecutor(12) as pool:
            replies = list(
                pool.map(lambda _: place.web.redeem(cloud, code, verifier), range(12))  # noqa: B023 - used before the loop goes on
            )
        statuses = sorted(reply.status for reply in replies)
        assert statuses == [200, *[400] * 11]
        assert {reply.json["error"] for reply in replies if reply.status == 400} == {
            "invalid_grant"
        }
        good = next(reply for reply in replies if reply.status == 200)
        reply = place.web.get(cloud, "/api/v1/account", good.json["access_token"])
        assert reply.status == 401  # a code that comes twice has leaked (RFC 6749 §4.1.2)


def test_corpus_keycloak_cve_2026_9705_an_application_that_was_stopped_stays_so(
    cloud: Cloud, place: Place
) -> None:
    """Whatever was begun before: no request, question or code of it leads to a token."""
    app = application(place.data, "client_secret_basic")
    code, verifier = app.code(cloud, place.person)
    _, challenge = pair()
    waiting = app.push(cloud, challenge).json["request_uri"]
    _, challenge = pair()
    uri = app.push(cloud, challenge).json["request_uri"]
    question = place.person.ask(cloud, app.authorize_path(uri))
    assert question.status == 200
    done = run("client", "suspend", app.client_id, "--data", place.data)
    assert done.returncode == 0, done.stderr
    refused = app.redeem(cloud, code, verifier)
    assert (refused.status, refused.json["error"]) == (401, "invalid_client")
    assert shown_and_sent_nowhere(place.person.get(cloud, app.authorize_path(waiting)))
    assert shown_and_sent_nowhere(place.person.answer(cloud, question))
    _, challenge = pair()
    assert app.push(cloud, challenge).status == 401
