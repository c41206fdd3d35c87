"""P75, P77, P78: whatever somebody writes into any string, it is data and nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import pytest

from keyin.remote.log import FIELDS
from tests.cloud_documents import COMMON, FREE, LINUX, LISTED, SECRET
from tests.cloud_process import Cloud, Reply, copied, serving
from tests.oauth_client import EXCHANGE, ISSUER, KEY_TYPE, Computer, registered
from tests.properties.cloud.refusals import GENEROUS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HOSTILE = (
    "'", '"', "`", "' OR '1'='1", "'; DROP TABLE keys; --", "%", "%%", "_%", "%27", "%00", "\x00",
    "a\x00alice", "\\", "\\u0000", "\u202ealice", "\U0001f511", "\u0130", "alic\u0435", "${7*7}",
    "{{7*7}}", "<script>alert(1)</script>", "../../etc/passwd", "\r\nX-Forged: 1", '\n{"a":1}',
    "\x1b[2J\x1b[31m", "\x7f", "\u2028", "nobody" * 300, "NULL", "null", "-1", "1e309", " ",
)  # fmt: skip
TOO_LONG = "x" * 64 * 1024


class Place:
    """A cloud that throttles nobody, a computer, and tokens."""

    def __init__(self, cloud: Cloud, desk: Computer) -> None:
        self.cloud = cloud
        self.desk = desk
        self.token = cloud.token("alice", (FREE, SECRET)).json["access_token"]
        self.listed = cloud.token("bob", (LISTED, SECRET)).json["access_token"]

    def get(self, path: str, **headers: str) -> Reply:
        bearer = {"Authorization": f"Bearer {self.token}", **headers}
        return self.cloud.request("GET", path, headers=bearer)

    def post(self, path: str, content: object) -> Reply:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        return self.cloud.request("POST", path, headers=headers, body=json.dumps(content))


@pytest.fixture(scope="module")
def place(imported: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("hostile")
    data = copied(imported, folder / "data")
    desk = registered(data)
    config = folder / "cloud.toml"
    config.write_text(GENEROUS)
    with serving(data, "--issuer", ISSUER, "--config", config) as cloud:
        yield Place(cloud, desk)


def legacy(place: Place, **changes: str) -> Reply:
    form = {"username": "alice", "password": "x", "grant_type": "password", **changes}
    return place.cloud.form("/access_token", {"client_id": FREE, "client_secret": SECRET, **form})


def legacy_json(place: Place, **changes: str) -> Reply:
    given = {"username": "alice", "password": "x", "grant_type": "password", "client_id": FREE}
    return place.cloud.request(
        "POST",
        "/access_token",
        headers={"Content-Type": "application/json"},
        body=json.dumps({**given, "client_secret": SECRET, **changes}),
    )


def exchange(place: Place, **changes: str) -> Reply:
    form = {"grant_type": EXCHANGE, "subject_token": "alice", "subject_token_type": KEY_TYPE}
    client = {"client_id": FREE, "client_secret": SECRET}
    return place.cloud.form("/oauth2/token", {**form, **client, **changes})


def about(place: Place, path: str, **changes: str) -> Reply:
    return place.cloud.form(path, {"client_id": FREE, "client_secret": SECRET, **changes})


def device(name: str, version: str = "1") -> dict[str, object]:
    return {"OS": {"id": name}, "solutions": [{"id": name, "version": version}]}


INPUTS: dict[str, Callable[[Place, str], Reply]] = {
    "username": lambda place, text: legacy(place, username=text),
    "client_id": lambda place, text: legacy(place, client_id=text),
    "client_secret": lambda place, text: legacy(place, client_secret=text),
    "username in JSON": lambda place, text: legacy_json(place, username=text),
    "client_id in JSON": lambda place, text: legacy_json(place, client_id=text),
    "subject_token": lambda place, text: exchange(place, subject_token=text),
    "subject_token_type": lambda place, text: exchange(place, subject_token_type=text),
    "requested_token_type": lambda place, text: exchange(place, requested_token_type=text),
    "scope": lambda place, text: exchange(place, scope=text),
    "resource": lambda place, text: exchange(place, resource=text),
    "audience": lambda place, text: exchange(place, audience=text),
    "grant_type": lambda place, text: exchange(place, grant_type=text),
    "client_id at /oauth2": lambda place, text: exchange(place, client_id=text),
    "client_secret at /oauth2": lambda place, text: exchange(place, client_secret=text),
    "an unknown parameter": lambda place, text: exchange(place, grant_type="x", more=text),
    "token to revoke": lambda place, text: about(place, "/oauth2/revoke", token=text),
    "hint": lambda place, text: about(place, "/oauth2/revoke", token="x", token_type_hint=text),
    "token to look at": lambda place, text: about(place, "/oauth2/introspect", token=text),
    "assertion": lambda place, text: place.cloud.form(
        "/oauth2/token", place.desk.form("alice", client_assertion=text)
    ),
    "kid": lambda place, text: place.cloud.form(
        "/oauth2/token",
        place.desk.form(
            "alice",
            client_assertion=place.desk.key.sign(
                {"typ": "client-authentication+jwt", "kid": text}, {"iss": text, "sub": text}
            ),
        ),
    ),
    "key in the address": lambda place, text: place.get(f"/{quote(text, safe='')}/settings/%7B%7D"),
    "device in the address": lambda place, text: place.get(
        f"/alice/settings/{quote(json.dumps(device(text, text)), safe='')}"
    ),
    "device": lambda place, text: place.post("/settings/query", {"device": device(text, text)}),
    "member of a device": lambda place, text: place.post(
        "/settings/query", {"device": {text: text}}
    ),
    "digest": lambda place, text: place.get(f"/solutions/{quote(text, safe='')}"),
    "term": lambda place, text: place.cloud.save(
        "bob", place.listed, {"contexts": {"c": {"preferences": {"x" + text: 1}}}}
    ),
    "context": lambda place, text: place.cloud.save(
        "bob", place.listed, {"contexts": {text: {"preferences": {COMMON + "volume": 1}}}}
    ),
}


@pytest.mark.parametrize("name", INPUTS)
def test_p75_a_hostile_string_is_answered_as_any_unknown_one(place: Place, name: str) -> None:
    ask = INPUTS[name]
    unknown = ask(place, "unknown")
    assert unknown.status < 500
    for text in HOSTILE:
        reply = ask(place, text)
        assert (reply.status, reply.body) == (unknown.status, unknown.body), text[:40]
        assert "x-forged" not in reply.headers
    assert ask(place, TOO_LONG).status in {unknown.status, 413, 414}


def test_p75_what_is_saved_comes_back_as_it_was(place: Place) -> None:
    terms = {"http://x.example/" + text[:200]: text for text in HOSTILE}
    document = {"contexts": {"gpii-default": {"name": "'; --", "preferences": terms}}}
    alice = place.cloud.token("alice", (FREE, SECRET)).json["access_token"]
    assert place.cloud.save("alice", alice, document).status == 200
    documents = {one["_id"]: one for one in place.cloud.documents()}
    kept = documents[documents["alice"]["prefsSafeId"]]["preferences"]["flat"]["contexts"]
    assert terms.items() <= kept["gpii-default"]["preferences"].items()
    assert place.cloud.settings("alice", alice, LINUX).status == 200


HEADERS = ("Authorization", "DPoP", "X-Request-Id", "X-Forwarded-For", "Accept-Encoding",
           "Cookie", "Content-Type", "User-Agent", "Forwarded", "Origin")  # fmt: skip


@pytest.mark.parametrize("header", HEADERS)
def test_p78_no_header_comes_back_in_headers_or_bodies(place: Place, header: str) -> None:
    for odd in ("", "'", '"', "%0d%0a", "\x1b[31m", "\xff", "<b>", "; a=b"):
        marked = f"m4rk3d{odd}"
        for method, path in (
            ("GET", "/alice/settings/%7B%7D"), ("POST", "/settings/query"),
            ("POST", "/oauth2/token"), ("GET", f"/solutions/{marked.encode().hex()}"),
            ("POST", "/access_token"), ("GET", "/health"),
        ):  # fmt: skip
            reply = place.cloud.request(method, path, headers={header: marked}, body="")
            assert reply.status < 500
            assert "m4rk3d" not in str(reply.headers)[: -1 if odd else None] or (
                header == "X-Request-Id" and not odd
            )
            assert b"m4rk3d" not in reply.body


def test_p78_descriptions_of_errors_are_from_a_table(place: Place) -> None:
    told = set()
    for changes in (
        {"scope": "m4rk3d"}, {"grant_type": "m4rk3d"}, {"resource": "m4rk3d"}, {"m4rk3d": "1"},
        {"subject_token_type": "m4rk3d"}, {"client_id": "m4rk3d"}, {"subject_token": "m4rk3d"},
    ):  # fmt: skip
        reply = exchange(place, **changes)
        assert b"m4rk3d" not in reply.body
        told.add(reply.json.get("error_description"))
    assert len(told) >= 5


def test_p77_no_input_forges_a_line_of_the_log(place: Place) -> None:
    forged = '\r\n{"event":"forged"}\r\n'
    for text in (forged, "\x1b[2Kforged", "\u2028forged", '","event":"forged', "forged\x85"):
        for ask in INPUTS.values():
            ask(place, text)
        place.cloud.request(
            "GET", f"/{quote(text, safe='')}", headers={"X-Request-Id": "forged" + text.strip()[:1]}
        )
        place.cloud.request(
            "POST", "/oauth2/token?" + urlencode({"forged": text}), body=urlencode({text: text})
        )
    assert place.cloud.request("GET", "/health").status == 200
    lines = [line for line in place.cloud.process.output.splitlines() if line[:1] == "{"]
    assert len(lines) > 100
    for line in lines:
        entry = json.loads(line)
        assert entry.keys() <= FIELDS
        assert entry["event"] != "forged"
        assert "forged" not in line
        assert line.isprintable()


def test_p80_after_all_that_it_is_the_same_process(place: Place) -> None:
    assert place.cloud.process.process.poll() is None
    assert place.cloud.request("GET", "/health").json == {"isHealthy": True}
    assert "internal_error" not in place.cloud.process.output
