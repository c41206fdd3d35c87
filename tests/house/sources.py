"""Where the house's own files are: tracked files, modules of a room, parsed trees."""

from __future__ import annotations

import ast
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGE: Final = ROOT / "src" / "keyin"
INNER_ROOMS: Final = ("domain", "wire", "oauth", "settings", "session")

assert PACKAGE.is_dir(), PACKAGE


@cache
def package_files() -> tuple[Path, ...]:
    """Return every module of the package."""
    return tuple(sorted(PACKAGE.rglob("*.py")))


@cache
def inner_files() -> tuple[Path, ...]:
    """Return the modules of the rooms that may not touch the world."""
    return tuple(path for path in package_files() if room(path) in INNER_ROOMS)


@cache
def tracked_files() -> tuple[Path, ...]:
    """Return what git tracks, and what it would take up if asked (not the ignored)."""
    listing = subprocess.run(
        [
            "git",
            "-c",
            "safe.directory=*",
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "-z",
        ],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return tuple(path for name in listing.split("\0") if name and (path := ROOT / name).is_file())


def room(path: Path) -> str:
    """Return the first folder under the package, or "" for the package's own modules."""
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else ""


def module_name(path: Path) -> str:
    """Return the dotted name under which a package file is imported."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree(path: Path) -> ast.Module:
    """Parse a file once."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def short(path: Path) -> str:
    """Name a file the way a person would find it."""
    return str(path.relative_to(ROOT))
