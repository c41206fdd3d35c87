"""P26, P27, P81, P82, P99, P100 at every route that the router has, found by its table."""

from __future__ import annotations

import json
import re
import socket
import time
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from keyin.cloud import errors
from keyin.cloud.answers import Answer
from keyin.cloud.routes import KIB, Access, Route, RouteTable
from tests.cloud_documents import FREE, LINUX, SECRET
from tests.oauth_client import EXCHANGE, KEY_TYPE
from tests.properties.cloud.refusals import FORM, Prepared, path_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cloud_process import Cloud, Reply

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
STRANGERS = b'{"isError":true,"message":"Not found"}'
INSIDE = re.compile(
    rb"Traceback|File \"|\.py\b|/tmp|/usr|/home|sqlite|SELECT |keyin\.|0x[0-9a-f]{6}"
)
ODD: tuple[tuple[str, bytes], ...] = tuple(
    (media, body)
    for media in ("application/json", FORM["Content-Type"], "text/html", "multipart/form-data", "")
    for body in (b"", b"{", b"null", b"5", b"[]", b'{"a":1,"a":2}', b"a=1&a=2", b"a[b]=c", b"\xff",
                 b"\x00", b"[" * 500, b'{"device":{}}', b'{"contexts":null}', b"=&=&%", b"1e999")
)  # fmt: skip
FREE_CLIENT = {"client_id": FREE, "client_secret": SECRET}


def of(served: tuple[Route, ...], *kinds: Access) -> Iterator[Route]:
    return (route for route in served if route.access in kinds)


def told() -> set[str]:
    """Every sentence of the application family: what the one door out can say."""
    found = {value for value in vars(errors).values() if isinstance(value, Answer)}
    found |= set(errors._SETTINGS.values())
    bodies = [answer.body for answer in found]
    invalid = "Your request was invalid.  See the errors for details."
    return {json.loads(body)["message"] for body in bodies} | {invalid}


def with_right(cloud: Cloud, prepared: Prepared, route: Route, body: bytes, media: str) -> Reply:
    """Ask as somebody who may, whatever the body is."""
    prepared.learn_nonce()
    headers = prepared.bound(route, prepared.tokens["right"]) if route.scope else {}
    if media:
        headers["Content-Type"] = media
    return cloud.request(route.method, path_of(route), headers=headers, body=body)


def test_p26_another_method_of_a_known_path_is_a_strangers(
    issuing: Cloud, served: tuple[Route, ...]
) -> None:
    table = RouteTable(served)
    tried = 0
    for path in {path_of(route) for route in served}:
        for method in METHODS:
            if table.find(method, [part.encode() for part in path.split("/")[1:]]) is None:
                reply = issuing.request(method, path)
                assert reply.status == 404, (method, path)
                assert reply.body == (b"" if method == "HEAD" else STRANGERS)
                assert reply.headers.keys() <= {
                    "date", "content-type", "content-length", "x-request-id", "connection",
                    "x-content-type-options",
                }  # fmt: skip
                tried += 1
    assert tried > 50


def test_p26_no_path_of_an_operator_is_known_outside(issuing: Cloud) -> None:
    for path in ("/metrics", "/revision", "/openapi.json", "/METRICS", "/metrics/"):
        reply = issuing.request("GET", path)
        assert (reply.status, reply.body) == (404, STRANGERS)
        assert issuing.request("GET", "/metrics", ops=True).status == 200


def test_p27_every_refusal_is_from_the_closed_set(
    issuing: Cloud, served: tuple[Route, ...], prepared: Prepared
) -> None:
    sentences = told()
    for route in of(served, Access.BEARER, Access.CLIENT):
        for media, body in ODD:
            reply = with_right(issuing, prepared, route, body, media)
            assert reply.status < 500, (route.template, body)
            assert not INSIDE.search(reply.body), (route.template, reply.body)
            if reply.status >= 400 and route.access is Access.BEARER:
                assert reply.json["message"] in sentences
            elif reply.status >= 400 and reply.headers.get("content-type"):
                assert reply.json.keys() == {"error", "error_description"}
                assert len(body) < 6 or body not in reply.body


