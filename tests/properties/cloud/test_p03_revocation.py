"""P3 over started processes: what a second process takes back is refused at the very next use.

Every level that exists, every route that a token opens; the cloud is never restarted.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from keyin.stores.host import SystemEntropy
from keyin.wire.signing_key import new_key
from tests.cloud_documents import LINUX, everything, preferences
from tests.cloud_documents import key as key_document
from tests.cloud_documents import safe as safe_document
from tests.cloud_process import Cloud, Reply, import_documents, serving
from tests.oauth_client import ISSUER, Computer, registered, settings_path
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LANGUAGE = "http://registry.gpii.net/common/language"
SITE, SOFTWARE = "Main hall", ("net.keyin.requester", "1.4.2")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("p03") / "data"
    import_documents(folder, [*everything(), key_document("lost"), safe_document("lost")])
    return folder


@pytest.fixture(scope="module")
def cloud(data: Path) -> Iterator[Cloud]:
    with serving(data, "--issuer", ISSUER) as running:
        yield running


@dataclass
class Desk:
    """A computer with a token, and the command that stops it from another process."""

    cloud: Cloud
    computer: Computer
    token: str
    key: str = "alice"

    def verb(self, *words: object, stdin: str = "") -> dict[str, Any]:
        done = run(*words, "--data", self.cloud.data, "--json", stdin=stdin)
        assert done.returncode == 0, done.stderr
        said: dict[str, Any] = json.loads(done.stdout)
        return said

    def send(self, method: str, path: str, body: object = None) -> Reply:
        headers = {
            "Authorization": f"DPoP {self.token}",
            "DPoP": self.computer.proof(method, ISSUER + path, self.token),
            "Content-Type": "application/json",
        }
        text = None if body is None else json.dumps(body)
        return self.cloud.request(method, path, body=text, headers=headers)

    def active(self) -> bool:
        form = self.computer.form("x", token=self.token)
        told = self.cloud.form("/oauth2/introspect", form)
        return told.status == 200 and bool(told.json["active"])


def _old_read(desk: Desk) -> Reply:
    return desk.send("GET", settings_path(desk.key))


def _old_write(desk: Desk) -> Reply:
    return desk.send("PUT", f"/{desk.key}/settings", preferences(language="de-DE"))


def _read(desk: Desk) -> Reply:
    return desk.send("POST", "/settings/query", {"device": LINUX})


def _write(desk: Desk) -> Reply:
    return desk.send("PUT", "/settings", preferences(language="de-DE"))


ROUTES: tuple[Callable[[Desk], Reply], ...] = (_old_read, _old_write, _read, _write)


def a_desk(cloud: Cloud, key: str = "alice") -> Desk:
    more = ("--site", SITE, "--software", *SOFTWARE, "--writable", LANGUAGE)
    computer = registered(cloud.data, *more)
    return Desk(cloud, computer, computer.token(cloud, key), key)


def assert_open(desk: Desk) -> None:
    assert [route(desk).status for route in ROUTES] == [200] * len(ROUTES)
    assert desk.active()


def assert_shut(desk: Desk) -> None:
    """No route opens, and each says the same, whatever the reason."""
    for route in ROUTES:
        reply = route(desk)
        assert reply.status == 401, (route.__name__, reply.body)
        assert reply.json == {"isError": True, "message": "Unauthorized"}
    assert not desk.active()


def assert_refused(desk: Desk) -> None:
    """See that the client gets no token either, in the words that a wrong one hears (P57)."""
    reply = desk.computer.exchange(desk.cloud)
    assert (reply.status, reply.json["error"]) == (401, "invalid_client")
    stranger = Computer("gai_nobody", desk.computer.key, nonce=desk.computer.nonce)
    assert stranger.exchange(desk.cloud).body == reply.body


def test_p03_a_token_ends_at_its_next_use(cloud: Cloud) -> None:
    desk = a_desk(cloud)
    assert_open(desk)
    assert desk.verb("token", "revoke", stdin=desk.token + "\n")["changed"]
    assert_shut(desk)
    assert not desk.verb("token", "revoke", stdin=desk.token)["changed"]
    assert desk.computer.exchange(cloud).status == 200


def test_p03_a_client_key_ends_at_its_next_use(cloud: Cloud) -> None:
    desk = a_desk(cloud)
    assert_open(desk)
    kid = desk.computer.key.public.thumbprint
    assert desk.verb("client", "revoke-key", kid, "--yes")["changed"]
    assert_shut(desk)
    assert_refused(desk)


CLIENT_LEVELS = [
    (("client", "suspend"), ("client", "resume")),
    (("client", "revoke", "--yes"), None),
]


@pytest.mark.parametrize(("stop", "resume"), CLIENT_LEVELS, ids=["suspend", "revoke"])
def test_p03_a_client_ends_at_its_next_use(
    cloud: Cloud, stop: tuple[str, ...], resume: tuple[str, ...] | None
) -> None:
    desk, other = a_desk(cloud), a_desk(cloud)
    assert_open(desk)
    assert desk.verb(*stop, desk.computer.client_id)["changed"]
    assert_shut(desk)
    assert_refused(desk)
    assert_open(other)
    if resume:
        assert desk.verb(*resume, desk.computer.client_id)["status"] == "active"
        assert_shut(desk)
        desk.token = desk.computer.token(cloud)
        assert_open(desk)


def test_p03_a_site_ends_at_its_next_use(cloud: Cloud) -> None:
    first, second = a_desk(cloud), a_desk(cloud)
    elsewhere = registered(cloud.data, "--site", "Annexe", "--writable", LANGUAGE)
    other = Desk(cloud, elsewhere, elsewhere.token(cloud))
    assert first.verb("site", "suspend", SITE)["clients"] >= 2
    for desk in (first, second):
        assert_shut(desk)
        assert_refused(desk)
    assert_open(other)
    first.verb("site", "resume", SITE)
    assert_shut(first)
    second.token = second.computer.token(cloud)
    assert_open(second)
    other.verb("site", "revoke", "Annexe", "--yes")
    assert_shut(other)
    assert_refused(other)


def test_p03_a_version_of_the_software_ends_at_its_next_use(cloud: Cloud) -> None:
    desk = a_desk(cloud)
    newer = registered(cloud.data, "--software", SOFTWARE[0], "1.4.3", "--writable", LANGUAGE)
    other = Desk(cloud, newer, newer.token(cloud))
    desk.verb("software", "stop", *SOFTWARE)
    assert_shut(desk)
    assert_refused(desk)
    assert_open(other)
    desk.verb("software", "resume", *SOFTWARE)
    assert_shut(desk)
    desk.token = desk.computer.token(cloud)
    assert_open(desk)


def test_p03_a_gpii_key_ends_at_its_next_use(cloud: Cloud) -> None:
    desk = a_desk(cloud, "lost")
    other = Desk(cloud, desk.computer, desk.computer.token(cloud))
    assert_open(desk)
    assert desk.verb("key", "revoke", "-", "--yes", stdin="lost\n")["changed"]
    assert_shut(desk)
    assert_open(other)
    for key in ("lost", "never was"):
        reply = desk.computer.exchange(cloud, key)
        assert (reply.status, reply.json["error"]) == (400, "invalid_request")


def test_p03_one_of_two_client_keys_ends_and_the_other_gets_new_tokens(
    cloud: Cloud, tmp_path: Path
) -> None:
    desk = a_desk(cloud)
    new = new_key(SystemEntropy())
    file = tmp_path / "new.jwk"
    file.write_bytes(new.public.jwk)
    old_kid = desk.computer.key.public.thumbprint
    added = desk.verb("client", "add-key", desk.computer.client_id, "--public-key", file)
    assert added == {"kid": new.public.thumbprint}
    assert_open(desk)
    desk.verb("client", "revoke-key", old_kid, "--yes", "--reason", "replaced")
    assert_refused(desk)
    desk.computer.key = new
    assert_shut(desk)
    desk.token = desk.computer.token(cloud)
    assert_open(desk)


def test_p03_an_old_client_and_its_bearer_token_end_at_their_next_use(cloud: Cloud) -> None:
    made = run("client", "create", "--legacy-until", "2999-01-01", "--data", cloud.data, "--json")
    pair = (json.loads(made.stdout)["client_id"], json.loads(made.stdout)["client_secret"])
    token = cloud.token("alice", pair).json["access_token"]
    assert cloud.settings("alice", token, LINUX).status == 200
    done = run("client", "suspend", pair[0], "--data", cloud.data)
    assert done.returncode == 0, done.stderr
    assert cloud.settings("alice", token, LINUX).status == 401
    refused = cloud.token("alice", pair)
    assert (refused.status, refused.body) == (401, cloud.token("alice", ("no", "no")).body)


def test_p03_a_second_cloud_on_the_store_is_refused_and_says_why(cloud: Cloud) -> None:
    """So that no process could go on with what another one took back."""
    second = run("cloud", "serve", "--data", cloud.data, "--listen", "127.0.0.1:0")
    assert second.returncode == 3
    assert "another keyin process has the store" in second.stderr
    assert cloud.request("GET", "/ready").status == 200


def test_p03_what_is_taken_back_while_no_cloud_runs_stays_so(tmp_path: Path) -> None:
    data = tmp_path / "data"
    import_documents(data, everything())
    with serving(data, "--issuer", ISSUER) as cloud:
        desk = a_desk(cloud)
        assert_open(desk)
    desk.verb("client", "suspend", desk.computer.client_id)
    with serving(data, "--issuer", ISSUER) as cloud:
        desk.cloud = cloud
        assert_shut(desk)
        assert_refused(desk)
