"""Invariants 1 and 3 of the architecture, against started processes.

1: the private key is in the access requester's memory and in no other process.
3: no configuration makes an unauthenticated read of preferences possible.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import pytest

from keyin.cloud import routes
from keyin.cloud.routes import Access
from tests.cloud_process import import_documents
from tests.household import household
from tests.leaks import found_in_memory
from tests.started import Started, started
from tests.three_processes import (
    CLIENT_ID,
    KEY,
    PREFERENCES,
    REGISTRY,
    SECRET,
    SIZE,
    SOLUTION,
    documents,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEVICE = quote(json.dumps({"OS": {"id": "linux"}, "solutions": [{"id": SOLUTION}]}), safe="")

NOT_HERE = {"/", "/{key}", "/{key}/settings", "/preferences", "/preferences/{key}", "/metrics"}
NOT_HERE |= {"/revision", "/user/{key}/login", "/docs", "/openapi.json"}


def _in_memory(texts: set[str], process: Started) -> set[str]:
    try:
        return found_in_memory(texts, process.process.pid)
    except PermissionError:
        pytest.skip("this system lets not even us look into another process's memory")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may look into a hardened process")
def test_invariant_1_no_other_process_ever_has_the_private_key(tmp_path: Path) -> None:
    with household(tmp_path) as house:
        key, private = house.marks.key, house.private
        assert house.keyin("login", "-", key=key).returncode == 0
        # the key of whoever is keyed in is there: the search sees what is to be seen
        assert _in_memory({key, private}, house.flow_manager) == {key}
        assert private not in _in_memory({private}, house.cloud)
        assert house.keyin("logout").returncode == 0
        assert private not in _in_memory({private}, house.flow_manager)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may look into a hardened process")
def test_invariant_1_the_search_finds_the_private_key_where_it_is(tmp_path: Path) -> None:
    with household(tmp_path) as house:
        found: set[str] = set()
        for _ in range(20):  # the requester reads it for each grant and keeps it no longer
            house.ask_requester(op="token", gpii_key=house.marks.key)
            house.ask_requester(op="forget")
            found |= _in_memory({house.private}, house.requester)
            if found:
                break
        assert found == {house.private}


@dataclass(frozen=True)
class Way:
    """A configuration, and how a stranger with every advantage asks under it."""

    name: str
    config: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    unix: bool = False


_TOMORROW = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
_PILOT = f'[pilot]\nuntil = {_TOMORROW}\nnetworks = ["127.0.0.0/8", "::1"]\n'
WAYS = (
    Way("loopback"),
    Way("unix socket", unix=True),
    Way("pilot", _PILOT),
    Way(
        "trusted proxy",
        'trusted_proxy = ["127.0.0.0/8"]\n',
        (("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-Proto", "https")),
    ),
    Way(
        "unix proxy",
        'trusted_proxy = ["unix"]\n',
        (("Forwarded", "for=127.0.0.1;proto=https"),),
        unix=True,
    ),
    Way("issuer", 'issuer = "http://127.0.0.1:1"\n'),
    Way("pilot behind a proxy", 'trusted_proxy = ["127.0.0.0/8"]\n' + _PILOT),
)


@pytest.fixture(params=WAYS, ids=lambda way: way.name.replace(" ", "-"))
def asking(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[httpx.Client]:
    """Serve as configured; ask as somebody on this computer."""
    way: Way = request.param
    registry = tmp_path / "linux.json5"
    registry.write_text(json.dumps(REGISTRY))
    papers = documents(KEY, SECRET, PREFERENCES)
    import_documents(tmp_path / "cloud", papers, "--solutions", registry)
    config = tmp_path / "cloud.toml"
    config.write_text(way.config)
    listen = f"unix:{tmp_path}/cloud.sock" if way.unix else "127.0.0.1:0"
    with started(
        "cloud", "serve", "--data", tmp_path / "cloud", "--listen", listen, "--config", config
    ) as cloud:
        transport = httpx.HTTPTransport(uds=f"{tmp_path}/cloud.sock") if way.unix else None
        base = "http://127.0.0.1" if way.unix else cloud.url
        with httpx.Client(
            transport=transport, base_url=base, headers=dict(way.headers), trust_env=False
        ) as client:
            yield client


def _guarded() -> list[routes.Route]:
    return [route for route in routes.PUBLIC if route.access is Access.BEARER]


def _path(route: routes.Route, key: str) -> str:
    path = route.template.replace("{key}", key).replace("{device}", DEVICE)
    return path.replace("{digest}", "0" * 64)


def _without_right(token: str) -> list[dict[str, Any]]:
    other = "A" * len(token)
    values = [
        "",
        "Bearer",
        f"Bearer {other}",
        f"Bearer {SECRET}",
        f"Bearer {KEY}",
        f"Bearer {token} {token}",
        f"Bearer {token[:-1]}",
        "Bearer null",
        f"Basic {token}",
        token,
    ]
    return [
        {},
        *({"headers": {"Authorization": value}} for value in values),
        {"params": {"access_token": token}},
        {"headers": {"Cookie": f"access_token={token}"}},
        {"headers": {"X-Forwarded-User": KEY, "X-Real-IP": "127.0.0.1", "Host": "localhost"}},
        {"headers": [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {other}")]},
    ]


def test_invariant_3_no_configuration_answers_without_a_token(asking: httpx.Client) -> None:
    form = {"grant_type": "password", "client_id": CLIENT_ID, "password": "dummy"}
    form |= {"client_secret": SECRET, "username": KEY}
    token = asking.post("/access_token", data=form).json()["access_token"]
    for route in _guarded():
        for without in _without_right(token):
            reply = asking.request(route.method, _path(route, KEY), **without)
            assert reply.status_code == 401, (route.template, without)
            assert SIZE not in reply.text
        if "{key}" not in route.template:
            continue
        for key in ("somebody-else", "carla", "%00", "noUser"):
            bearer = {"Authorization": f"Bearer {token}"}
            assert (
                asking.request(route.method, _path(route, key), headers=bearer).status_code == 401
            )
    # with the right it answers: what is refused above is refused for want of a token
    reply = asking.get(_path(routes.QUERY, KEY), headers={"Authorization": f"Bearer {token}"})
    assert reply.status_code == 200
    assert SIZE in reply.text


def test_p1_no_path_but_the_public_ones_answers_without_a_token(asking: httpx.Client) -> None:
    public = {(route.method, route.template) for route in routes.PUBLIC}
    paths = {template for _, template in public} | NOT_HERE
    open_to_all = {
        (route.method, route.template)
        for route in routes.PUBLIC
        if route.access in (Access.PUBLIC, Access.CLIENT)
    }
    assert open_to_all == {
        ("POST", "/access_token"),
        ("OPTIONS", "/access_token"),
        ("GET", "/health"),
        ("GET", "/ready"),
    }
    for path in paths:
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            place = path.replace("{key}", KEY).replace("{device}", DEVICE)
            reply = asking.request(method, place)
            if (method, path) not in open_to_all:
                assert reply.status_code >= 400, (method, path)
            assert SIZE not in reply.text