def test_p81_a_body_that_never_comes_keeps_nobody_waiting_for_the_refusal(
    issuing: Cloud, served: tuple[Route, ...]
) -> None:
    place = urlsplit(issuing.url)
    for route in of(served, Access.BEARER):
        with socket.create_connection((str(place.hostname), place.port or 0), timeout=5) as wire:
            began = time.monotonic()
            wire.sendall(
                f"{route.method} {path_of(route)} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                "Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n{".encode()
            )
            assert wire.recv(12) == b"HTTP/1.1 401"
            assert time.monotonic() - began < 2


def test_p82_every_route_that_takes_a_body_has_its_limit(
    issuing: Cloud, served: tuple[Route, ...], prepared: Prepared
) -> None:
    for route in served:
        settings = route.access is Access.BEARER and route.method == "PUT"
        assert route.body_limit <= (KIB * KIB if settings else 64 * KIB)
        if route.body_limit and route.access in {Access.BEARER, Access.CLIENT}:
            for media in ("application/json", FORM["Content-Type"]):
                body = b" " * (route.body_limit + 1)
                reply = with_right(issuing, prepared, route, body, media)
                reads_it = media == "application/json" or route.access is Access.CLIENT
                assert reply.status == (413 if reads_it else 400), (route.template, media)


def test_p99_at_every_endpoint_a_parameter_comes_once(
    issuing: Cloud, served: tuple[Route, ...]
) -> None:
    for route in of(served, Access.CLIENT):
        if route.template == "/access_token":
            continue  # its words are the original's: see test_p99_nothing_that_comes_twice...
        for name in ("client_id", "client_secret", "grant_type", "token", "scope", "nobody_knows"):
            twice = urlencode([*FREE_CLIENT.items(), (name, "a"), (name, "a")])
            reply = issuing.request("POST", path_of(route), headers=FORM, body=twice)
            assert (reply.status, reply.json["error"]) == (400, "invalid_request"), route.template


def test_p99_at_every_route_a_member_of_json_comes_once(
    issuing: Cloud, served: tuple[Route, ...], prepared: Prepared
) -> None:
    doubled = (
        b'{"device":{},"device":{}}', b'{"device":{"OS":{"id":"a","id":"b"}}}',
        b'{"contexts":{},"contexts":{}}', b'{"contexts":{"c":{"preferences":{"a":1,"a":1}}}}',
    )  # fmt: skip
    for route in of(served, Access.BEARER):
        if route.body_limit:
            for body in doubled:
                reply = with_right(issuing, prepared, route, body, "application/json")
                assert reply.status == 400


def test_p100_nothing_with_a_token_or_with_settings_is_kept(
    issuing: Cloud, prepared: Prepared, served: tuple[Route, ...]
) -> None:
    exchange = {"grant_type": EXCHANGE, "subject_token": "alice", "subject_token_type": KEY_TYPE}
    given = issuing.form("/oauth2/token", {**FREE_CLIENT, **exchange})
    legacy = issuing.token("alice", (FREE, SECRET))
    token = given.json["access_token"]
    looked = issuing.form("/oauth2/introspect", {**FREE_CLIENT, "token": token})
    ended = issuing.form("/oauth2/revoke", {**FREE_CLIENT, "token": token})
    for reply in (given, legacy, looked, ended):
        assert reply.status == 200
        assert reply.headers["cache-control"] == "no-store"
        assert reply.headers["pragma"] == "no-cache"
    query = json.dumps({"device": LINUX}).encode()
    for route in of(served, Access.BEARER):
        body = query if route.method == "POST" else b""
        reply = with_right(issuing, prepared, route, body, "application/json")
        if reply.status == 200:
            assert reply.headers["cache-control"] == "no-store", route.template
    for route in of(served, Access.CLIENT):
        reply = issuing.form(path_of(route), {"client_id": "nobody", "client_secret": "x"})
        if reply.headers.get("content-type"):
            assert reply.headers["cache-control"] == "no-store", route.template
