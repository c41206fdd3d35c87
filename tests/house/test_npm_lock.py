"""The npm lock names packages, versions and hashes, and no address: any mirror can serve it."""

from __future__ import annotations

import json
from typing import Any

from tests.house.sources import ROOT

CLIENTS = ROOT / "tests" / "clients"
MEMBERS = {"version", "integrity", "license", "dependencies", "engines", "name"}


def _lock() -> dict[str, Any]:
    lock: dict[str, Any] = json.loads((CLIENTS / "package-lock.json").read_text(encoding="utf-8"))
    return lock


def test_every_package_is_pinned_by_hash() -> None:
    packages = {name: one for name, one in _lock()["packages"].items() if name}
    assert packages
    for name, one in packages.items():
        assert one["integrity"].startswith("sha512-"), name
        assert one.keys() <= MEMBERS, name


def test_no_address_is_in_the_lock() -> None:
    text = (CLIENTS / "package-lock.json").read_text(encoding="utf-8")
    assert "://" not in text
    assert "resolved" not in text


def test_the_lock_is_of_the_packages_asked_for() -> None:
    asked = json.loads((CLIENTS / "package.json").read_text(encoding="utf-8"))
    assert _lock()["packages"][""]["dependencies"] == asked["dependencies"]
    for name, version in asked["dependencies"].items():
        assert _lock()["packages"][f"node_modules/{name}"]["version"] == version
