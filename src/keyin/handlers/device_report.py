"""What this computer is and which of the registry's solutions it has: live, or from a file.

Checks of a registry's `isInstalled`, the first that holds suffices (local-flow §2.2):

    gpii.deviceReporter.alwaysInstalled
    gpii.packageKit.find            {name}     a package of this name is installed (dpkg or rpm)
    keyin.commandExists             {name}     a command of this name would be found
    keyin.gsettingsSchemaExists     {schema}   the desktop has this settings schema

A check of another type does not hold; a solution without checks is not reported.
"""

from __future__ import annotations

import json
import platform
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final

from keyin.domain.errors import HandlerFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from keyin.domain.absent import Value
    from keyin.handlers.system import System

_DPKG: Final = ("dpkg-query", "--show", "--showformat", "${db:Status-Abbrev}${Package}\n")
_RPM: Final = ("rpm", "--query", "--all", "--queryformat", "%{NAME}\n")
_INSTALLED: Final = "ii "


def this_os() -> dict[str, Value]:
    """Return `{"id", "version"}` of the system that this process runs on."""
    version = platform.release().replace("_", "-", 1)
    return {"id": platform.system().lower(), "version": version}


class LiveDeviceReporter:
    """Looks at the computer at every report; the list of packages is read once and kept."""

    def __init__(
        self, system: System, registry: Mapping[str, Mapping[str, Any]], *, os: Mapping[str, Value]
    ) -> None:
        self._system = system
        self._registry = registry
        self._os = dict(os)

    async def report(self) -> Mapping[str, Value]:
        """See `DeviceReporter.report`."""
        return await self._system.call(self._report)

    def _report(self) -> dict[str, Value]:
        installed = [
            {"id": solution}
            for solution, entry in self._registry.items()
            if any(self._holds(check) for check in entry.get("isInstalled", []))
        ]
        return {"OS": self._os, "solutions": installed}

    def _holds(self, check: Mapping[str, Any]) -> bool:
        name, schema = str(check.get("name", "")), str(check.get("schema", ""))
        checks: dict[str, Callable[[], bool]] = {
            "gpii.deviceReporter.alwaysInstalled": lambda: True,
            "gpii.packageKit.find": lambda: name in self._packages,
            "keyin.commandExists": lambda: self._system.programs.find(name),
            "keyin.gsettingsSchemaExists": lambda: self._system.gsettings.keys(schema) is not None,
        }
        return checks.get(str(check.get("type")), lambda: False)()

    @cached_property
    def _packages(self) -> frozenset[str]:
        listed = self._system.programs.ask(_DPKG)
        if listed is not None:
            lines = (line for line in listed.splitlines() if line.startswith(_INSTALLED))
            return frozenset(line.removeprefix(_INSTALLED).strip() for line in lines)
        return frozenset((self._system.programs.ask(_RPM) or "").split())


class FileDeviceReporter:
    """Reads the report from a file at every report: a list of `{"id"}`, or a whole report."""

    def __init__(self, system: System, path: Path, *, os: Mapping[str, Value]) -> None:
        self._system = system
        self._path = path
        self._os = dict(os)

    async def report(self) -> Mapping[str, Value]:
        """See `DeviceReporter.report`."""
        content = await self._system.call(partial(self._system.files.read, self._path))
        try:
            return self._shaped(json.loads(content or b""))
        except (ValueError, TypeError, KeyError, RecursionError) as exc:
            raise HandlerFailed(
                "The device report %(path)s is not there or has the wrong shape.",
                next_step='Write a JSON list of {"id": "…"} into it, one for each solution.',
                path=str(self._path),
            ) from exc

    def _shaped(self, document: Any) -> dict[str, Value]:  # noqa: ANN401 - any JSON at all
        if isinstance(document, list):
            return {"OS": self._os, "solutions": _solutions(document)}
        if not isinstance(document, dict):
            raise TypeError("neither a list nor an object")
        os = document.get("OS", self._os)
        if not isinstance(os["id"], str):
            raise TypeError("the system's id is no text")
        return {"OS": os, "solutions": _solutions(document["solutions"])}


def _solutions(listed: Sequence[Any]) -> list[Value]:
    if not all(isinstance(item["id"], str) for item in listed):
        raise TypeError("a solution's id is no text")
    return list(listed)
