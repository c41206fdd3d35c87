"""P24, P25: the socket's address counts, unless a declared proxy tells of another."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cloud_documents import NETWORKED, SECRET
from tests.cloud_process import Cloud, copied, serving
from tests.limited_cloud import limited, store_with

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

INSIDE = [
    {"X-Forwarded-For": "10.1.2.3"},
    {"X-Forwarded-For": "::ffff:10.1.2.3"},
    {"X-Forwarded-For": "8.8.8.8, 10.1.2.3"},
    {"X-Forwarded-For": "garbage, 10.1.2.3"},
    {"X-Forwarded-For": "10.1.2.3, 127.9.9.9"},
    {"X-Forwarded-For": "2001:db8::5"},
    {"X-Forwarded-For": "2001:DB8:0:0::5%eth0"},
    {"X-Forwarded-For": "8.8.8.8, 10.1.2.3, 127.1.1.1, 127.2.2.2"},
    {"X-Forwarded-For": "  10.1.2.3  "},
    {"Forwarded": "for=10.1.2.3"},
    {"Forwarded": "proto=https;by=8.8.8.8;for=10.1.2.3;host=x"},
    {"Forwarded": "for=8.8.8.8, for=10.1.2.3;proto=https"},
    {"Forwarded": 'For="[2001:db8::5]:4711"'},
    {"Forwarded": 'for="10.1.2.3:80"'},
    {"Forwarded": "for=10.1.2.3", "X-Forwarded-For": "10.1.2.3"},
]
OUTSIDE = [
    {},
    {"X-Forwarded-For": ""},
    {"X-Forwarded-For": "127.0.0.1"},
    {"X-Forwarded-For": "10.1.2.3, 8.8.8.8"},
    {"X-Forwarded-For": "10.1.2.3, 127.0.0.1"},
    {"X-Forwarded-For": "10.1.2.3, garbage"},
    {"X-Forwarded-For": "10.1.2.3,"},
    {"X-Forwarded-For": "10.1.2.3:80"},
    {"X-Forwarded-For": "10.1.2"},
    {"X-Forwarded-For": "10.1.2.256"},
    {"X-Forwarded-For": "10.1.2.3/16"},
    {"X-Forwarded-For": "10.1.2.3; 10.1.2.3"},
    {"X-Forwarded-For": "10.1.2.3 8.8.8.8"},
    {"X-Forwarded-For": "::10.1.2.3"},
    {"X-Forwarded-For": "2001:db9::5"},
    {"X-Forwarded-For": "2001:db8::5::"},
    {"X-Forwarded-For": "127.0.0.1, 127.0.0.1"},
    {"X-Forwarded-For": "10.1.2.3, ::ffff:8.8.8.8"},
    {"X-Forwarded-For": "10.1.2.3, \xe9"},
    {"X-Forwarded-For": "[2001:db8::5]"},
    {"X-Forwarded-For": "x" * 5000},
    {"X-Forwarded-For": "," * 5000},
    {"X-Real-IP": "10.1.2.3"},
    {"Client-IP": "10.1.2.3", "True-Client-IP": "10.1.2.3", "Via": "10.1.2.3"},
    {"Forwarded": "for=unknown"},
    {"Forwarded": "for=10.1.2.3, for=8.8.8.8"},
    {"Forwarded": "for=10.1.2.3, proto=https"},
    {"Forwarded": "for=_hidden"},
    {"Forwarded": "10.1.2.3"},
    {"Forwarded": "by=10.1.2.3"},
    {"Forwarded": "for=10.1.2.3", "X-Forwarded-For": "8.8.8.8"},
    {"Forwarded": "for=8.8.8.8", "X-Forwarded-For": "10.1.2.3"},
]


def ask(cloud: Cloud, headers: Mapping[str, str]) -> int:
    form = {
        "grant_type": "password",
        "client_id": NETWORKED,
        "client_secret": SECRET,
        "username": "alice",
        "password": "x",
    }
    reply = cloud.form("/access_token", form, headers)
    if reply.status != 200:
        assert reply.json == {"error": "server_error", "error_description": "Unauthorized"}
    return reply.status


@pytest.mark.parametrize("headers", INSIDE, ids=json.dumps)
def test_p24_a_declared_proxy_is_believed(cloud: Cloud, headers: Mapping[str, str]) -> None:
    assert ask(cloud, headers) == 200


@pytest.mark.parametrize("headers", OUTSIDE, ids=lambda headers: json.dumps(headers)[:60])
def test_p24_nothing_else_gives_more_access_or_an_error(
    cloud: Cloud, headers: Mapping[str, str]
) -> None:
    assert ask(cloud, headers) == 401


def test_p24_without_a_declared_proxy_nobody_is_believed(imported: Path, tmp_path: Path) -> None:
    with serving(copied(imported, tmp_path / "data")) as plain:
        assert {ask(plain, headers) for headers in INSIDE} == {401}
        assert plain.token("alice", ("free", SECRET)).status == 200


def test_p25_networks_are_checked_again_at_every_use(cloud: Cloud) -> None:
    form = {
        "grant_type": "password",
        "client_id": NETWORKED,
        "client_secret": SECRET,
        "username": "alice",
        "password": "x",
    }
    inside = {"X-Forwarded-For": "10.1.2.3"}
    token = cloud.form("/access_token", form, inside).json["access_token"]
    for headers, status in ((inside, 200), ({"X-Forwarded-For": "8.8.8.8"}, 401), ({}, 401)):
        path = "/alice/settings/%7B%7D"
        bearer = {"Authorization": f"Bearer {token}", **headers}
        assert cloud.request("GET", path, headers=bearer).status == status
        saving = {**bearer, "Content-Type": "application/json"}
        assert cloud.request("PUT", "/alice/settings", headers=saving, body="{}").status == (
            400 if status == 200 else 401
        )


def test_p25_an_empty_list_lets_nobody_in(cloud: Cloud) -> None:
    assert cloud.token("alice", ("nowhere", SECRET)).status == 401


FEW_LOGINS = {
    "failed_logins_burst": 50,
    "address_failed_logins_burst": 5,
    "address_failed_logins_a_minute": 1,
}


def failing(cloud: Cloud, number: int, address: str) -> int:
    form = {"grant_type": "password", "client_id": f"nobody-{number}", "client_secret": "wrong"}
    return cloud.form("/access_token", form, {"X-Forwarded-For": address}).status


def test_p24_a_forged_header_is_no_new_address_to_the_limits(tmp_path: Path) -> None:
    with limited(store_with(tmp_path / "data", "a"), **FEW_LOGINS) as cloud:
        statuses = [failing(cloud, number, f"192.0.2.{number}") for number in range(8)]
    assert statuses == [401] * 5 + [429] * 3


def test_p24_behind_a_declared_proxy_each_address_has_its_own_limit(tmp_path: Path) -> None:
    proxy = ("--trusted-proxy", "127.0.0.0/8")
    with limited(store_with(tmp_path / "data", "a"), *proxy, **FEW_LOGINS) as cloud:
        one = [failing(cloud, number, "198.51.100.7, 192.0.2.1") for number in range(7)]
        other = [failing(cloud, number, "192.0.2.1, 198.51.100.7") for number in range(7)]
        home = [failing(cloud, number, f"2001:db8:1:2::{number}") for number in range(7)]
    assert one == other == home == [401] * 5 + [429] * 2, "an IPv6 network is one address"
