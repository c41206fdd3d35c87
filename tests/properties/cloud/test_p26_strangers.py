"""P26, P27, P78: what somebody learns who knows no route, no key and no credential."""

from __future__ import annotations

import json
import re
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.cloud_documents import FREE, SECRET
from tests.cloud_process import send, serving

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cloud_process import Cloud

UNKNOWN = [
    ("GET", "/"),
    ("GET", "/index.html"),
    ("GET", "/access_token"),
    ("PUT", "/access_token"),
    ("POST", "/alice/settings"),
    ("DELETE", "/alice/settings"),
    ("HEAD", "/health"),
    ("OPTIONS", "/health"),
    ("OPTIONS", "/alice/settings"),
    ("HEAD", "/alice/settings/%7B%7D"),
    ("GET", "/alice/settings"),
    ("GET", "/revision"),
    ("GET", "/metrics"),
    ("GET", "/docs"),
    ("GET", "/openapi.json"),
    ("GET", "/a/b/c/d/e"),
    ("GET", "//"),
    ("GET", "//settings/%7B%7D"),
    ("GET", "/health//"),
    ("GET", "/../../etc/passwd"),
    ("GET", "/%2e%2e/%2fetc"),
    ("PATCH", "/%00"),
    ("TRACE", "/health"),
]
HEADERS = {
    "date",
    "content-type",
    "content-length",
    "x-request-id",
    "x-content-type-options",
    "connection",
}


@pytest.mark.parametrize(("method", "path"), UNKNOWN)
def test_p26_every_unknown_route_gets_the_same_answer(cloud: Cloud, method: str, path: str) -> None:
    reply = cloud.request(method, path)
    assert reply.status == 404
    assert reply.headers.keys() <= HEADERS
    if method != "HEAD":
        assert reply.body == b'{"isError":true,"message":"Not found"}'


def test_p26_operators_routes_are_on_their_own_listener_only(cloud: Cloud) -> None:
    assert cloud.request("GET", "/metrics", ops=True).status == 200
    assert cloud.request("GET", "/revision", ops=True).status == 404
    assert b"revision" in cloud.request("GET", "/revision", ops=True).body
    for method, path in (("POST", "/access_token"), ("GET", "/alice/settings/%7B%7D")):
        assert cloud.request(method, path, ops=True).status == 404


def test_p26_literals_in_any_case_and_one_trailing_slash_are_known(cloud: Cloud) -> None:
    for path in ("/HEALTH", "/health/", "/ready"):
        assert cloud.request("GET", path).status == 200
    for path in ("/alice/SETTINGS/%7B%7D", "/alice/settings/%7B%7D/"):
        assert cloud.request("GET", path).status == 401


def test_p26_another_host_name_is_a_strangers(tmp_path: Path) -> None:
    with serving(tmp_path / "data", "--issuer", "https://cloud.example.org") as cloud:
        for host, status in (
            ("cloud.example.org", 200),
            ("CLOUD.example.org:8443", 200),
            ("127.0.0.1:99", 200),
            ("[::1]", 200),
            ("localhost", 200),
            ("evil.example", 421),
            ("cloud.example.org.evil.example", 421),
            ("", 421),
            ("cloud.example.org@evil", 421),
        ):
            reply = cloud.request("GET", "/health", headers={"Host": host})
            assert (host, reply.status) == (host, status)
            if status == 421:
                assert reply.body == b'{"isError":true,"message":"Not found"}'


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /health HTTP/1.1\r\n", 400),
        (b"GET /health HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n", 400),
        (b"GET /health HTTP/1.1\r\nHOST: localhost\r\nhost: evil.example\r\n", 400),
        (b"GET /health HTTP/1.0\r\nHost: localhost\r\nHost: evil.example\r\n", 400),
        (b"GET http://evil.example/health HTTP/1.1\r\nHost: localhost\r\n", 400),
        (b"GET http://localhost@evil.example/health HTTP/1.1\r\nHost: localhost\r\n", 400),
        (b"GET http://evil.example/health HTTP/1.0\r\n", 400),
        (b"GET http://LOCALHOST/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", 200),
        (b"GET /health HTTP/1.0\r\n", 200),
        (b"GET /health HTTP/1.0\r\nHost: localhost\r\n", 200),
        (b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", 200),
    ],
)
def test_p26_a_request_names_one_host(cloud: Cloud, head: bytes, status: int) -> None:
    place = urlsplit(cloud.url)
    with socket.create_connection((str(place.hostname), place.port or 0), timeout=5) as wire:
        wire.sendall(head + b"\r\n")
        received = b"".join(iter(lambda: wire.recv(65536), b""))
    assert received.split(b" ", 2)[1] == b"%d" % status


LEAKS = re.compile(rb"Traceback|File \"|\.py|/tmp|/usr|/home|/work|sqlite|127\.0\.0\.1|localhost")
ODD_BODIES = [
    b"",
    b"{",
    b"null",
    b"5",
    b'"x"',
    b"[]",
    b"\xff\xfe",
    b'{"a":1,"a":2}',
    b"[" * 200,
    b'{"contexts":null}',
    b'{"contexts":{"a":{"preferences":[]}}}',
]


@pytest.mark.parametrize("body", ODD_BODIES)
@pytest.mark.parametrize("media", ["application/json", "text/html", "application/json; charset=x"])
def test_p27_error_bodies_tell_nothing_of_the_inside(cloud: Cloud, body: bytes, media: str) -> None:
    token = cloud.token("alice", (FREE, SECRET)).json["access_token"]
    headers = {"Content-Type": media, "Authorization": f"Bearer {token}"}
    for method, path in (("POST", "/access_token"), ("PUT", "/alice/settings")):
        reply = cloud.request(method, path, headers=headers, body=body)
        assert 400 <= reply.status < 500
        assert not LEAKS.search(reply.body)
        if reply.headers.get("content-type"):
            members = json.loads(reply.body)
            assert members.keys() <= {"error", "error_description"} or members["isError"] is True
        else:
            assert reply.body == b"Unauthorized"


def test_p78_headers_carry_no_raw_input(cloud: Cloud) -> None:
    marked = "m4rk3d"
    for path in (f"/{marked}", f"/{marked}/settings/%7B%7D", f"/%0d%0a{marked}: x/settings/1"):
        sent = {"X-Request-Id": f"{marked} {marked}", "Authorization": f"Bearer {marked}"}
        reply = cloud.request("GET", path.replace(" ", "%20"), headers=sent)
        assert marked not in str(reply.headers)
        assert marked.encode() not in reply.body
    assert (
        cloud.request("GET", "/health", headers={"X-Request-Id": "abc_DEF-123"}).headers[
            "x-request-id"
        ]
        == "abc_DEF-123"
    )


def test_p100_answers_with_tokens_or_settings_are_not_kept(cloud: Cloud) -> None:
    reply = cloud.token("alice", (FREE, SECRET))
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["pragma"] == "no-cache"
    settings = cloud.settings("alice", reply.json["access_token"], {})
    assert settings.headers["cache-control"] == "no-store"


def test_options_of_the_token_endpoint(cloud: Cloud) -> None:
    reply = send(cloud.url, "OPTIONS", "/access_token")
    assert (reply.status, reply.body, reply.headers["allow"]) == (200, b"POST", "POST")
