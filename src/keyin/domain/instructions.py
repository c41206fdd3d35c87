"""From an inferred configuration to what each settings handler shall write (local-flow §4.7).

An instruction is the solution's registry entry without `contexts`, with `active` and with
`settings` in its blocks; blocks with nothing to write, and steps that name them, are gone. The
entries are not changed. Nothing runs here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from keyin.domain import elpath
from keyin.domain.errors import InvalidDocument
from keyin.domain.merge import merge_members
from keyin.domain.ontology import COMMON, application
from keyin.domain.solutions import settings_blocks, texts
from keyin.domain.transforms import input_paths, transform

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keyin.domain.absent import Value

Instruction: TypeAlias = dict[str, Any]
OnInvalid: TypeAlias = "Callable[[str, str, InvalidDocument], None]"
"""Told the solution, the block and the reason, where a rule cannot be run."""

_NAMING_BLOCKS: Final = ("update", "configure", "restore")


def _ignore(_solution: str, _block: str, _why: InvalidDocument) -> None:
    """Tell nobody."""


def instructions(
    configuration: Mapping[str, Any],
    entries: Mapping[str, Any],
    *,
    on_invalid: OnInvalid = _ignore,
) -> dict[str, Instruction]:
    """Make the instructions for one preference set, by solution, in the order of the inference.

    `entries` are registry entries. A solution without one is left out; a transform that
    cannot be run yields nothing and is told, what the person set for the application itself stays.
    """
    made: dict[str, Instruction] = {}
    for solution, chosen in _object(configuration.get("applications")).items():
        entry = entries.get(solution)
        if isinstance(entry, dict) and isinstance(chosen, dict):
            made[solution] = _instruction(solution, entry, chosen, on_invalid)
    return made


def _instruction(
    solution: str, entry: dict[str, Any], chosen: dict[str, Any], on_invalid: OnInvalid
) -> Instruction:
    settings = _object(chosen.get("settings"))
    made = {name: value for name, value in entry.items() if name != "contexts"}
    made["active"] = chosen.get("active", True)
    blocks = {
        name: {**block, "settings": wanted}
        for name, block in settings_blocks(entry)
        if (wanted := _block(solution, name, block, settings, on_invalid))
    }
    _put_blocks(made, blocks)
    launchers = _object(entry.get("launchHandlers"))
    if launchers:
        running = _running(settings)
        made["launchHandlers"] = {
            name: {**launcher, "settings": {"running": running}}
            for name, launcher in launchers.items()
            if isinstance(launcher, dict)
        }
    return made


def _put_blocks(made: Instruction, blocks: dict[str, Any]) -> None:
    """Put the blocks that have something to write; take away the steps that name the others."""
    if "settingsHandlers" not in made:
        return
    gone = {f"settings.{name}" for name in _object(made["settingsHandlers"]) if name not in blocks}
    for name in _NAMING_BLOCKS:
        steps = made.get(name)
        if isinstance(steps, list):
            made[name] = [step for step in steps if not isinstance(step, str) or step not in gone]
    if blocks:
        made["settingsHandlers"] = blocks
    else:
        del made["settingsHandlers"]


def _block(
    solution: str,
    name: str,
    block: dict[str, Any],
    settings: dict[str, Any],
    on_invalid: OnInvalid,
) -> dict[str, Any]:
    """Work out what a block shall write: the person's own words win over what rules say."""
    own = _object(settings.get(application(solution)))
    supported = block.get("supportedSettings")
    named = {n: v for n, v in own.items() if not isinstance(supported, dict) or n in supported}
    scoped = {n: v for n, v in own.items() if n.startswith(COMMON)}
    rules = block.get("capabilitiesTransformations")

    def tell(why: InvalidDocument) -> None:
        on_invalid(solution, name, why)

    wanted: Any = {}
    try:
        if rules and _is_demanded(block, rules, settings, solution):
            wanted = transform(rules, settings, on_invalid=tell)
            if scoped:
                wanted = merge_members(wanted, transform(rules, scoped, on_invalid=tell))
    except InvalidDocument as exc:
        tell(exc)
        wanted = {}
    return _object(merge_members(_object(wanted), named))


def _is_demanded(
    block: dict[str, Any], rules: Value, settings: dict[str, Any], solution: str
) -> bool:
    """Tell whether the block honours anything that is set: only then are its rules run."""
    uri = application(solution)
    demanded = {(name,) for name in settings} | {
        (name,) if name.startswith(COMMON) else (uri, name) for name in _object(settings.get(uri))
    }
    paths = (*input_paths(rules), *texts(block.get("capabilities")))
    return any(elpath.parse(path) in demanded for path in paths)


def _running(settings: dict[str, Any]) -> Any:  # noqa: ANN401 - people store anything
    """Say whether to run, as the original does: by the last setting there is."""
    running: Any = True
    for name, value in settings.items():
        running = value if name.endswith("/enabled") else True
    return running


def _object(value: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    return value if isinstance(value, dict) else {}
