"""Loads the real registries and preference sets of the GPII project, once per test process."""

from __future__ import annotations

from functools import cache
from typing import Any

import pyjson5

from keyin.domain.solutions import Registry, read_registry
from tests.shared_data import GPII_DATA

SYSTEMS = ("android", "darwin", "linux", "win32")


@cache
def document(system: str) -> dict[str, Any]:
    """Read the registry file of an operating system."""
    path = GPII_DATA / "solutions" / f"{system}.json5"
    decoded = pyjson5.decode_buffer(path.read_bytes())
    assert isinstance(decoded, dict)
    return decoded


@cache
def registry(system: str) -> Registry:
    """Read the registry of an operating system."""
    return read_registry(system, document(system))


@cache
def preference_documents() -> dict[str, Any]:
    """Read every preference set's flat document, named by folder and file."""
    folders = ("preferences", "test-preferences")
    paths = [path for folder in folders for path in sorted((GPII_DATA / folder).glob("*.json5"))]
    return {
        f"{path.parent.name}/{path.stem}": pyjson5.decode_buffer(path.read_bytes()).get("flat", {})
        for path in paths
    }
