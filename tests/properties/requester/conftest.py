"""A world to enrol in for a whole module; each test has a bare computer of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.enrolling_world import World, enrolling_world
from tests.properties.requester.bare import Bare, new_bare

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_NAME = 60


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with enrolling_world(tmp_path_factory.mktemp("world")) as one:
        yield one


@pytest.fixture
def bare(request: pytest.FixtureRequest) -> Iterator[Bare]:
    """Give a computer that is named after the test."""
    with new_bare(name=request.node.name[-LONGEST_NAME:]) as one:
        yield one
