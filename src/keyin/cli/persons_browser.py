"""Opens the browser of whoever sits here, as they: never as root (RFC 8252, no embedded one).

An administrator's command runs as root; the person is who called it, by sudo's or polkit's word.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

_OPENER: Final = "xdg-open"
_PASSED_ON: Final = (
    *("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_CURRENT_DESKTOP", "XDG_SESSION_TYPE"),
    *("PATH", "LANG", "LANGUAGE", "LC_ALL", "BROWSER"),
)
_DECIDES_SECONDS: Final = 1.0


class Person(msgspec.Struct, frozen=True):
    """Whose browser it is."""

    uid: int
    gid: int
    name: str
    home: str

    @property
    def runtime(self) -> Path:
        """Return the directory of the person's session."""
        return Path(f"/run/user/{self.uid}")


def person(environment: Mapping[str, str]) -> Person | None:
    """Return who called this command; None where that is root itself, or nobody knows."""
    try:
        if os.geteuid() != 0:
            entry = pwd.getpwuid(os.geteuid())
        elif "SUDO_USER" in environment:
            entry = pwd.getpwnam(environment["SUDO_USER"])
        elif "PKEXEC_UID" in environment:
            entry = pwd.getpwuid(int(environment["PKEXEC_UID"]))
        else:
            return None
    except (KeyError, ValueError):
        return None
    if entry.pw_uid == 0:
        return None
    return Person(entry.pw_uid, entry.pw_gid, entry.pw_name, entry.pw_dir)


def can_open(whose: Person, environment: Mapping[str, str]) -> bool:
    """Tell whether there is a screen of this person, and something that opens a browser on it."""
    opener = shutil.which(_OPENER, path=environment.get("PATH"))
    return opener is not None and bool(_screen(whose, environment))


def open_browser(whose: Person, url: str, environment: Mapping[str, str]) -> bool:
    """Open the address; False where that failed at once."""
    opener = shutil.which(_OPENER, path=environment.get("PATH"))
    if opener is None:
        return False
    root = os.geteuid() == 0
    try:
        process = subprocess.Popen(  # noqa: S603 - the system's own opener, no shell
            [opener, url],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=_environment(whose, environment),
            start_new_session=True,
            user=whose.uid if root else None,
            group=whose.gid if root else None,
            extra_groups=os.getgrouplist(whose.name, whose.gid) if root else None,
        )
    except OSError:
        return False
    with suppress(subprocess.TimeoutExpired):  # then it runs as long as the browser does
        return process.wait(_DECIDES_SECONDS) == 0
    return True


def _screen(whose: Person, environment: Mapping[str, str]) -> dict[str, str]:
    said = {n: environment[n] for n in ("DISPLAY", "WAYLAND_DISPLAY") if environment.get(n)}
    if said:
        return said
    return {"WAYLAND_DISPLAY": "wayland-0"} if (whose.runtime / "wayland-0").exists() else {}


def _environment(whose: Person, environment: Mapping[str, str]) -> dict[str, str]:
    passed = {name: environment[name] for name in _PASSED_ON if name in environment}
    bus = whose.runtime / "bus"
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        **passed,
        **_screen(whose, environment),
        "HOME": whose.home,
        "USER": whose.name,
        "LOGNAME": whose.name,
        "XDG_RUNTIME_DIR": str(whose.runtime),
        **({"DBUS_SESSION_BUS_ADDRESS": f"unix:path={bus}"} if bus.exists() else {}),
    }
