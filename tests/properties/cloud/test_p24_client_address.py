"""P24, P25: the socket's address counts, unless a declared proxy tells of another."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cloud_documents import NETWORKED, SECRET
from tests.cloud_process import Cloud, copied, serving

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
    {"Forwarded": "for=10.1.2.3"},
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
    {"X-Forwarded-For": "[2001:db8::5]"},
    {"X-Forwarded-For": "x" * 5000},
    {"X-Forwarded-For": "," * 5000},
    {"X-Real-IP": "10.1.2.3"},
    {"Forwarded": "for=unknown"},
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
