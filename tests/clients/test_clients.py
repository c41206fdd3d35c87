"""Other people's clients, unchanged, against the cloud: what `docs/protocol/clients.md` says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.clients.authlib_client import refused_assertion
from tests.clients.table import FEATURES, LIBRARIES, PAGE, drive, page
from tests.clients.world import running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.clients.world import World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("clients")) as one:
        yield one


@pytest.fixture(scope="module")
def written() -> dict[str, set[str]]:
    """Read the page's table: each library's features."""
    table = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("|")
    ]
    names = [cell.split(" ")[0] for cell in table[0][1:]]
    return {
        name: {row[0] for row in table[2:] if row[number] == "yes"}
        for number, name in enumerate(names, start=1)
    }


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_client_does_what_the_page_says(
    library: str, world: World, written: dict[str, set[str]]
) -> None:
    assert drive(library, world) == written[library]


def test_authlibs_own_assertions_are_refused(world: World) -> None:
    assert refused_assertion(world) == "invalid_client"


def test_the_page_is_made_from_what_was_seen(written: dict[str, set[str]]) -> None:
    assert PAGE.read_text(encoding="utf-8") == page(written)


def test_somebody_does_each_thing(written: dict[str, set[str]]) -> None:
    assert set().union(*written.values()) == set(FEATURES)
