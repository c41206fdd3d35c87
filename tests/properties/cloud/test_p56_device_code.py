"""The device grant: off, and where it is on, narrow (P56; RFC 8628, RFC 10027)."""

from __future__ import annotations

import re
import sqlite3
import time
from typing import TYPE_CHECKING

import pytest

from keyin.oauth.device import ALPHABET, LETTERS
from tests.cloud_process import Cloud, Reply, serving
from tests.oauth_application import Application, Person, account, application, hidden, pair
from tests.oauth_client import ISSUER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
METADATA = "/.well-known/oauth-authorization-server"


class Place:
    def __init__(self, data: Path) -> None:
        self.data = data
        self.person = account(data)
        self.device = application(data, "none", "--native", "--grant", "device")
        self.other = application(data, "client_secret_basic", "--grant", "device")
        self.web = application(data, "client_secret_basic")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("device") / "data")


@pytest.fixture(scope="module")
def cloud(place: Place) -> Iterator[Cloud]:
    file = place.data.parent / "cloud.toml"
    file.write_text("device_code = true\n")
    proxy = ("--trusted-proxy", "127.0.0.0/8")
    with serving(place.data, "--issuer", ISSUER, "--config", file, *proxy) as running:
        place.person.sign_in(running)
        yield running


def begin(cloud: Cloud, app: Application, *, bound: bool = False, came: str = "") -> Reply:
    headers = {"X-Forwarded-For": came} if came else {}
    return app.post(cloud, "/oauth2/device_authorization", {}, bound=bound, headers=headers)


def poll(cloud: Cloud, app: Application, code: str, *, bound: bool = False) -> Reply:
    form: dict[str, str | None] = {"grant_type": GRANT, "device_code": code}
    return app.post(cloud, "/oauth2/token", form, bound=bound)


def error(reply: Reply) -> tuple[int, str]:
    assert reply.headers["cache-control"] == "no-store"
    return reply.status, reply.json["error"]


def look_up(cloud: Cloud, person: Person, code: str) -> Reply:
    shown = person.get(cloud, "/device")
    return person.post(cloud, "/device", {**hidden(shown), "code": code})


def answer(cloud: Cloud, person: Person, code: str, decision: str = "approve") -> Reply:
    question = look_up(cloud, person, code)
    assert question.status == 200, question.body
    return person.post(cloud, "/device/decision", {**hidden(question), "decision": decision})


def test_p56_it_is_off_until_it_is_switched_on(tmp_path: Path) -> None:
    data = tmp_path / "data"
    device = application(data, "none", "--native", "--grant", "device")
    person = account(data)
    with serving(data, "--issuer", ISSUER) as cloud:
        described = cloud.request("GET", METADATA).json
        assert "device_authorization_endpoint" not in described
        assert GRANT not in described["grant_types_supported"]
        assert begin(cloud, device).status == 404
        assert error(poll(cloud, device, "x")) == (400, "unsupported_grant_type")
        person.sign_in(cloud)
        assert person.get(cloud, "/device").status == 404


def test_p56_where_it_is_on_discovery_says_so(cloud: Cloud) -> None:
    described = cloud.request("GET", METADATA).json
    assert described["device_authorization_endpoint"] == ISSUER + "/oauth2/device_authorization"
    assert GRANT in described["grant_types_supported"]


@pytest.mark.parametrize("bound", [False, True])
def test_a_person_lets_a_device_in(cloud: Cloud, place: Place, *, bound: bool) -> None:
    begun = begin(cloud, place.device, bound=bound).json
    assert begun["verification_uri"] == ISSUER + "/device"
    assert answer(cloud, place.person, begun["user_code"].lower().replace("-", " ")).status == 200
    given = poll(cloud, place.device, begun["device_code"], bound=bound)
    assert given.status == 200, given.body
    assert given.json["scope"] == "account:read"
    token = given.json["access_token"]
    reply = place.device.get(cloud, "/api/v1/account", token, bound=bound)
    assert reply.json["name"] == place.person.name
    assert error(poll(cloud, place.device, begun["device_code"], bound=bound)) == (
        400,
        "invalid_grant",
    )


def test_p56_a_user_code_is_one_of_20_to_the_8_and_lives_ten_minutes(
    cloud: Cloud, place: Place
) -> None:
    assert len(set(ALPHABET)) ** LETTERS >= 20**8
    codes = set()
    for _ in range(20):
        begun = begin(cloud, place.device).json
        assert 0 < begun["expires_in"] <= 600
        assert begun["interval"] >= 5
        assert "verification_uri_complete" not in begun
        assert re.fullmatch(f"[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}", begun["user_code"])
        assert len(begun["device_code"]) == 43
        codes.add(begun["user_code"])
    assert len(codes) == 20


