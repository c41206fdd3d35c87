"""The solutions registries as answers need them: read once, each entry already written as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.device import read_device
from keyin.domain.errors import InvalidDocument
from keyin.domain.solutions import Registry, Solution, installed, read_registry
from keyin.settings.errors import Rejected, Why
from keyin.wire.strict_json import decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DEVICES_REMEMBERED: Final = 256
"""A computer asks with the same words each time; nothing personal is in them."""


@dataclass(frozen=True, slots=True)
class Installed:
    """A device's solutions in registry order, and their entries as one JSON object."""

    solutions: tuple[Solution, ...]
    entries: bytes


class Registries:
    """All registries of this cloud, by operating system."""

    def __init__(self, registries: Mapping[str, Registry]) -> None:
        self._registries = dict(registries)
        self._entries = {
            (registry.os, solution.id): msgspec.json.encode(solution.id)
            + b":"
            + msgspec.json.encode(solution.entry)
            for registry in self._registries.values()
            for solution in registry.solutions.values()
        }
        self.installed = lru_cache(maxsize=DEVICES_REMEMBERED)(self._installed)

    @classmethod
    def read(cls, documents: Iterable[tuple[str, bytes]]) -> Registries:
        """Read pairs of operating system and JSON. Raises InvalidDocument."""
        return cls({os: read_registry(os, msgspec.json.decode(text)) for os, text in documents})

    def _installed(self, report: str) -> Installed:
        """Read what a device says of itself. Raises Rejected where it is not JSON."""
        try:
            device = read_device(decode(report.encode()))
        except InvalidDocument as error:
            raise Rejected(Why.DEVICE_UNREADABLE) from error
        solutions = installed(self._registries, device)
        entries = b",".join(self._entries[device.os or "", one.id] for one in solutions)
        return Installed(solutions, b"{" + entries + b"}")
