"""The solutions registries as answers need them: read once, each entry already written as JSON.

A whole registry goes by the digest of its text, so that who has it already is not sent it again.
The text is compact JSON with its members in the registry's own order, since order counts in it.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
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

LONGEST_REMEMBERED: Final = 16 * 1024
"""Of one report: what is longer is read anew, or one client could fill the memory."""


class Installed(msgspec.Struct, frozen=True):
    """A device's solutions in registry order, and their entries as one JSON object."""

    solutions: tuple[Solution, ...]
    entries: bytes
    report: bytes
    """The SHA-256 of what the device said."""
    registry: str | None
    """The digest of its whole registry; None where there is none for its operating system."""


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
        self._digests: dict[str, str] = {}
        self.documents: dict[str, bytes] = {}
        """Each whole registry as JSON, by the SHA-256 of it in hexadecimal."""
        for registry in self._registries.values():
            text = msgspec.json.encode({one.id: one.entry for one in registry.solutions.values()})
            digest = sha256(text).hexdigest()
            self._digests[registry.os] = digest
            self.documents[digest] = text
        self._remembered = lru_cache(maxsize=DEVICES_REMEMBERED)(self._installed)

    @classmethod
    def read(cls, documents: Iterable[tuple[str, bytes]]) -> Registries:
        """Read pairs of operating system and JSON. Raises InvalidDocument."""
        return cls({os: read_registry(os, msgspec.json.decode(text)) for os, text in documents})

    def become(self, newer: Registries) -> None:
        """Take the place of these: whoever has this object sees the newer ones from now on."""
        vars(self).update(vars(newer))

    def all(self) -> Iterable[Registry]:
        """Return the registry of each operating system."""
        return self._registries.values()

    def installed(self, report: str) -> Installed:
        """Read what a device says of itself, as JSON. Raises Rejected where it is not."""
        if len(report) > LONGEST_REMEMBERED:
            return self._installed(report)
        return self._remembered(report)

    def _installed(self, report: str) -> Installed:
        try:
            device = read_device(decode(report.encode()))
        except InvalidDocument as error:
            raise Rejected(Why.DEVICE_UNREADABLE) from error
        solutions = installed(self._registries, device)
        entries = b",".join(self._entries[device.os or "", one.id] for one in solutions)
        return Installed(
            solutions=solutions,
            entries=b"{" + entries + b"}",
            report=sha256(report.encode()).digest(),
            registry=self._digests.get(device.os or ""),
        )
