"""The rules of a key-in that need no computer: which steps, which blocks, what to remember.

Step lists that a registry leaves out are inferred, the table of local-flow §5.5 says which of them
run, and old values are armoured so that "there was none" can be stored. Runs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keyin.domain import elpath
from keyin.domain.absent import ABSENT
from keyin.domain.merge import merge_members
from keyin.domain.solutions import settings_blocks, texts
from keyin.domain.transforms import input_paths

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from keyin.domain.absent import Absent, Value
    from keyin.domain.instructions import Instruction

LIVENESS: Final = ("OSRestart", "manualRestart", "liveRestart", "live")
"""How a change becomes effective, the least live first (local-flow §1.3)."""

STEP_LISTS: Final = ("configure", "restore", "start", "stop", "update", "isRunning")


def with_steps(instruction: Mapping[str, Any]) -> Instruction:
    """Answer the record with all six step lists; those it lacks are inferred (§5.5)."""
    settings = [f"settings.{name}" for name in _members(instruction, "settingsHandlers")]
    launchers = [f"launchers.{name}" for name in _members(instruction, "launchHandlers")]
    inferred = {
        "configure": settings,
        "restore": settings,
        "start": launchers,
        "stop": launchers,
        "update": _update(instruction),
        "isRunning": launchers,
    }
    return {**inferred, **instruction}


def blocks_to_run(
    running: Value | Absent, wanted: Value | Absent, *, restore: bool
) -> tuple[str, ...]:
    """Name the step lists to run, in order, for what is and what is wanted (§5.5).

    `wanted` is `active` at key-in and the recorded run state when restoring; ABSENT is unknown.
    """
    configure = "restore" if restore else "configure"
    if running is True:
        return ("stop", configure) if wanted is False else ("update",)
    return (configure, "start") if wanted is True else ("restore",)


def least_live(blocks: Iterable[Mapping[str, Any]]) -> str | Absent:
    """Give the lowest liveness among the blocks that declare one."""
    declared = {block.get("liveness") for block in blocks if isinstance(block.get("liveness"), str)}
    return next((rank for rank in LIVENESS if rank in declared), ABSENT)


def least_live_for(term: str, entries: Iterable[Mapping[str, Any]]) -> str | Absent:
    """Give the lowest liveness among the settings blocks that can honour a term (a URI)."""
    return least_live(
        block
        for entry in entries
        for _, block in settings_blocks(entry)
        if (term,) in _honoured(block)
    )


def armour(old: Mapping[str, Value | Absent]) -> dict[str, dict[str, Value]]:
    """Wrap old values for a snapshot: `ADD` with the value, `DELETE` where there was none."""
    return {
        name: {"type": "DELETE"} if value is ABSENT else {"type": "ADD", "value": value}
        for name, value in old.items()
    }


def bare(armoured: Mapping[str, Mapping[str, Any]]) -> dict[str, Value | Absent]:
    """Undo `armour`; what says neither counts as absent."""
    return {
        name: old["value"] if old.get("type") == "ADD" and "value" in old else ABSENT
        for name, old in armoured.items()
    }


def over_defaults(
    defaults: Mapping[str, Instruction], own: Mapping[str, Instruction]
) -> dict[str, Instruction]:
    """Lay a person's instructions over the computer's default ones (§5.7).

    Step lists of both are joined in order, since a block that only one of them writes is named in
    that one's lists only.
    """
    merged = {**defaults, **own}
    for solution in defaults.keys() & own.keys():
        below, above = defaults[solution], own[solution]
        together: Any = merge_members(below, above)
        joined = {
            name: _joined(below[name], above[name])
            for name in STEP_LISTS
            if isinstance(below.get(name), list) and isinstance(above.get(name), list)
        }
        merged[solution] = {**together, **joined}
    return merged


def _joined(below: list[Any], above: list[Any]) -> list[Any]:
    """Insert what only `below` has behind its predecessor there."""
    joined = list(above)
    at = 0
    for step in below:
        if step in joined:
            at = joined.index(step) + 1
        else:
            joined.insert(at, step)
            at += 1
    return joined


def _update(instruction: Mapping[str, Any]) -> list[str]:
    liveness = least_live(block for _, block in settings_blocks(instruction))
    if liveness is ABSENT:
        return []
    return ["configure"] if liveness == "live" else ["stop", "configure", "start"]


def _members(record: Mapping[str, Any], name: str) -> Iterator[str]:
    blocks = record.get(name)
    return iter(blocks if isinstance(blocks, dict) else ())


def _honoured(block: Mapping[str, Any]) -> set[elpath.Segments]:
    rules = block.get("capabilitiesTransformations", {})
    return {elpath.parse(path) for path in (*input_paths(rules), *texts(block.get("capabilities")))}
