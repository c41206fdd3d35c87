"""A started access requester, a cloud over real HTTP, and the wire between them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from keyin.domain.errors import RequesterUnreachable
from keyin.domain.secret import GpiiKey
from keyin.remote.access_requester import RequesterClient
from keyin.wire import client_assertions
from tests.fakes.cloud import (
    CLIENT_ID,
    METADATA,
    PRIVATE,
    REVOKE,
    TOKEN,
    FakeCloud,
    running_cloud,
)
from tests.fakes.sender import new_sender
from tests.properties.requester.place import (
    ANYBODYS_PYTHON,
    NOBODY,
    Place,
    ask_at,
    new_place,
    readable_asker,
    wait_for,
)
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def cloud() -> Iterator[FakeCloud]:
    with running_cloud() as one:
        yield one


@pytest.fixture
def place(cloud: FakeCloud) -> Iterator[Place]:
    with new_place(cloud.url) as one:
        yield one


def test_a_key_becomes_a_token_and_the_private_key_goes_nowhere(
    place: Place, cloud: FakeCloud
) -> None:
    with place.serving() as process:
        assert process.url == f"unix:{place.socket}"
        answer = place.ask("token", gpii_key="alice-key", request_id="request-0001")
        assert answer["ok"] is True
        assert answer["token_type"] == "DPoP"
        assert 890 <= answer["expires_in"] <= 900
        again = place.ask("token", gpii_key="alice-key")
        assert again["access_token"] == answer["access_token"]
        assert process.end() == 0
        assert not place.socket.exists()
        for canary in (PRIVATE, "alice-key", answer["access_token"]):
            assert canary not in process.output
    assert cloud.paths == [METADATA, TOKEN]
    form = dict(cloud.requests[0])
    assert PRIVATE not in json.dumps([form, cloud.headers])
    claimed = client_assertions.read(form.pop("client_assertion"))
    assert (claimed.client_id, claimed.jws.claims["aud"]) == (CLIENT_ID, cloud.url)
    assert form == {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": "alice-key",
        "subject_token_type": "urn:gpii:params:oauth:token-type:gpii-key",
        "resource": cloud.url,
        "scope": "settings:read",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    assert cloud.headers[0]["x-request-id"] == "request-0001"
    assert "authorization" not in cloud.headers[0]


def test_p12_each_request_has_an_assertion_of_its_own_for_the_issuer_alone(
    place: Place, cloud: FakeCloud
) -> None:
    with place.serving():
        place.ask("token", gpii_key="alice-key")
        place.ask("token", gpii_key="bob-key")
    made = [client_assertions.read(form["client_assertion"]).jws for form in cloud.requests]
    for jws in made:
        assert jws.header["typ"] == "client-authentication+jwt"
        claims = jws.claims
        assert claims["iss"] == claims["sub"] == CLIENT_ID
        assert claims["aud"] == cloud.url
        expires, issued = claims["exp"], claims["iat"]
        assert isinstance(expires, int)
        assert isinstance(issued, int)
        assert expires - issued <= 60
    assert len({str(jws.claims["jti"]) for jws in made}) == 2


def test_p11_a_token_is_for_the_key_of_its_proof_alone(place: Place, cloud: FakeCloud) -> None:
    with place.serving():
        first = place.ask("token", gpii_key="alice-key")["access_token"]
        mine, place.sender = place.sender, new_sender()
        assert place.ask("token", gpii_key="alice-key")["access_token"] != first
        theirs = {"dpop_jkt": mine.jkt}  # with the proof of another key
        assert place.ask("token", gpii_key="alice-key", **theirs)["error"] == "bad_request"
        for proof in ("x", "a.b.c", "." * 4096):
            answer = place.ask("token", gpii_key="alice-key", dpop_proof=proof)
            assert answer["error"] == "bad_request"
        assert place.ask("status")["tokens"] == 2
        assert place.ask("forget", gpii_key="alice-key")["forgotten"] == 2
    assert cloud.grants == 2


def test_p11_a_nonce_of_the_cloud_goes_back_to_who_proves(place: Place, cloud: FakeCloud) -> None:
    cloud.nonce = "nonce-of-this-minute"
    with place.serving():
        message = place.token_request()
        answer = ask_at(place.socket, message)
        assert (answer["ok"], answer["error"]) == (False, "use_dpop_nonce")
        expected = {"nonce": cloud.nonce, "token_endpoint": cloud.url + TOKEN}
        assert answer["fields"] == expected
        assert place.ask("status")["problem"] is None
        assert place.ask("token", gpii_key="alice-key")["ok"]
        cloud.nonce = 'not"one'
        assert place.ask("token", gpii_key="bob-key")["error"] == "cloud_unreachable"


@pytest.mark.parametrize(
    ("told", "word"),
    [
        ({"issuer": "https://elsewhere.example"}, "otherwise"),
        ({"issuer": "{}/"}, "otherwise"),
        ({"issuer": "HTTP://127.0.0.1"}, "otherwise"),
        ({"token_endpoint": "https://elsewhere.example/oauth2/token"}, "of itself"),
        ({"token_endpoint": "{}.elsewhere.example/oauth2/token"}, "of itself"),
        ({"token_endpoint": "{}/../token"}, "of itself"),
        ({"token_endpoint": "{}//elsewhere.example/token"}, "of itself"),
        ({"token_endpoint": "{}/token?a=b"}, "of itself"),
        ({"token_endpoint": "{}/%2e%2e/token"}, "of itself"),
        ({"token_endpoint": 7}, "of itself"),
    ],
)
def test_p67_a_cloud_of_another_name_or_with_endpoints_elsewhere_gets_no_key(
    place: Place, cloud: FakeCloud, told: dict[str, object], word: str
) -> None:
    cloud.metadata = {
        name: value.format(cloud.url) if isinstance(value, str) else value
        for name, value in told.items()
    }
    with place.serving():
        answer = place.ask("token", gpii_key="alice-key")
        assert answer["error"] == "cloud_unreachable"
        assert word in answer["fields"]["reason"]
    assert cloud.paths == [METADATA]


def test_p68_forget_drops_the_token_and_status_counts_them(place: Place, cloud: FakeCloud) -> None:
    with place.serving():
        first = place.ask("token", gpii_key="alice-key")
        place.ask("token", gpii_key="bob-key")
        assert place.ask("status")["tokens"] == 2
        assert place.ask("forget", gpii_key="alice-key")["forgotten"] == 1
        assert place.ask("forget", gpii_key="alice-key")["forgotten"] == 0
        assert place.ask("token", gpii_key="alice-key")["access_token"] != first["access_token"]
        assert place.ask("forget")["forgotten"] == 2
        assert place.ask("status")["tokens"] == 0
        wait_for(lambda: len(cloud.revoked) == 3)
    assert cloud.grants == 3
    assert cloud.revoked[0] == first["access_token"]


def test_p68_a_token_that_could_not_be_ended_is_ended_later(place: Place, cloud: FakeCloud) -> None:
    cloud.revocation_down = True
    with place.serving() as process:
        token = place.ask("token", gpii_key="alice-key")["access_token"]
        assert place.ask("forget")["forgotten"] == 1  # nobody waits for the cloud
        wait_for(lambda: "token_not_revoked" in process.output)
        cloud.revocation_down = False
        wait_for(lambda: cloud.revoked == [token])
        assert token not in process.output


def test_p68_a_computer_that_is_revoked_does_not_ask_again_and_again(
    place: Place, cloud: FakeCloud
) -> None:
    with place.serving() as process:
        assert place.ask("token", gpii_key="alice-key")["ok"]
        cloud.clients.clear()
        assert place.ask("forget")["forgotten"] == 1
        wait_for(lambda: "token_not_revoked" in process.output)
        time.sleep(2.5)  # the first pause would be over
        assert cloud.paths.count(REVOKE) == 1


def test_p68_a_key_out_while_the_cloud_is_slow_leaves_nothing(
    place: Place, cloud: FakeCloud
) -> None:
    cloud.delay_s = 0.6
    with place.serving():
        asking = threading.Thread(target=place.ask, args=("token",), kwargs={"gpii_key": "bob-key"})
        asking.start()
        wait_for(lambda: bool(cloud.requests))
        place.ask("forget", gpii_key="bob-key")
        asking.join()
        assert place.ask("status")["tokens"] == 0
        wait_for(lambda: len(cloud.revoked) == 1)


def test_a_token_with_less_than_ten_seconds_is_renewed(place: Place, cloud: FakeCloud) -> None:
    cloud.expires_in = 9
    with place.serving():
        first = place.ask("token", gpii_key="alice-key")
        assert first["expires_in"] <= 9
        assert place.ask("token", gpii_key="alice-key")["access_token"] != first["access_token"]
    assert cloud.grants == 2


def test_callers_who_want_the_same_token_at_once_ask_the_cloud_once(
    place: Place, cloud: FakeCloud
) -> None:
    cloud.delay_s = 0.5
    tokens: list[str] = []

    def ask() -> None:
        tokens.append(place.ask("token", gpii_key="alice-key")["access_token"])

    with place.serving():
        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(tokens) == 8
    assert len(set(tokens)) == 1
    assert cloud.grants == 1


def test_a_refused_key_and_a_refused_credential_are_told_apart(
    place: Place, cloud: FakeCloud
) -> None:
    with place.serving():
        refused = place.ask("token", gpii_key="unknown-key")
        assert (refused["ok"], refused["error"]) == (False, "key_refused")
        assert refused["next_step"]
        assert place.ask("status")["problem"] is None
        cloud.clients.clear()
        assert place.ask("token", gpii_key="bob-key")["error"] == "credential_revoked"
        assert place.ask("status")["problem"] == "credential_revoked"


_LIES = (
    b"[]",
    b"{}",
    b'{"access_token":"a b","expires_in":1,"token_type":"DPoP"}',
    b'{"access_token":"a","expires_in":900,"token_type":"Bearer"}',
    b"x" * 20_000,
)


def test_cloud_down_slow_and_lying_are_told_in_plain_words(place: Place, cloud: FakeCloud) -> None:
    with place.serving():
        for status, error in ((500, "out of order"), (503, "out of order"), (404, "no cloud")):
            cloud.instead = (status, {}, b"<html>alice-key")
            answer = place.ask("token", gpii_key="alice-key")
            assert answer["error"] == "cloud_unreachable"
            assert error in answer["fields"]["reason"]
        for lie in _LIES:
            cloud.instead = (200, {}, lie)
            assert place.ask("token", gpii_key="alice-key")["error"] == "cloud_unreachable"
        cloud.instead = (302, {"Location": cloud.url + "/elsewhere"}, b"")
        assert place.ask("token", gpii_key="alice-key")["error"] == "cloud_unreachable"
        cloud.instead = (429, {"Retry-After": "17"}, b"")
        limited = place.ask("token", gpii_key="alice-key")
        assert (limited["error"], limited["fields"]) == ("rate_limited", {"retry_after": 17})
        before = cloud.grants
        cloud.instead = None
        assert place.ask("token", gpii_key="alice-key")["ok"]
        assert cloud.grants == before + 1  # nothing was asked twice
    place.cloud = "http://127.0.0.1:1"
    with place.serving():
        answer = place.ask("token", gpii_key="alice-key")
        assert "no connection" in answer["fields"]["reason"]


@pytest.mark.parametrize("ahead", [-3600, 3600])
def test_p86_a_wrong_clock_is_named(place: Place, cloud: FakeCloud, ahead: float) -> None:
    cloud.clock_ahead_s = ahead
    with place.serving():
        answer = place.ask("token", gpii_key="alice-key")
        assert answer["error"] == "clock_skew"
        assert abs(answer["fields"]["seconds"] + ahead) < 60
        assert place.ask("status")["problem"] == "clock_skew"
    assert len(cloud.requests) == 1


@pytest.mark.parametrize("ahead", [-25, 25])
def test_p86_a_clock_that_is_a_little_wrong_does_no_harm_but_is_told(
    place: Place, cloud: FakeCloud, ahead: float
) -> None:
    cloud.clock_ahead_s = ahead
    with place.serving():
        assert place.ask("token", gpii_key="alice-key")["ok"]
        assert place.ask("status")["problem"] == "clock_skew"


async def test_killed_and_started_again_it_answers_again(place: Place) -> None:
    client, sender = RequesterClient.at(place.socket, issuer=place.cloud), place.sender
    with place.serving() as process:
        first = await client.token(GpiiKey("alice-key"), sender, request_id="request-0001")
        process.process.send_signal(signal.SIGKILL)
        process.process.wait(10)
        with pytest.raises(RequesterUnreachable):
            await client.token(GpiiKey("alice-key"), sender, request_id="request-0002")
    assert place.socket.exists()  # kill -9 leaves the name; the next start replaces it
    with place.serving():
        second = await client.token(GpiiKey("alice-key"), sender, request_id="request-0003")
        assert second != first


def test_not_enrolled_until_the_credential_is_there(place: Place, cloud: FakeCloud) -> None:
    place.credential.unlink()
    with place.serving():
        answer = place.ask("token", gpii_key="alice-key")
        assert answer["error"] == "not_enrolled"
        assert place.ask("status")["enrolled"] is False
        assert cloud.paths == []  # O13: no other credential was tried
        outcome = run("requester", "status", "--socket", place.socket, "--json")
        assert outcome.returncode == 1
        place.write_credential()
        assert place.ask("token", gpii_key="alice-key")["ok"]
        outcome = run("requester", "status", "--socket", place.socket)
        assert outcome.returncode == 0
        assert "library-7" in outcome.stdout
        outcome = run("requester", "forget", "--socket", place.socket, "--json")
        assert outcome.stdout == '{"forgotten":1}\n'
    outcome = run("requester", "status", "--socket", place.socket, "--json")
    assert outcome.returncode == 4


def test_a_supervised_flow_manager_has_a_socket_that_nobody_else_can_find(
    place: Place, cloud: FakeCloud
) -> None:
    root = os.geteuid() == 0
    asking = json.dumps(place.token_request())
    command = [ANYBODYS_PYTHON, "-I", str(readable_asker(place.folder)), "fd:{fd}", asking, "stay"]
    more = f'transport = "supervise"\n[flow_manager]\ncommand = {json.dumps(command)}\n'
    with place.serving(more=more + ('user = "nobody"\n' if root else ""), allow=[]) as process:
        expected = f'{{"uid": {NOBODY if root else os.geteuid()}, '
        wait_for(lambda: expected in process.output)
        assert '\\"ok\\":true' in process.output
        assert ("no_boundary" in process.output) is not root
        assert process.end() == 0
    assert cloud.grants == 1


def test_an_inherited_pair_ends_with_its_other_end(place: Place) -> None:
    ours, theirs = socket.socketpair()
    config = place.config(more='transport = "inherited"', allow=[])
    command = [sys.executable, "-m", "keyin", "requester", "serve", "--config", str(config)]
    with theirs:
        number = theirs.fileno()
        process = subprocess.Popen([*command, "--inherit-fd", str(number)], pass_fds=(number,))
    answer = ask_at(f"fd:{ours.detach()}", {"v": 1, "id": "1", "op": "status"})
    assert answer["enrolled"] is True
    assert process.wait(10) == 0


def test_cli_help_has_an_example_for_each_verb() -> None:
    for verb in ("serve", "status", "forget", "new-key", "public-key", "adopt"):
        outcome = run("requester", verb, "--help")
        assert outcome.returncode == 0
        assert f"Example: keyin requester {verb}" in " ".join(outcome.stdout.split())
