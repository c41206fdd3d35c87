"""Each example of `docs/protocol/http-api.md` is answered by a started cloud as it is written."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import pytest

from keyin.cloud.openapi import name_of
from keyin.cloud.routes import Access, Route, RouteTable
from keyin.stores.host import SystemEntropy
from keyin.wire.signing_key import new_key, read_private
from tests.api.examples import PAGE, Example, Known, differences, examples, sent
from tests.api.table import every_route
from tests.clients.registered import PASSWORD, PERSON, SITE, registered
from tests.cloud_documents import FREE, SECRET
from tests.cloud_process import Cloud, Reply, send, serving
from tests.oauth_client import ISSUER, Computer
from tests.person import fields
from tests.preferences_server import secret_file
from tests.registration import code

if TYPE_CHECKING:
    from pathlib import Path

ROUTES = every_route()
LISTENERS = {Access.OPERATOR: 0, Access.PREFERENCES: 1}
SPOKEN = "HTTP/1.1 "


def test_every_route_of_the_table_has_an_example() -> None:
    table = RouteTable(ROUTES)
    found = {_route(table, example) for example in examples()} - {None}
    assert found == set(ROUTES)


def test_every_route_of_the_table_has_a_heading() -> None:
    headings = set(re.findall(r"^### `(.+)`$", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert headings == {name_of(route) for route in ROUTES}


def test_every_example_is_answered_as_it_is_written(tmp_path: Path) -> None:
    data = tmp_path / "data"
    told = registered(data)
    desk = ("--site", SITE, "--computer-type", "public")
    told["initial_access"] = code(data, *desk, label="Desk 4")
    config, revision = tmp_path / "cloud.toml", tmp_path / "revision.json"
    config.write_text("device_code = true\n")
    revision.write_text('{"sha256": "1c59ac1"}')
    more: tuple[object, ...] = ("--config", config, "--ops-listen", "127.0.0.1:0")
    more += ("--revision-file", revision)
    secret = secret_file(tmp_path)
    more += ("--preferences-listen", "127.0.0.1:0", "--preferences-secret-file", secret)
    known, table = _known(told), RouteTable(ROUTES)
    with serving(data, "--issuer", ISSUER, *more, listeners=3) as cloud:
        known.values["preferences_secret"] = secret.read_text().strip()
        for example in examples():
            _try(cloud, example, known, _route(table, example))


def _route(table: RouteTable, example: Example) -> Route | None:
    path = example.target.partition("?")[0]
    return table.find(example.method, [part.encode() for part in path.split("/")[1:]])


def _try(cloud: Cloud, example: Example, known: Known, route: Route | None) -> None:
    target, headers, body = sent(example, known)
    listener = LISTENERS.get(route.access, -1) if route else -1
    place = cloud.process.listeners[listener]
    reply = send(place, example.method, target, headers=headers, body=body)
    wrong = [f"{reply.status}"] * (f"{SPOKEN}{reply.status}" != example.answer.first)
    for name, value in example.answer.headers.items():
        found = reply.headers.get(name.lower())
        if name == "Set-Cookie":
            found = next((one for one in reply.cookies if one[:16] == value[:16]), None)
        wrong += differences(value, found, known, name)
    wrong += _body(example, reply, known)
    assert not wrong, f"{PAGE.name}:{example.line}: {wrong}\n{reply.headers}\n{reply.body!r}"


def _body(example: Example, reply: Reply, known: Known) -> list[str]:
    media = reply.headers.get("content-type", "")
    if media.startswith("text/html"):
        if b"<form" in reply.body:
            known.values |= fields(reply)
        return []
    if media.startswith("image/"):
        return []
    if "json" in media:
        return list(differences(json.loads(example.answer.body), reply.json, known))
    return list(differences(example.answer.body, reply.body.decode().strip(), known))


def _known(told: dict[str, Any]) -> Known:
    """Name who asks, and make the proofs that are good for one request only."""
    computer, job = (_client(told[name]) for name in ("computer", "job"))
    key = new_key(SystemEntropy())
    newcomer = Computer("", key, sender=key)
    known = Known(
        {
            "initial_access": told["initial_access"],
            "newcomers_jwk": newcomer.key.public.jwk.decode(),
            "newcomers_jkt": newcomer.key.public.thumbprint,
            "computer": computer.client_id,
            "job": job.client_id,
            "application": told["plain"]["client_id"],
            "web": told["web"]["client_id"],
            "legacy": FREE,
            "legacy_secret": SECRET,
            "person": PERSON,
            "persons_password": PASSWORD,
        }
    )
    secret = f"{told['plain']['client_id']}:{told['plain']['secret']}".encode()
    known.made = {
        "assertion": lambda _: computer.assertion(),
        "job_assertion": lambda _: job.assertion(),
        "basic": lambda _: b64encode(secret).decode(),
        "proof": lambda example: _proof(computer, example, known),
        "newcomers_proof": lambda example: _proof(newcomer, example, known),
        "newcomers_assertion": lambda _: newcomer.assertion(
            iss=known.values["newcomer"], sub=known.values["newcomer"]
        ),
    }
    return known


def _client(told: dict[str, Any]) -> Computer:
    return Computer(told["client_id"], read_private(json.dumps(told["jwk"]).encode()))


def _proof(computer: Computer, example: Example, known: Known) -> str:
    computer.nonce = known.values.get("nonce")
    given = known.filled(example.request.headers.get("Authorization", ""), example)
    token = given.removeprefix("DPoP ") or None
    target = known.filled(example.target.partition("?")[0], example)
    return computer.proof(example.method, ISSUER + target, token)


@pytest.mark.parametrize(
    ("written", "answered"),
    [({"a": 1}, {"a": 2}), ({"a": 1}, {"a": 1, "b": 2}), (["x"], []), ({"a": "x…"}, {"a": "y"})],
)
def test_an_answer_that_is_not_as_written_is_noticed(written: Any, answered: Any) -> None:
    assert list(differences(written, answered, Known()))
