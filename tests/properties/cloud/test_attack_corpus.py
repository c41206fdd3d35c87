"""Others' bugs that could be ours, each a test named after it (peers.md §4, "attack corpus")."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import pytest

from tests.cloud_documents import everything
from tests.cloud_process import Cloud, import_documents, serving
from tests.oauth_client import ISSUER, Computer, registered, settings_path
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus") / "data"
    import_documents(folder, everything())
    return folder


@pytest.fixture(scope="module")
def cloud(data: Path) -> Iterator[Cloud]:
    with serving(data, "--issuer", ISSUER) as running:
        yield running


def verb(cloud: Cloud, *words: object) -> dict[str, Any]:
    done = run(*words, "--data", cloud.data, "--json")
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def status(cloud: Cloud, client_id: str) -> str:
    return str(verb(cloud, "client", "show", client_id)["client"]["status"])


def clients(cloud: Cloud) -> int:
    return len(verb(cloud, "client", "list")["clients"])


def test_corpus_keycloak_cve_2026_9705_a_disabled_client_enables_itself_with_its_credential(
    cloud: Cloud, tmp_path: Path
) -> None:
    """Whatever a suspended client presents, anywhere, it stays suspended."""
    desk = registered(cloud.data)
    token = desk.token(cloud)
    verb(cloud, "client", "suspend", desk.client_id)
    for path in ("/oauth2/token", "/oauth2/revoke", "/oauth2/introspect", "/oauth2/par"):
        reply = cloud.form(path, desk.form("alice", token=token), {"DPoP": desk.proof()})
        assert reply.status == 401, (path, reply.body)
    for method in ("PUT", "POST", "PATCH"):
        for path in ("/oauth2/register", f"/oauth2/register/{desk.client_id}", "/settings"):
            body = json.dumps({"client_id": desk.client_id, "status": "active"})
            headers = {"Authorization": f"DPoP {token}", "Content-Type": "application/json"}
            assert cloud.request(method, path, body=body, headers=headers).status >= 400
    assert status(cloud, desk.client_id) == "suspended"
    again = run("client", "create", "--public-key", _written(tmp_path, desk), "--data", cloud.data)
    assert again.returncode == 5
    assert status(cloud, desk.client_id) == "suspended"
    assert desk.exchange(cloud).status == 401


def test_corpus_keycloak_cve_2026_9705_an_import_enables_nobody(tmp_path: Path) -> None:
    data = tmp_path / "data"
    import_documents(data, everything())
    done = run("client", "suspend", "client-1", "--data", data, "--json")
    assert json.loads(done.stdout)["changed"]
    import_documents(data, everything())
    shown = run("client", "show", "client-1", "--data", data, "--json")
    assert json.loads(shown.stdout)["client"]["status"] == "suspended"


@pytest.mark.parametrize("level", ["token", "client", "site", "client key"])
def test_corpus_spire_711_an_evicted_client_goes_on_over_its_old_connection(
    cloud: Cloud, level: str
) -> None:
    site = f"Site of {level}"
    desk = registered(cloud.data, "--site", site)
    token = desk.token(cloud)
    place = urlsplit(cloud.url)
    assert place.hostname
    old = http.client.HTTPConnection(place.hostname, place.port, timeout=20)
    assert _asked(old, desk, token) == 200
    before = old.sock
    words: dict[str, tuple[object, ...]] = {
        "client": ("client", "revoke", desk.client_id, "--yes"),
        "site": ("site", "suspend", site),
        "client key": ("client", "revoke-key", desk.key.public.thumbprint, "--yes"),
    }
    if level == "token":
        assert run("token", "revoke", "--data", cloud.data, stdin=token).returncode == 0
    else:
        verb(cloud, *words[level])
    assert _asked(old, desk, token) == 401
    assert old.sock is before, "it was another connection"
    if level != "token":
        body = urlencode(desk.form("alice"))
        form = {"Content-Type": "application/x-www-form-urlencoded", "DPoP": desk.proof()}
        old.request("POST", "/oauth2/token", body=body, headers=form)
        assert old.getresponse().status == 401
    old.close()


def test_corpus_mcphub_1174_registrations_without_bound(cloud: Cloud) -> None:
    """Nobody registers over the network; what a client does a thousand times makes no record."""
    before = clients(cloud)
    for path in ("/oauth2/register", "/register", "/connect/register"):
        body = json.dumps({"redirect_uris": ["http://127.0.0.1/"], "client_name": "x"})
        headers = {"Content-Type": "application/json"}
        assert cloud.request("POST", path, body=body, headers=headers).status in {401, 404, 405}
    stranger = Computer("gai_unknown", registered(cloud.data).key)
    for _ in range(50):
        assert stranger.exchange(cloud).status in {400, 401, 429}
    assert clients(cloud) == before + 1


def test_corpus_lion_reader_975_a_record_anew_at_each_connect(cloud: Cloud, tmp_path: Path) -> None:
    """The same key again is refused: there is one client a key, however often it is brought."""
    desk = registered(cloud.data)
    before = clients(cloud)
    for _ in range(3):
        again = run(
            "client", "create", "--public-key", _written(tmp_path, desk), "--data", cloud.data
        )
        assert again.returncode == 5
    assert clients(cloud) == before


def _asked(connection: http.client.HTTPConnection, desk: Computer, token: str) -> int:
    path = settings_path("alice")
    proof = desk.proof("GET", ISSUER + path, token)
    headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    response.read()
    return response.status


def _written(folder: Path, desk: Computer) -> Path:
    file = folder / "again.json"
    file.write_bytes(desk.key.public.jwk)
    return file
