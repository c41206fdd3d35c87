"""P4: what a client or an account goes by is no key, and a machine's token is no key's token."""

from __future__ import annotations

import base64
import json
import sqlite3
from typing import TYPE_CHECKING

import pytest

from keyin.cloud import routes
from keyin.cloud.routes import Access
from tests.cloud_documents import MAKER, SECRET, everything, key, preferences
from tests.cloud_process import Cloud, import_documents, serving
from tests.oauth_client import ISSUER, Computer, registered
from tests.properties.cloud.refusals import path_of
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MANY = 5
IDS = (
    "SELECT oauth2_client_id FROM credentials WHERE origin = 'administrator'",
    "SELECT id FROM accounts",
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("names") / "data"
    import_documents(folder, everything())
    return folder


@pytest.fixture(scope="module")
def desk(data: Path) -> Computer:
    password = "four words that nobody guesses\n"
    done = run("account", "create", "ada", "--data", data, stdin=password)
    assert done.returncode == 0, done.stderr
    return [registered(data, "--site", "Main hall") for _ in range(MANY)].pop()


@pytest.fixture(scope="module")
def job(data: Path) -> tuple[str, str]:
    """Register a machine job: it asks for itself, by client credentials."""
    said = made(
        data,
        *("application", "create", "Inventory", "--auth-method", "client_secret_basic"),
        *("--grant", "client-credentials", "--site", "Main hall"),
    )
    return said["client_id"], said["client_secret"]


@pytest.fixture(scope="module")
def keys(data: Path) -> list[str]:
    return [made(data, "key", "create")["key"] for _ in range(MANY)]


@pytest.fixture(scope="module")
def cloud(data: Path, desk: Computer, job: object, keys: object) -> Iterator[Cloud]:
    assert desk.client_id
    assert job
    assert keys
    with serving(data, "--issuer", ISSUER) as running:
        yield running


def made(data: Path, *arguments: object) -> dict[str, str]:
    done = run(*arguments, "--data", data, "--json")
    assert done.returncode == 0, done.stderr
    said: dict[str, str] = json.loads(done.stdout)
    return said


def ids(data: Path) -> list[str]:
    connection = sqlite3.connect(data / "keyin.sqlite3")
    found = [name for query in IDS for (name,) in connection.execute(query)]
    connection.close()
    return found


def test_p04_no_id_of_ours_opens_or_becomes_a_key(
    cloud: Cloud, data: Path, desk: Computer, keys: list[str]
) -> None:
    """Not even for the client that may make the keys it names."""
    given = ids(data)
    assert {name.partition("_")[0] for name in given} == {"gai", "app", "ac", "keyin-enrol"}
    assert desk.client_id in given
    unknown = desk.exchange(cloud, "nobody")
    maker = cloud.token("made for this", (MAKER, SECRET)).json["access_token"]
    for name in given:
        refused = desk.exchange(cloud, name)
        assert (refused.status, refused.body) == (unknown.status, unknown.body)
        assert cloud.token(name, (MAKER, SECRET)).status == 401
        assert cloud.save(name, maker, preferences(volume=1)).status == 401
        assert name not in keys
        assert not any(one.startswith(name[:4]) for one in keys)
    assert not any(one["_id"] in given for one in cloud.documents() if one["type"] == "gpiiKey")


def test_p04_a_key_that_looks_like_an_id_is_not_let_in(tmp_path: Path) -> None:
    report = import_documents(tmp_path / "data", [key("gai_" + "A" * 22), key("gai_short")])
    assert len(report["refused"]) == 1


def test_p04_a_machines_token_opens_no_settings(
    cloud: Cloud, desk: Computer, job: tuple[str, str]
) -> None:
    basic = base64.b64encode(":".join(job).encode()).decode()
    given = cloud.form(
        "/oauth2/token", {"grant_type": "client_credentials"}, {"Authorization": f"Basic {basic}"}
    )
    assert given.status == 200, given.body
    token = given.json["access_token"]
    desk.learn_nonce(cloud)
    for route in routes.PUBLIC:
        if route.access is Access.BEARER:
            proof = desk.proof(route.method, ISSUER + path_of(route), token)
            for headers in (
                {"Authorization": f"Bearer {token}"},
                {"Authorization": f"DPoP {token}", "DPoP": proof},
            ):
                reply = cloud.request(route.method, path_of(route), headers=headers)
                assert (reply.status, reply.json["message"]) == (401, "Unauthorized")
    exchange = desk.exchange(cloud, token)
    assert (exchange.status, exchange.json["error"]) == (400, "invalid_request")
    wrong = cloud.form(
        "/oauth2/token",
        {"grant_type": "client_credentials", "scope": "settings:read"},
        {"Authorization": f"Basic {basic}"},
    )
    assert (wrong.status, wrong.json["error"]) == (400, "invalid_scope")
