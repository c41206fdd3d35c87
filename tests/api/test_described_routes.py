"""The description says what the router does, for every route; random requests find nothing else.

The short form is a few dozen requests a route; the campaign's thousands print their seed.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from keyin.cloud import routes
from keyin.cloud.api_words import WORDS
from keyin.cloud.openapi import name_of
from keyin.cloud.routes import Access, Route
from tests.api.insider import Insider, insider, prepared
from tests.api.table import every_route
from tests.cloud_process import Cloud, serving
from tests.oauth_client import ISSUER
from tests.preferences_server import secret_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from schemathesis import Case, Response
    from schemathesis.schemas import BaseSchema

ROUTES = {name_of(route): route for route in every_route()}
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
TRIED = [
    pytest.param(name, mode, id=f"{name} {mode.value}")
    for name in sorted(ROUTES)
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or WORDS[name].takes  # what could be wrong but a body?
]
OPTIONS = ("--issuer", ISSUER, "--ops-listen", "127.0.0.1:0")
LISTENERS = {Access.OPERATOR: 0, Access.PREFERENCES: 1}
FEW, MANY = 25, 1500


@dataclass
class Described:
    """A started cloud, what it says of itself, and who may ask it."""

    cloud: Cloud
    schema: BaseSchema
    insider: Insider

    def place(self, route: Route) -> str:
        return self.cloud.process.listeners[LISTENERS.get(route.access, -1)]


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Described]:
    data = tmp_path_factory.mktemp("described") / "data"
    told = prepared(data)
    config = data.parent / "cloud.toml"
    secret = secret_file(data.parent)
    more = ("--preferences-listen", "127.0.0.1:0", "--preferences-secret-file", secret)
    with serving(data, *OPTIONS, *more, "--config", config, listeners=3) as cloud:
        document = cloud.request("GET", "/openapi.json", ops=True).json
        known = insider(cloud, told, secret.read_text().strip())
        yield Described(cloud, schemathesis.openapi.from_dict(document), known)


def test_every_route_has_words_and_no_words_are_without_a_route() -> None:
    assert set(WORDS) == set(ROUTES)


def _named(cloud: Cloud) -> set[str]:
    document = cloud.request("GET", "/openapi.json", ops=True).json
    assert document["openapi"] == "3.1.0"
    return {
        f"{method.upper()} {template}"
        for template, methods in document["paths"].items()
        for method in methods
    }


def test_the_description_names_every_route(described: Described) -> None:
    assert _named(described.cloud) == set(ROUTES)


def test_what_is_switched_off_is_not_described(tmp_path: Path) -> None:
    with serving(tmp_path / "data", *OPTIONS, listeners=2) as cloud:
        assert set(ROUTES) - _named(cloud) == {
            "GET /device",
            "POST /device",
            "POST /device/decision",
            "POST /oauth2/device_authorization",
            "GET /preferences/{key}",
            "POST /preferences",
            "PUT /preferences/{key}",
        }


def test_strangers_are_not_told(described: Described) -> None:
    assert described.cloud.request("GET", "/openapi.json").status == 404


@pytest.mark.parametrize(("name", "mode"), TRIED)
def test_no_request_gets_an_answer_that_is_not_described(
    name: str, mode: GenerationMode, described: Described
) -> None:
    _try(described, ROUTES[name], mode, FEW, 1)


@pytest.mark.campaign
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("name", "mode"), TRIED)
def test_campaign_no_request_gets_an_answer_that_is_not_described(
    name: str, mode: GenerationMode, described: Described
) -> None:
    number = random.randrange(2**32)  # noqa: S311 - no secret
    print(f"{name} {mode.value}: seed {number}")  # noqa: T201 - a campaign prints its seed
    _try(described, ROUTES[name], mode, MANY, number)


def _try(
    described: Described, route: Route, mode: GenerationMode, examples: int, number: int
) -> None:
    operation = described.schema[route.template][route.method]

    @seed(number)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
    )
    @given(case=operation.as_strategy(generation_mode=mode), known=st.booleans())
    def holds(case: Case[Any], known: bool) -> None:  # noqa: FBT001 - hypothesis gives it
        if known:
            described.insider.admit(case, route)
        response = case.call(base_url=described.place(route), timeout=20)
        if not _odd(route, response):
            case.validate_response(response, checks=CHECKS)

    try:
        holds()
    except Exception as error:
        log = described.cloud.process.output.splitlines()
        error.add_note("\n".join(line for line in log if '"level":"error"' in line))
        raise


def _odd(route: Route, response: Response) -> bool:
    """Tell whether it is one of the old route's two answers that no description can hold."""
    if route is not routes.TOKEN:
        return False
    if response.status_code == 501:
        told: dict[str, Any] = json.loads(response.content)
        return bool(told["error"] == "unsupported_grant_type")
    return response.status_code == 401 and response.content == b"Unauthorized"
