"""Gives each suite its store, once for every adapter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conformance.stores import STORES, Store, close

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "store" in metafunc.fixturenames:
        apart = metafunc.definition.get_closest_marker("apart_from")
        names = [name for name in STORES if apart is None or name not in apart.args]
        metafunc.parametrize("store", names, indirect=True)


@pytest.fixture
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    opened = await STORES[request.param](tmp_path)
    yield opened
    await close(opened)
