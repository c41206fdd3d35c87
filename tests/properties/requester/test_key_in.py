"""A started access requester, a cloud over real HTTP, and the wire between them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from keyin.domain.errors import RequesterUnreachable
from keyin.domain.secret import GpiiKey
from keyin.remote.access_requester import RequesterClient
from tests.fakes.cloud import FakeCloud, running_cloud
from tests.properties.requester.place import (
    ANYBODYS_PYTHON,
    NOBODY,
    SECRET,
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


def test_a_key_becomes_a_token_and_the_secret_goes_to_the_cloud_alone(
    place: Place, cloud: FakeCloud
) -> None:
    with place.serving() as process:
        assert process.url == f"unix:{place.socket}"
        answer = place.ask("token", gpii_key="alice-key", request_id="request-0001")
        assert answer["ok"] is True
        assert answer["token_type"] == "Bearer"
        assert 3590 <= answer["expires_in"] <= 3600
        again = place.ask("token", gpii_key="alice-key")
        assert again["access_token"] == answer["access_token"]
        assert process.end() == 0
        assert not place.socket.exists()
        for canary in (SECRET, "alice-key", answer["access_token"]):
            assert canary not in process.output
    assert cloud.grants == 1
    assert cloud.requests[0] == {
        "grant_type": "password",
        "client_id": "library-7",
        "client_secret": SECRET,
        "username": "alice-key",
        "password": "dummy",
    }
    assert cloud.headers[0]["x-request-id"] == "request-0001"


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
    assert cloud.grants == 3


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
        cloud.credentials.clear()
        place.write_credential({"client_id": "library-7", "client_secret": "other"})
        assert place.ask("token", gpii_key="bob-key")["error"] == "credential_revoked"
        assert place.ask("status")["problem"] == "credential_revoked"


def test_cloud_down_slow_and_lying_are_told_in_plain_words(place: Place, cloud: FakeCloud) -> None:
    with place.serving():
        for status, error in ((500, "out of order"), (503, "out of order"), (404, "no cloud")):
            cloud.instead = (status, {}, b"<html>alice-key")
            answer = place.ask("token", gpii_key="alice-key")
            assert answer["error"] == "cloud_unreachable"
            assert error in answer["fields"]["reason"]
        for lie in (b"[]", b"{}", b'{"access_token":"a b","expiresIn":1}', b"x" * 20_000):
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
        assert place.ask("token", gpii_key="alice-key")["ok"]  # this grant needs no clock
        assert place.ask("status")["problem"] == "clock_skew"
        answer = place.ask("token", gpii_key="unknown-key")
        assert answer["error"] == "clock_skew"
        assert abs(answer["fields"]["seconds"] + ahead) < 60


async def test_killed_and_started_again_it_answers_again(place: Place) -> None:
    client = RequesterClient.at(place.socket)
    with place.serving() as process:
        first = await client.token(GpiiKey("alice-key"), request_id="request-0001")
        process.process.send_signal(signal.SIGKILL)
        process.process.wait(10)
        with pytest.raises(RequesterUnreachable):
            await client.token(GpiiKey("alice-key"), request_id="request-0002")
    assert place.socket.exists()  # kill -9 leaves the name; the next start replaces it
    with place.serving():
        assert await client.token(GpiiKey("alice-key"), request_id="request-0003") != first


def test_not_enrolled_until_the_credential_is_there(place: Place, cloud: FakeCloud) -> None:
    place.credential.unlink()
    with place.serving():
        answer = place.ask("token", gpii_key="alice-key")
        assert answer["error"] == "not_enrolled"
        assert place.ask("status")["enrolled"] is False
        assert cloud.requests == []  # O13: no other credential was tried
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
    asking = json.dumps({"v": 1, "id": "1", "op": "token", "gpii_key": "alice-key"})
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
    for verb in ("serve", "status", "forget"):
        outcome = run("requester", verb, "--help")
        assert outcome.returncode == 0
        assert f"Example: keyin requester {verb}" in " ".join(outcome.stdout.split())
