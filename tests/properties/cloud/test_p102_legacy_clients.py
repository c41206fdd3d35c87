"""P102: the password grant, for clients that an administrator marked, until their own date."""

from __future__ import annotations

import json
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import pytest

from tests.cloud_documents import FREE, LANGUAGE, SECRET, everything, preferences
from tests.cloud_process import Cloud, Reply, import_documents, serving
from tests.oauth_client import EXCHANGE, ISSUER, registered
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

IN_A_YEAR = (datetime.now(UTC) + timedelta(days=365)).replace(hour=0, minute=0, second=0)
REFUSED = {
    "error": "unsupported_grant_type",
    "error_description": "Unsupported grant type: password",
}


def made(data: Path, until: datetime, *more: object) -> tuple[str, str]:
    done = run(
        *("client", "create", "--data", data, "--legacy-until", f"{until:%Y-%m-%dT%H:%M:%SZ}"),
        *("--json", *more),
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert sorted(said) == ["client_id", "client_secret"]
    return said["client_id"], said["client_secret"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("legacy") / "data"
    import_documents(folder, everything())
    return folder


@pytest.fixture(scope="module")
def old(data: Path) -> tuple[str, str]:
    return made(data, IN_A_YEAR, "--writable", LANGUAGE)


@pytest.fixture(scope="module")
def cloud(data: Path, old: tuple[str, str]) -> Iterator[Cloud]:
    assert old
    with serving(data, "--issuer", ISSUER) as running:
        yield running


def test_p102_a_marked_client_gets_a_bearer_token_that_says_when_this_ends(
    cloud: Cloud, old: tuple[str, str]
) -> None:
    reply = cloud.token("alice", old)
    assert reply.status == 200, reply.body
    assert (reply.json["token_type"], reply.json["expires_in"]) == ("Bearer", 3600)
    assert reply.headers["deprecation"] == "@1735689600"
    assert reply.headers["sunset"].endswith(" GMT")
    assert parsedate_to_datetime(reply.headers["sunset"]) == IN_A_YEAR.replace(microsecond=0)
    token = reply.json["access_token"]
    assert cloud.settings("alice", token, {}).status == 200
    assert cloud.save("alice", token, preferences(language="de-DE")).status == 200
    assert cloud.save("alice", token, preferences(fontSize=9)).status == 401


def test_p102_a_secret_of_ours_has_256_bits_and_its_client_no_other_way_in(
    cloud: Cloud, old: tuple[str, str]
) -> None:
    client_id, secret = old
    assert client_id.startswith("gai_")
    assert len(secret) == 43
    assert cloud.token("alice", (client_id, secret[:-1])).status == 401
    form = {"grant_type": "password", "client_id": client_id, "client_secret": secret}
    refused = cloud.form("/oauth2/token", {**form, "username": "alice", "password": "x"})
    assert (refused.status, refused.json["error"]) == (400, "unsupported_grant_type")


def test_p102_who_asks_comes_before_what_they_ask(cloud: Cloud) -> None:
    for grant_type in (EXCHANGE, "client_credentials", "password", ""):
        form = {"grant_type": grant_type, "client_id": "free", "client_secret": "x"}
        assert cloud.form("/access_token", form).status == 401


def test_p102_the_metadata_never_name_it(cloud: Cloud) -> None:
    for path in (
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-protected-resource",
    ):
        assert b"password" not in cloud.request("GET", path).body


def shown(reply: Reply) -> tuple[int, object, bool]:
    return reply.status, reply.json, "sunset" in reply.headers


def test_p102_without_a_mark_or_after_its_date_there_is_no_such_grant(tmp_path: Path) -> None:
    data = tmp_path / "data"
    import_documents(data, everything())
    computer = registered(data)
    old = made(data, datetime.now(UTC) + timedelta(days=1))
    until = time.time() + 5
    with sqlite3.connect(data / "keyin.sqlite3") as connection:
        connection.execute(
            "UPDATE clients SET legacy_until = iif(computer_type = 'public', NULL, ?)"
            " WHERE legacy_until IS NOT NULL",
            (int(until * 1000),),
        )
    connection.close()
    with serving(data, "--issuer", ISSUER) as cloud:
        before = cloud.token("alice", old)
        assert before.status == 200, before.body
        assert parsedate_to_datetime(before.headers["sunset"]).timestamp() == int(until)
        assert shown(cloud.token("alice", (FREE, SECRET))) == (501, REFUSED, False)
        assert cloud.token("alice", (computer.client_id, "x")).status == 401
        time.sleep(max(0, until - time.time()) + 0.05)
        assert shown(cloud.token("alice", old)) == (501, REFUSED, False)
        assert cloud.token("alice", (old[0], "wrong")).status == 401
        assert cloud.settings("alice", before.json["access_token"], {}).status == 200


def test_p102_a_client_made_here_is_marked_only_if_an_administrator_says_so(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for arguments in ((), ("--legacy-until", "2027-01-01", "--public-key", __file__)):
        done = run("client", "create", "--data", data, *arguments)
        assert done.returncode == 2
        assert "--legacy-until" in done.stderr
    past = run("client", "create", "--data", data, "--legacy-until", "2026-01-01")
    assert past.returncode == 3
    registered(data)
    connection = sqlite3.connect(data / "keyin.sqlite3")
    assert connection.execute("SELECT legacy_until FROM clients").fetchall() == [(None,)]
    connection.close()
