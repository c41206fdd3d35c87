"""Gives each suite its store, once for every adapter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conformance.stores import STORES, Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened = STORES[request.param](tmp_path)
    yield opened
    opened.close()
