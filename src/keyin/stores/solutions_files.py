"""Solutions registries as files: JSON5, one file an operating system, named after it.

linux.json5   or a folder that holds it
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyjson5

from keyin.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

PACKAGED: Final = Path(__file__).resolve().parent.parent / "data" / "solutions"
SUFFIXES: Final = (".json5", ".json")


def read_registry(paths: Sequence[Path], os_id: str) -> dict[str, Any]:
    """Return this system's solutions by id, a later file over an earlier one.

    A file counts whatever its name; of a folder the file named after the system. Raises
    ConfigurationError.
    """
    merged: dict[str, Any] = {}
    for path in paths:
        for file in _files(path, os_id):
            merged |= _read(file)
    return merged


def _files(path: Path, os_id: str) -> list[Path]:
    if not path.is_dir():
        return [path]
    return [file for suffix in SUFFIXES if (file := path / f"{os_id}{suffix}").is_file()]


def _read(path: Path) -> dict[str, Any]:
    try:
        document = pyjson5.decode(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, pyjson5.Json5Exception) as exc:
        raise ConfigurationError(
            "the solutions registry %(path)s cannot be read",
            next_step="name a JSON5 file, or a folder with one for each operating system",
            path=str(path),
        ) from exc
    if not isinstance(document, dict):
        raise ConfigurationError("the solutions registry %(path)s is no object", path=str(path))
    return document
