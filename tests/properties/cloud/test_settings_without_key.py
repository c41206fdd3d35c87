"""`POST /settings/query`, `PUT /settings`, `GET /solutions/{digest}`: no key in any address."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from keyin.domain.device import read_device
from keyin.domain.solutions import read_registry
from tests.cloud_documents import (
    FREE,
    LANGUAGE,
    LINUX,
    LISTED,
    MAKER,
    SECRET,
    everything,
    preferences,
    safe,
)
from tests.cloud_documents import key as key_document
from tests.cloud_process import Cloud, Reply, import_documents, send, serving
from tests.oauth_client import ISSUER, Computer, registered
from tests.shared_data import GPII_DATA, needs_shared

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ALL = "settings:read settings:write"
UNAUTHORIZED = {"isError": True, "message": "Unauthorized"}
THREE = ("org.gnome.desktop.a11y.magnifier", "org.gnome.orca", "org.gnome.desktop.interface")


@dataclass
class Asking:
    """A computer with one token, over whichever scheme."""

    cloud: Cloud
    computer: Computer
    token: str
    scheme: str = "DPoP"

    def send(self, method: str, path: str, body: object = None, **headers: str) -> Reply:
        made = {"Authorization": f"{self.scheme} {self.token}", **headers}
        if self.scheme == "DPoP":
            made["DPoP"] = self.computer.proof(method, ISSUER + path, self.token)
        if body is not None:
            made.setdefault("Content-Type", "application/json")
        text = body if isinstance(body, bytes | None) else json.dumps(body)
        return self.cloud.request(method, path, body=text, headers=made)

    def query(self, device: object) -> Reply:
        return self.send("POST", "/settings/query", {"device": device})


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Computer]:
    data = tmp_path_factory.mktemp("own") / "data"
    snapset = safe("shown", prefsSafeType="snapset")
    report = import_documents(data, [*everything(), key_document("shown"), snapset])
    assert not report.get("refused"), report
    return data, registered(data, "--writable", LANGUAGE)


@pytest.fixture(scope="module")
def cloud(place: tuple[Path, Computer]) -> Iterator[Cloud]:
    with serving(place[0], "--issuer", ISSUER) as running:
        yield running


def asking(cloud: Cloud, place: tuple[Path, Computer], key: str, scope: str = ALL) -> Asking:
    desk = Computer(place[1].client_id, place[1].key)
    return Asking(cloud, desk, desk.token(cloud, key, scope=scope))


def legacy(cloud: Cloud, place: tuple[Path, Computer], key: str, client: str = FREE) -> Asking:
    token = cloud.token(key, (client, SECRET)).json["access_token"]
    return Asking(cloud, place[1], token, "Bearer")


@pytest.fixture
def alice(cloud: Cloud, place: tuple[Path, Computer]) -> Asking:
    return asking(cloud, place, "alice")


def old(alice: Asking, device: object) -> dict[str, Any]:
    """Ask the route with the key in it with a token of the same key."""
    cloud = alice.cloud
    token = cloud.token("alice", (FREE, SECRET)).json["access_token"]
    found: dict[str, Any] = cloud.settings("alice", token, device).json
    return found


@pytest.mark.parametrize("device", [LINUX, {}, {"OS": {"id": "win32"}, "solutions": []}])
def test_the_answer_is_the_old_routes_without_key_and_registry(
    alice: Asking, device: object
) -> None:
    reply = alice.query(device)
    assert reply.status == 200, reply.body
    assert reply.headers["cache-control"] == "no-store"
    assert b"alice" not in reply.body
    before = old(alice, device)
    named = reply.json.pop("solutions")
    assert reply.json == {name: before[name] for name in ("preferences", "matchMakerOutput")} | {
        "solutions": named
    }


def test_the_digest_names_the_whole_registry_and_never_changes(alice: Asking) -> None:
    digest = alice.query(LINUX).json["solutions"]
    plain = alice.send("GET", f"/solutions/{digest}")
    assert plain.status == 200
    assert hashlib.sha256(plain.body).hexdigest() == digest
    assert plain.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert plain.headers["vary"] == "accept-encoding"
    assert "content-encoding" not in plain.headers
    packed = alice.send("GET", f"/solutions/{digest}", **{"Accept-Encoding": "br, gzip;q=0.5"})
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body)
    entries = old(alice, LINUX)["solutionsRegistryEntries"]
    chosen = read_registry("linux", plain.json).installed(read_device(LINUX))
    assert {one.id: one.entry for one in chosen} == entries


@pytest.mark.parametrize(
    "accepted", ["gzip;q=0", "identity", "gzip;q=0, *", "*;q=0", "gzip;q=x", "br"]
)
def test_who_does_not_take_gzip_gets_none(alice: Asking, accepted: str) -> None:
    digest = alice.query(LINUX).json["solutions"]
    reply = alice.send("GET", f"/solutions/{digest}", **{"Accept-Encoding": accepted})
    assert "content-encoding" not in reply.headers


@pytest.mark.parametrize("digest", ["0" * 64, "x", "%00", "..%2Falice", "A" * 64, "0" * 65])
def test_an_unknown_digest_is_not_found_by_who_may_ask_and_unauthorized_for_others(
    alice: Asking, digest: str
) -> None:
    reply = alice.send("GET", f"/solutions/{digest}")
    assert (reply.status, reply.json) == (404, {"isError": True, "message": "Not found"})
    assert alice.cloud.request("GET", f"/solutions/{digest}").json == UNAUTHORIZED


def test_an_operating_system_without_a_registry_has_no_digest(alice: Asking) -> None:
    assert alice.query({"OS": {"id": "plan9"}, "solutions": []}).json["solutions"] is None


def test_what_is_saved_is_the_tokens_own_key(cloud: Cloud, place: tuple[Path, Computer]) -> None:
    bob = asking(cloud, place, "bob")
    reply = bob.send("PUT", "/settings", preferences(language="de-DE"))
    assert (reply.status, reply.json) == (200, {"message": "Successfully updated."})
    documents = {one["_id"]: one for one in cloud.documents()}
    kept = [documents[documents[key]["prefsSafeId"]]["preferences"] for key in ("alice", "bob")]
    assert ['"de-DE"' in json.dumps(one) for one in kept] == [False, True]


def test_p19_a_save_without_key_keeps_to_the_clients_list(
    cloud: Cloud, place: tuple[Path, Computer]
) -> None:
    for bob in (asking(cloud, place, "bob"), legacy(cloud, place, "bob", LISTED)):
        reply = bob.send("PUT", "/settings", preferences(fontSize=3))
        assert (reply.status, reply.json) == (401, UNAUTHORIZED)


def test_a_legacy_token_works_at_the_new_routes_too(
    cloud: Cloud, place: tuple[Path, Computer]
) -> None:
    alice = legacy(cloud, place, "alice")
    reply = alice.query(LINUX)
    assert reply.status == 200
    assert alice.send("GET", f"/solutions/{reply.json['solutions']}").status == 200
    assert alice.send("PUT", "/settings", preferences(volume=1)).status == 200


def test_a_key_that_does_not_exist_is_read_as_empty_and_made_by_its_name_only(
    cloud: Cloud, place: tuple[Path, Computer]
) -> None:
    new = legacy(cloud, place, "not made yet", MAKER)
    assert new.query(LINUX).json["preferences"] == {}
    reply = new.send("PUT", "/settings", preferences(volume=1))
    assert (reply.status, reply.json) == (401, UNAUTHORIZED)
    assert cloud.save("not made yet", new.token, preferences(volume=1)).status == 200
    assert new.query(LINUX).status == 200


def test_no_refusal_says_the_key(cloud: Cloud, place: tuple[Path, Computer]) -> None:
    shown = legacy(cloud, place, "shown")
    reply = shown.send("PUT", "/settings", preferences(volume=1))
    assert (reply.status, reply.json["errorCode"]) == (404, "GPII_ERR_READONLY")
    assert b"shown" not in reply.body


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"{}", b'{"device":5}', b'{"device":null}', b'{"device":[]}',
        b'{"device":{},"device":{}}', b'{"device":{},"more":1}', b'{"device":{"a":1,"a":2}}',
        b'{"device":' + b'{"a":' * 40 + b"1" + b"}" * 41, b"\xff",
    ],
)  # fmt: skip
def test_a_query_of_another_shape_is_refused(alice: Asking, body: bytes) -> None:
    reply = alice.send("POST", "/settings/query", body)
    assert reply.status == 400
    assert reply.json == {
        "isError": True,
        "message": 'The request body must be one object with one member "device"',
    }


def test_a_query_is_json(alice: Asking) -> None:
    body = json.dumps({"device": LINUX}).encode()
    for media, status in (
        ("text/plain", 400), ("application/json; charset=latin1", 415), ("Application/JSON", 200),
    ):  # fmt: skip
        headers = {"Content-Type": media}
        assert alice.send("POST", "/settings/query", body, **headers).status == status


def test_p81_nothing_is_parsed_before_the_token_is_looked_at(cloud: Cloud) -> None:
    for method, path in (("POST", "/settings/query"), ("PUT", "/settings")):
        for body in (b"{", b"x" * 3_000_000):
            reply = send(
                cloud.url, method, path, headers={"Content-Type": "application/json"}, body=body
            )
            assert (reply.status, reply.json) == (401, UNAUTHORIZED)


def test_p82_bodies_without_key_have_a_limit(alice: Asking) -> None:
    for method, path, limit in (("POST", "/settings/query", 65_536), ("PUT", "/settings", 2**20)):
        padded = b'{"device":{},"contexts":{}' + b" " * limit + b"}"
        assert alice.send(method, path, padded).status == 413
        assert alice.send(method, path, padded[-limit:]).status == 400


def test_a_scope_is_asked_of_each_route(cloud: Cloud, place: tuple[Path, Computer]) -> None:
    reading = asking(cloud, place, "alice", "settings:read")
    assert reading.query(LINUX).status == 200
    assert reading.send("PUT", "/settings", preferences(language="de-DE")).status == 403
    writing = asking(cloud, place, "alice", "settings:write")
    for reply in (writing.query(LINUX), writing.send("GET", f"/solutions/{'0' * 64}")):
        assert reply.status == 403
        assert 'error="insufficient_scope"' in reply.headers["www-authenticate"]


@needs_shared
def test_a_key_in_with_a_known_registry_takes_ten_kilobytes(tmp_path: Path) -> None:
    """`li`, the largest sample person, and three solutions of the real Linux registry."""
    data = tmp_path / "data"
    linux = GPII_DATA / "solutions" / "linux.json5"
    papers = [*everything(), key_document("li"), safe("li", _li())]
    import_documents(data, papers, "--solutions", linux)
    place = data, registered(data)
    device = {"OS": {"id": "linux"}, "solutions": [{"id": name} for name in THREE]}
    with serving(data, "--issuer", ISSUER) as cloud:
        li = asking(cloud, place, "li")
        query = ("POST", "/settings/query", {"device": device})
        reply = li.send(*query)
        for one in (reply, li.send(*query, **{"Accept-Encoding": "gzip"})):
            assert one.status == 200
            assert one.json["matchMakerOutput"]["inferredConfiguration"]["gpii-default"]
            assert len(str(one.headers)) + len(one.body) <= 10 * 1024
        whole = li.send("GET", f"/solutions/{reply.json['solutions']}")
        assert set(THREE) <= whole.json.keys()
        before = cloud.settings(
            "li", cloud.token("li", (FREE, SECRET)).json["access_token"], device
        )
        assert len(before.body) > len(reply.body)


def _li() -> Any:
    pyjson5 = pytest.importorskip("pyjson5")
    file = GPII_DATA / "preferences" / "li.json5"
    return pyjson5.decode(file.read_text(encoding="utf-8"))["flat"]
