"""From a solution's record to the steps of a key-in, one after the other.

A record is what the registry says of a solution: step lists (`start`, `configure`, ...) and blocks
of settings and launchers. Decides nothing about which lists run; reads and writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

import msgspec

from keyin.domain.absent import ABSENT, Absent, Value
from keyin.domain.errors import InvalidDocument
from keyin.domain.lifecycle import STEP_LISTS
from keyin.session.ports import Block

Resolve: TypeAlias = Callable[[Any], Any]
"""Replaces variable references in any JSON value; what cannot be resolved becomes ABSENT."""

_ROOMS: Final = {"settings": "settingsHandlers", "launchers": "launchHandlers"}
_NESTED: Final = ("start", "stop", "configure")


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of one list: `name` is `settings.<block>` or `launchers.<block>`, or an action."""

    within: str
    name: str
    action: Mapping[str, Value] | None = None

    @property
    def launcher(self) -> bool:
        """Tell whether the step starts or stops something."""
        return self.name.startswith("launchers.")


def steps(record: Mapping[str, Any], step_list: str) -> Iterator[Step]:
    """Yield the steps of one list; `update` may name other lists.

    Raises InvalidDocument where an `update` list says something else.
    """
    for step in record.get(step_list, ()):
        if isinstance(step, Mapping):
            yield Step(within=step_list, name=str(step.get("name", "")), action=step)
        elif _is_block(step):
            yield Step(within=step_list, name=step)
        elif step_list == "update" and step in _NESTED:
            yield from steps(record, step)
        elif step_list == "update":
            raise InvalidDocument("an update list of the registry has a step nobody knows")


def _is_block(step: object) -> bool:
    return isinstance(step, str) and step.partition(".")[0] in _ROOMS and "." in step


def handler_record(record: Mapping[str, Any], step: str) -> Mapping[str, Any] | None:
    """Return the block that a step names, or None where the registry has none."""
    room, _, name = step.partition(".")
    found = record.get(_ROOMS[room], {}).get(name)
    return found if isinstance(found, Mapping) else None


def make_block(
    solution: str,
    handler: Mapping[str, Any],
    settings: Mapping[str, Value | Absent],
    resolve: Resolve,
) -> Block:
    """Build what a handler takes. An option whose variable is unknown is left out."""
    options = handler.get("options") or {}
    return Block(
        solution=solution,
        type=str(handler.get("type", "")),
        options=_present(resolve(options)),
        settings={name: _present(resolve(value)) for name, value in settings.items()},
    )


def _present(value: Any) -> Any:  # noqa: ANN401 - any JSON value, or ABSENT
    """Leave out members that are absent, at any depth."""
    if isinstance(value, dict):
        return {name: _present(member) for name, member in value.items() if member is not ABSENT}
    if isinstance(value, list):
        return [_present(element) for element in value if element is not ABSENT]
    return value


def wanted_settings(handler: Mapping[str, Any]) -> dict[str, Value | Absent]:
    """Return a block's settings, limited to those that the registry supports."""
    settings = handler.get("settings") or {}
    supported = handler.get("supportedSettings")
    if not isinstance(supported, Mapping):
        return dict(settings)
    return {name: value for name, value in settings.items() if name in supported}


def without_settings(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is needed to undo: step lists and blocks, no wanted values."""
    kept: dict[str, Any] = {name: record[name] for name in STEP_LISTS if name in record}
    for room in _ROOMS.values():
        kept[room] = {
            name: {"type": handler.get("type"), "options": handler.get("options") or {}}
            for name, handler in record.get(room, {}).items()
        }
    return kept
