"""A program of its own that knows nothing of keyin, and says whether everything was put back.

    python demo_judge.py take FOLDER > SNAPSHOT      remembers every file below FOLDER
    python demo_judge.py compare FOLDER < SNAPSHOT   exit code 0 if all is as it was, else 1

Remembers names, bytes (SHA-256), mode, owner and time of change. Imports the standard library
only, so that a mistake in keyin cannot hide itself.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path


def take(folder: Path) -> dict[str, list[object]]:
    """Return what every file and folder below `folder` is like."""
    return {str(path.relative_to(folder)): seen(path) for path in sorted(folder.rglob("*"))}


def seen(path: Path) -> list[object]:
    """Return what one file or folder is like; a folder's time changes when its files do."""
    state = path.lstat()
    is_file = path.is_file() and not path.is_symlink()
    digest = hashlib.sha256(path.read_bytes()).hexdigest() if is_file else None
    changed = state.st_mtime_ns if is_file else None
    return [digest, oct(state.st_mode), state.st_uid, state.st_gid, changed]


def compare(folder: Path, before: dict[str, list[object]]) -> list[str]:
    """Return the names of all that is not as it was."""
    now = take(folder)
    return sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))


def main(verb: str, folder: str) -> int:
    """Do what the command line says."""
    if verb == "take":
        json.dump(take(Path(folder)), sys.stdout)
        return 0
    different = compare(Path(folder), json.load(sys.stdin))
    json.dump(different, sys.stdout)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
