"""Where the flow manager's things lie when nobody says otherwise (XDG Base Directory).

Functions of an environment that is given; nothing is made here.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from keyin.domain.absent import ABSENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.domain.absent import Absent, Value

_DEFAULTS: Final = {
    "XDG_CONFIG_HOME": ".config",
    "XDG_DATA_HOME": ".local/share",
    "XDG_STATE_HOME": ".local/state",
    "XDG_CACHE_HOME": ".cache",
}


def state_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder of what must outlive a login session."""
    return Path(_variable(environment, "XDG_STATE_HOME") or ".") / "keyin"


def registry_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder of the registries that the cloud sent; it may vanish at any time."""
    return Path(_variable(environment, "XDG_CACHE_HOME") or ".") / "keyin" / "registries"


def control_socket(environment: Mapping[str, str]) -> Path:
    """Return the socket that `keyin login` asks."""
    runtime = environment.get("XDG_RUNTIME_DIR")
    folder = Path(runtime) / "keyin" if runtime else state_folder(environment) / "run"
    return folder / "flow-manager.sock"


class Variables:
    """What registry strings may refer to: `${{environment}.NAME}`, and not the key.

    The XDG folders have their defaults. The original also offers `gpiiKey`; but a key is a bearer
    credential, which goes into no setting, no file name and no command line.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def __call__(self, context: str, path: str) -> Value | Absent:
        """Return a variable's value, ABSENT where there is none."""
        if context != "environment":
            return ABSENT
        value = _variable(self._environment, path)
        return ABSENT if value is None else value


def _variable(environment: Mapping[str, str], name: str) -> str | None:
    value = environment.get(name)
    if not value and name in _DEFAULTS and "HOME" in environment:
        return str(Path(environment["HOME"]) / _DEFAULTS[name])
    return value
