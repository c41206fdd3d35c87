"""Solutions registries: what each solution can honour, worked out once and used by every request.

A registry is read from its JSON object once and never changed; `entry` is shared, so whoever wants
to change one copies it. The order of members is kept: it decides ties and the order of execution
(local-flow §1, §3.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from keyin.domain import elpath
from keyin.domain.errors import InvalidDocument
from keyin.domain.ontology import APPLICATION_TYPES, COMMON, SELECTING, application
from keyin.domain.transforms import input_paths
from keyin.domain.versions import satisfies

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from keyin.domain.absent import Value
    from keyin.domain.device import Device


class Solution(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One entry of a registry, with what matching asks of it."""

    id: str
    """Reverse-DNS style, such as `org.gnome.orca`."""
    entry: Mapping[str, Any]
    application: str
    """The URI under which preferences for this solution alone are stored."""
    terms: frozenset[str]
    """Common terms that it can honour, as URIs."""
    selecting: frozenset[str]
    """Those of `terms` that are reason enough to choose it."""
    types: frozenset[str]
    """Its application types; of each only one solution may run."""
    version: str | None

    def __repr__(self) -> str:
        return f"Solution(id={self.id!r})"


class Registry(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The solutions of one operating system, in the order of their file."""

    os: str
    solutions: Mapping[str, Solution]

    def installed(self, device: Device) -> tuple[Solution, ...]:
        """Choose what the device has, in registry order; none on another operating system."""
        if device.os != self.os:
            return ()
        return tuple(
            solution
            for name, solution in self.solutions.items()
            if name in device.solutions and _fits(solution.version, device.solutions[name])
        )


def installed(registries: Mapping[str, Registry], device: Device) -> tuple[Solution, ...]:
    """Choose what the device has from the registry of its operating system, if there is one."""
    registry = None if device.os is None else registries.get(device.os)
    return () if registry is None else registry.installed(device)


def read_registry(os: str, document: Value) -> Registry:
    """Read a registry file's object. Raises `InvalidDocument` where it holds something else."""
    if not isinstance(document, dict):
        raise InvalidDocument("A solutions registry is not an object.")
    return Registry(
        os=os, solutions={name: read_solution(name, document[name]) for name in document}
    )


def read_solution(name: str, entry: Value) -> Solution:
    """Read one entry. Raises `InvalidDocument` if it is not an object."""
    if not isinstance(entry, dict):
        raise InvalidDocument("The registry's entry %(solution)s is not an object.", solution=name)
    terms = frozenset(_terms(entry))
    version = entry.get("version")
    return Solution(
        id=name,
        entry=entry,
        application=application(name),
        terms=terms,
        selecting=terms & SELECTING,
        types=frozenset(type_ for type_, by in APPLICATION_TYPES.items() if by & terms),
        version=version if isinstance(version, str) else None,
    )


def settings_blocks(entry: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Go through the settings handler blocks that are objects."""
    blocks = entry.get("settingsHandlers")
    for name, block in blocks.items() if isinstance(blocks, dict) else ():
        if isinstance(block, dict):
            yield name, block


def texts(value: object) -> list[str]:
    """Take the texts of a list; anything else holds none."""
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _terms(entry: Mapping[str, Any]) -> Iterator[str]:
    paths = texts(entry.get("capabilities"))
    for _, block in settings_blocks(entry):
        paths += input_paths(block.get("capabilitiesTransformations", {}))
    for path in paths:
        segments = elpath.parse(path)
        if len(segments) == 1 and segments[0].startswith(COMMON):
            yield segments[0]


def _fits(wanted: str | None, reported: str | None) -> bool:
    return wanted is None or reported is None or satisfies(reported, wanted)
