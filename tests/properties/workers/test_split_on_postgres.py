"""The split layout on one database: what is revoked is revoked for both servers, once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests import postgres
from tests.cloud_documents import (
    FONT_SIZE,
    FREE,
    LANGUAGE,
    LISTED,
    MAKER,
    SECRET,
    everything,
    preferences,
)
from tests.cloud_process import import_documents
from tests.preferences_server import Clouds, split
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = postgres.needs_postgres


@pytest.fixture(scope="module")
def clouds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clouds]:
    data = postgres.shared(tmp_path_factory.mktemp("split") / "data")
    import_documents(data, everything())
    with split(data, data) as running:
        yield running


def token(clouds: Clouds, key: str, client: str = FREE) -> str:
    issued: str = clouds.public.token(key, (client, SECRET)).json["access_token"]
    return issued


def kept(clouds: Clouds, key: str) -> Any:
    return clouds.prefer("GET", f"/preferences/{key}").json["contexts"]["gpii-default"]


def test_both_servers_see_what_either_saves(clouds: Clouds) -> None:
    alice = token(clouds, "alice", LISTED)
    for number in range(8):
        language = "de-DE" if number % 2 else "en-US"
        saved = clouds.public.save("alice", alice, preferences(language=language))
        assert saved.status == 200
        assert kept(clouds, "alice")["preferences"] == {FONT_SIZE: 24, LANGUAGE: language}
    assert clouds.public.save("alice", alice, preferences(fontSize=9)).status == 401
    body = json.dumps(preferences(fontSize=30))
    headers = {"Content-Type": "application/json"}
    path = "/preferences/alice?merge=true"
    assert clouds.prefer("PUT", path, headers=headers, body=body).status == 200
    assert kept(clouds, "alice")["preferences"] == {FONT_SIZE: 30, LANGUAGE: "de-DE"}


def test_a_new_key_is_made_once(clouds: Clouds) -> None:
    maker = token(clouds, "brand-new", MAKER)
    for _ in range(4):
        assert clouds.public.save("brand-new", maker, preferences(volume=1)).status == 200
    shown = run("cloud", "audit", "show", "--data", clouds.public.data, "--json")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.count("key.created") == 1
    assert clouds.public.token("brand-new", (FREE, SECRET)).status == 200


def test_p03_a_key_that_is_revoked_is_unknown_to_both_at_once(clouds: Clouds) -> None:
    bob = token(clouds, "bob")
    assert clouds.public.settings("bob", bob, {}).status == 200
    asked = ("key", "revoke", "--yes", "--reason", "lost", "--data", clouds.public.data, "-")
    revoked = run(*asked, stdin="bob\n")
    assert revoked.returncode == 0, revoked.stderr
    body, headers = json.dumps(preferences(volume=1)), {"Content-Type": "application/json"}
    for _ in range(6):  # whichever worker answers
        assert clouds.public.settings("bob", bob, {}).status == 401
        assert clouds.public.save("bob", bob, preferences(volume=1)).status == 401
        unknown = clouds.prefer("GET", "/preferences/bob")
        assert (unknown.status, unknown.json["errorCode"]) == (404, "GPII_ERR_NO_GPIIKEY")
        refused = clouds.prefer("PUT", "/preferences/bob", headers=headers, body=body)
        assert (refused.status, refused.json["errorCode"]) == (404, "GPII_ERR_READONLY")
