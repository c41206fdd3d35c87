"""P1: the routes are the router's, and each is tried with every way of lacking the right to it."""

from __future__ import annotations

import tomllib
from enum import Enum, auto
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import convert

from keyin.cloud.answers import HEALTHY, Answer
from keyin.cloud.app import CloudApp
from keyin.cloud.config import CloudConfig, LimitsConfig
from keyin.cloud.routes import Access, Route
from keyin.cloud.wiring import build
from keyin.pages.site import Site
from keyin.stores.opening import open_data
from tests.cloud_process import copied
from tests.fakes.counting import Counting
from tests.oauth_client import ISSUER
from tests.properties.cloud.refusals import GENEROUS, RULES, Lacking, Prepared, lacking, path_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from keyin.cloud.exchange import Exchange
    from tests.cloud_process import Cloud

OPEN = {
    ("OPTIONS", "/access_token"),
    ("GET", "/health"),
    ("GET", "/ready"),
    ("GET", "/.well-known/oauth-authorization-server"),
    ("GET", "/.well-known/oauth-protected-resource"),
    ("GET", "/login"),
    ("POST", "/login"),
    ("POST", "/login/code"),
    ("GET", "/logout"),
    ("GET", "/oauth2/authorize"),
    ("GET", "/static/keyin.css"),
    ("GET", "/enrolled"),
    ("GET", "/oauth2/jwks"),
}
"""What anybody may ask. A route that is added to this list is open to the world: think twice."""

NEVER = {
    "find_key", "find_safe", "change_safe", "seal", "unseal", "add_token", "revoke_token",
}  # fmt: skip
"""What is asked of store and secrets only for who has the right."""

BACKUP = Route(method="POST", template="/{key}/settings/{device}/copy", access=Access.BEARER)
"""What somebody might add one day."""


class _New(Enum):
    SOME = auto()


class Inside:
    """The same application in this process: what it asks of store and secrets is noted."""

    def __init__(self, app: CloudApp, calls: list[str]) -> None:
        self.app = app
        self.calls = calls

    async def ask(self, route: Route, request: Lacking) -> int:
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            assert route.access is not Access.BEARER, "the body was read before the token"
            return {"type": "http.request", "body": request.body.encode(), "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        headers = [(name.lower().encode(), text.encode()) for name, text in request.headers.items()]
        scope = {
            "type": "http",
            "method": route.method,
            "raw_path": path_of(route).encode(),
            "headers": [(b"host", b"127.0.0.1"), *headers],
            "client": ("127.0.0.1", 1),
        }
        self.calls.clear()
        await self.app(scope, receive, send)  # type: ignore[arg-type]
        status: int = sent[0]["status"]
        return status


@pytest.fixture
async def inside(prepared: Prepared, tmp_path: Path) -> AsyncIterator[Inside]:
    """Work on a copy: a store has one writer."""
    prepared.learn_nonce()
    opened = open_data(copied(prepared.data, tmp_path / "data"), None, exclusive=True)
    calls: list[str] = []
    store: Any = Counting(opened.store, calls)
    secrets: Any = Counting(opened.secrets, calls)
    config = CloudConfig(
        issuer=ISSUER, limits=convert(tomllib.loads(GENEROUS)["limits"], LimitsConfig)
    )
    built = await build(config, store=store, secrets=secrets, pages=Site.open)
    yield Inside(built.app, calls)
    opened.close()


async def check(inside: Inside, route: Route, prepared: Prepared) -> None:
    """Hold one route to its rule: refused, and nothing asked that is for others only."""
    for request in lacking(route, prepared):
        status = await inside.ask(route, request)
        assert status == request.status, (route.template, request.why)
        assert not NEVER.intersection(inside.calls), (route.template, request.why)


async def test_p01_without_the_right_no_handler_runs_and_no_preferences_are_read(
    inside: Inside, prepared: Prepared
) -> None:
    for route in inside.app.routes:
        await check(inside, route, prepared)


async def test_p01_only_the_routes_named_here_are_open(inside: Inside) -> None:
    found = [route for route in inside.app.routes if route.access is Access.PUBLIC]
    assert {(route.method, route.template) for route in found} == OPEN
    assert not any(route.access is Access.OPERATOR for route in inside.app.routes)
    assert {access.name for access in Access} <= {*RULES, "OPERATOR", "PREFERENCES"}


async def test_p01_every_route_of_the_preferences_server_asks_for_its_secret_first(
    prepared: Prepared, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text(token_urlsafe(32) + "\n")
    secret.chmod(0o600)
    opened = open_data(copied(prepared.data, tmp_path / "data"), None, exclusive=True)
    calls: list[str] = []
    store: Any = Counting(opened.store, calls)
    config = CloudConfig(
        preferences_listen="127.0.0.1:0", preferences_secret_file=str(secret), issuer=ISSUER
    )
    built = await build(config, store=store, secrets=opened.secrets)
    assert built.preferences is not None
    found = [one for one in built.preferences.routes if one.access is Access.PREFERENCES]
    assert len(found) >= 3
    inside = Inside(built.preferences, calls)
    for route in built.preferences.routes:
        for header in ({}, {"Authorization": f"Bearer {token_urlsafe(32)}"}):
            wanting = Lacking("no secret", header, "{}")
            assert await inside.ask(route, wanting) == 401, (route.template, header)
            assert not calls, (route.template, header)
    opened.close()


async def test_p01_a_new_route_that_asks_for_nothing_fails_the_check(
    inside: Inside, prepared: Prepared
) -> None:
    async def unguarded(_exchange: Exchange) -> Answer:
        return HEALTHY

    inside.app = CloudApp({BACKUP: unguarded}, inside.app.around)
    with pytest.raises(AssertionError, match="no token"):
        await check(inside, BACKUP, prepared)


async def test_p01_a_new_route_that_reads_the_body_first_fails_the_check(
    inside: Inside, prepared: Prepared
) -> None:
    async def hasty(exchange: Exchange) -> Answer:
        await exchange.body()
        return HEALTHY

    inside.app = CloudApp({BACKUP: hasty}, inside.app.around)
    with pytest.raises(AssertionError):
        await check(inside, BACKUP, prepared)


async def test_p01_a_new_way_of_letting_in_has_no_rule_yet(prepared: Prepared) -> None:
    route = Route(method="GET", template="/new", access=_New.SOME)  # type: ignore[arg-type]
    with pytest.raises(KeyError):
        lacking(route, prepared)


async def test_p01_over_http_every_route_refuses_who_lacks_the_right(
    inside: Inside, issuing: Cloud, prepared: Prepared
) -> None:
    tried = 0
    for route in inside.app.routes:
        for request in lacking(route, prepared):
            reply = issuing.request(
                route.method, path_of(route), headers=request.headers, body=request.body or None
            )
            assert reply.status == request.status, (route.template, request.why)
            if route.access is Access.BEARER:
                assert reply.json == {"isError": True, "message": "Unauthorized"}
                assert reply.headers["www-authenticate"].startswith("DPoP error=")
            tried += 1
    assert tried > 100


async def test_p01_what_is_refused_is_refused_for_that_one_reason(
    inside: Inside, issuing: Cloud, prepared: Prepared
) -> None:
    for route in inside.app.routes:
        if route.access is Access.BEARER:
            headers = prepared.bound(route, prepared.tokens["right"])
            reply = issuing.request(route.method, path_of(route), headers=headers)
            assert reply.status in {200, 400, 404}, (route.template, reply.body)
