"""Reads the recorded cases of the local side: by kind, with absent values, and compared as told.

The conventions are those of cases/local.json: `{"$undefined": true}` is absent, numbers compare
with a relative tolerance of 1e-9.
"""

from __future__ import annotations

import json
import math
from functools import cache
from typing import Any

import pytest

from keyin.domain.absent import ABSENT
from tests.shared_data import CASES


@cache
def _file() -> dict[str, Any]:
    path = CASES / "local.json"
    if not path.is_file():
        return {"cases": [], "registries": {}}
    decoded = _decoded(json.loads(path.read_bytes()))
    assert isinstance(decoded, dict)
    return decoded


def cases(*kinds: str) -> list[Any]:
    """Give the cases of some kinds as parameters for a test, named by their ids."""
    found = (case for case in _file()["cases"] if case["kind"] in kinds)
    return [pytest.param(case, id=case["id"]) for case in found]


def registry(name: str) -> dict[str, Any]:
    """Give one of the small registries that stand in the file."""
    entries = _file()["registries"][name]
    assert isinstance(entries, dict)
    return entries


def alike(left: Any, right: Any) -> bool:
    """Compare as the file's conventions say."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(alike(left[k], right[k]) for k in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(alike, left, right))
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | float) and isinstance(right, int | float):
        return math.isclose(left, right, rel_tol=1e-9)
    return bool(left == right)


def _decoded(value: Any) -> Any:
    if isinstance(value, dict):
        if value == {"$undefined": True}:
            return ABSENT
        return {name: _decoded(member) for name, member in value.items()}
    return [_decoded(element) for element in value] if isinstance(value, list) else value
