"""How far the cloud is believed when it says how a solution is set up.

The original believes all of it, commands included: who holds the cloud then runs programs on every
computer. Here the cloud may say which settings a solution has and what they become; which programs
are started is this computer's own word, unless its administrator decides otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, TypeAlias

from keyin.domain.lifecycle import STEP_LISTS

Entry: TypeAlias = Mapping[str, Any]

PROGRAM_STARTERS: Final = frozenset({"gpii.launchHandlers.flexibleHandler"})
"""Handlers whose options are command lines."""

_ROOMS: Final = ("settingsHandlers", "launchHandlers")


class CloudRegistry(StrEnum):
    """What counts of a registry entry that the cloud sent."""

    ALL = "all"
    SETTINGS = "settings"
    NONE = "none"


def believed(
    entries: Mapping[str, Any], own: Mapping[str, Any], trust: CloudRegistry
) -> dict[str, Entry]:
    """Return the entries to act on; `own` is this computer's registry. What is odd is left out."""
    objects = {name: _sound(entry) for name, entry in entries.items() if isinstance(entry, Mapping)}
    match trust:
        case CloudRegistry.ALL:
            return objects
        case CloudRegistry.NONE:
            return {name: own[name] for name in objects if name in own}
        case CloudRegistry.SETTINGS:
            return {name: _no_programs(entry, own.get(name)) for name, entry in objects.items()}


def _sound(entry: Entry) -> Entry:
    """Leave out what has not the shape that everything behind this relies on."""
    made = dict(entry)
    for name in _ROOMS:
        blocks = made.pop(name, None)
        if isinstance(blocks, Mapping):
            made[name] = {key: block for key, block in blocks.items() if _is_block(block)}
    for name in STEP_LISTS:
        steps = made.pop(name, None)
        if isinstance(steps, list):
            made[name] = [step for step in steps if isinstance(step, str | Mapping)]
    return made


def _is_block(block: object) -> bool:
    return (
        isinstance(block, Mapping)
        and isinstance(block.get("type", ""), str)
        and isinstance(block.get("options") or {}, Mapping)
    )


def _no_programs(entry: Entry, own: Entry | None) -> Entry:
    """Replace what starts programs by this computer's own block of the name, or leave it out."""
    safe = dict(entry)
    for room in _ROOMS:
        blocks, own_blocks = entry.get(room), (own or {}).get(room)
        if isinstance(blocks, Mapping):
            mine = own_blocks if isinstance(own_blocks, Mapping) else {}
            chosen = {
                name: mine.get(name) if _starts(block) else block for name, block in blocks.items()
            }
            safe[room] = {name: block for name, block in chosen.items() if block is not None}
    for name in STEP_LISTS:
        if isinstance(entry.get(name), list):
            safe[name] = [step for step in entry[name] if isinstance(step, str)]
    return safe


def _starts(block: Mapping[str, Any]) -> bool:
    return block.get("type") in PROGRAM_STARTERS
