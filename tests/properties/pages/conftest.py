"""One cloud with pages for a whole module; each test has browsers of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.new_computer import NewComputer
from tests.page_place import Place, TestApplication, page_place
from tests.person import Person

if TYPE_CHECKING:
    from collections.abc import Iterator

CALLBACK = "https://planner.example/oauth/callback"
MARKUP = '<script>alert(1)</script><b onmouseover="x()">\u202eevil</b>\'"&'
PLANNER = TestApplication(redirect_uri=CALLBACK)
EVIL = TestApplication(
    client_id="evil", name=MARKUP, site=MARKUP, redirect_uri="https://evil.example/cb;a,b?keep=1"
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("pages")
    with page_place(folder, PLANNER, EVIL, device_code=True, second_factor='"optional"') as served:
        yield served


@pytest.fixture
def person(place: Place) -> Person:
    return Person(place)


@pytest.fixture
def ada(place: Place) -> Person:
    """Give somebody who has just signed in."""
    person = Person(place)
    assert person.sign_in().status == 303
    return person


@pytest.fixture
def computer(place: Place) -> NewComputer:
    return NewComputer(place.cloud, place.issuer)