def test_p56_who_asks_too_often_is_slowed_down(cloud: Cloud, place: Place) -> None:
    code = begin(cloud, place.device).json["device_code"]
    assert error(poll(cloud, place.device, code)) == (400, "authorization_pending")
    assert error(poll(cloud, place.device, code)) == (400, "slow_down")
    time.sleep(5.1)  # the first interval; it is longer by now
    assert error(poll(cloud, place.device, code)) == (400, "slow_down")


def test_p56_a_no_is_final(cloud: Cloud, place: Place) -> None:
    begun = begin(cloud, place.device).json
    assert answer(cloud, place.person, begun["user_code"], "deny").status == 200
    assert error(poll(cloud, place.device, begun["device_code"])) == (400, "access_denied")
    assert look_up(cloud, place.person, begun["user_code"]).status == 400


def test_p56_an_old_code_is_worth_nothing(cloud: Cloud, place: Place) -> None:
    begun = begin(cloud, place.device).json
    assert answer(cloud, place.person, begun["user_code"]).status == 200
    connection = sqlite3.connect(place.data / "keyin.sqlite3")
    with connection:
        # In the store, instead of waiting; the sweep leaves rows for a minute.
        connection.execute("UPDATE device_requests SET expires = expires - 600000")
    connection.close()
    assert error(poll(cloud, place.device, begun["device_code"])) == (400, "expired_token")


def test_p56_codes_are_for_their_own_device_only(cloud: Cloud, place: Place) -> None:
    begun = begin(cloud, place.device, bound=True).json
    assert answer(cloud, place.person, begun["user_code"]).status == 200
    code = begun["device_code"]
    assert error(poll(cloud, place.other, code)) == (400, "invalid_grant")
    assert error(poll(cloud, place.web, code)) == (400, "unauthorized_client")
    assert error(begin(cloud, place.web)) == (400, "unauthorized_client")
    assert error(poll(cloud, place.device, code)) == (400, "invalid_grant")  # no proof
    thief = Application(place.device.client_id, "none", nonce=place.device.nonce)
    assert error(poll(cloud, thief, code, bound=True)) == (400, "invalid_grant")


def test_p56_the_page_says_from_where_the_device_asks_and_warns(cloud: Cloud, place: Place) -> None:
    begun = begin(cloud, place.device, came="203.0.113.9").json
    page = look_up(cloud, place.person, begun["user_code"]).body.decode()
    assert "203.0.113.9" in page
    assert "If somebody sent you a code" in page


def test_p56_five_wrong_codes_and_none_is_looked_up(cloud: Cloud, place: Place) -> None:
    guesser = account(place.data, "guesser", "another long word of mine")
    guesser.sign_in(cloud)
    right = begin(cloud, place.device).json["user_code"]
    for _ in range(5):
        assert look_up(cloud, guesser, "BBBB-BBBB").status == 400
    assert look_up(cloud, guesser, right).status == 429
    assert look_up(cloud, place.person, right).status == 200


def test_p56_where_only_the_own_network_counts_no_other_device_is_let_in(tmp_path: Path) -> None:
    data = tmp_path / "data"
    device = application(data, "none", "--native", "--grant", "device")
    person = account(data)
    file = tmp_path / "cloud.toml"
    file.write_text("device_code = true\ndevice_code_same_network = true\n")
    with serving(
        data, "--issuer", ISSUER, "--config", file, "--trusted-proxy", "127.0.0.0/8"
    ) as cloud:
        person.sign_in(cloud)
        far = begin(cloud, device, came="203.0.113.9").json["user_code"]
        assert look_up(cloud, person, far).status == 400
        near = begin(cloud, device).json
        assert answer(cloud, person, near["user_code"]).status == 200
        assert poll(cloud, device, near["device_code"]).status == 200


def test_a_code_of_the_other_kind_is_no_device_code(cloud: Cloud, place: Place) -> None:
    code, _ = place.web.code(cloud, place.person)
    assert error(poll(cloud, place.other, code)) == (400, "invalid_grant")
    verifier, _ = pair()
    begun = begin(cloud, place.other).json
    assert error(place.web.redeem(cloud, begun["device_code"], verifier)) == (400, "invalid_grant")
