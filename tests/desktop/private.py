"""A desktop session of a test's own: home, folders and D-Bus, nothing shared with the person's.

HOME and XDG_* are set before the bus starts: what the bus starts (dconf) inherits them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUS: Final = ("dbus-run-session", "--")
_TOOLS: Final = ("dbus-run-session", "gsettings", "dconf")
_SCHEMAS: Final = "/usr/share/glib-2.0/schemas/gschemas.compiled"
_FOLDERS: Final = {
    "XDG_CONFIG_HOME": ".config",
    "XDG_DATA_HOME": ".local/share",
    "XDG_STATE_HOME": ".local/state",
    "XDG_CACHE_HOME": ".cache",
    "XDG_RUNTIME_DIR": "run",
}
_INHERITED: Final = ("PATH", "LANG", "LC_ALL", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")

needs_desktop = pytest.mark.skipif(
    not all(map(shutil.which, _TOOLS)) or not os.path.exists(_SCHEMAS),  # noqa: PTH110 - no Path at import
    reason="needs dbus-run-session, gsettings, dconf and gsettings-desktop-schemas",
)


def environment(home: Path) -> dict[str, str]:
    """Make a home in an empty folder and return the whole environment of a process in it."""
    variables = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    variables["HOME"] = str(home)
    for name, folder in _FOLDERS.items():
        path = home / folder
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o700)
        variables[name] = str(path)
    return variables


@contextmanager
def bus(env: dict[str, str]) -> Iterator[str]:
    """Run a D-Bus session bus; yield its address."""
    process = subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address=1"],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()
