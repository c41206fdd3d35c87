"""Makes the computer what the instructions say, one solution after the other.

Stops at the first failure and leaves undoing to the caller. Blocks whose handler this computer
lacks are passed over and reported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keyin.domain.absent import ABSENT, Absent, Value
from keyin.domain.lifecycle import blocks_to_run
from keyin.session.records import Touched, armoured
from keyin.session.steps import (
    Step,
    handler_record,
    make_block,
    steps,
    wanted_settings,
    without_settings,
)
from keyin.session.world import Applied, Passed, World
from keyin.session.writing import write_block

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.session.ledger import Recorder
    from keyin.session.ports import Block, SettingsHandler

RUNNING = "running"


async def apply(world: World, instructions: Mapping[str, Any], recorder: Recorder) -> Applied:
    """Run the step lists of every solution. Raises HandlerFailed, InvalidDocument, ..."""
    applied = Applied()
    for solution, record in instructions.items():
        for step in await _steps_to_take(world, solution, record):
            await _take(world, solution, record, step, recorder=recorder, applied=applied)
    return applied


async def running_state(world: World, solution: str, record: Mapping[str, Any]) -> Value | Absent:
    """Ask the first `isRunning` step; ABSENT where nobody can tell."""
    for step in steps(record, "isRunning"):
        handler = None if step.action else handler_record(record, step.name)
        found = world.handlers.find(str(handler.get("type"))) if handler else None
        if handler is None or found is None:
            return ABSENT
        block = make_block(solution, handler, {RUNNING: ABSENT}, world.resolve)
        return (await found.read(block)).get(RUNNING, ABSENT)
    return ABSENT


async def _steps_to_take(world: World, solution: str, record: Mapping[str, Any]) -> list[Step]:
    running = await running_state(world, solution, record)
    lists = blocks_to_run(running, record.get("active", ABSENT), restore=False)
    return [step for step_list in lists for step in steps(record, step_list)]


async def _take(
    world: World,
    solution: str,
    record: Mapping[str, Any],
    step: Step,
    *,
    recorder: Recorder,
    applied: Applied,
) -> None:
    if step.action is not None:
        await act(world, solution, step, applied.passed)
        return
    found = _find(world, solution, record, step, applied)
    if found is None:
        return
    block, handler = found
    if solution not in recorder.ledger.solutions:
        await recorder.record(Touched(solution=solution, record=without_settings(record)))
    changes = await write_block(
        step.name, block, handler=handler, files=world.files, recorder=recorder
    )
    written = sum(armoured(change.old) != armoured(change.new) for change in changes)
    applied.settings[solution] = applied.settings.get(solution, 0) + written


def _find(
    world: World, solution: str, record: Mapping[str, Any], step: Step, applied: Applied
) -> tuple[Block, SettingsHandler] | None:
    """Return the block of a step and who takes it; None where there is neither."""
    described = None if step.action else handler_record(record, step.name)
    if described is None:
        return None
    handler = world.handlers.find(str(described.get("type")))
    if handler is None:
        passed = Passed(solution=solution, step=step.name, type=str(described.get("type")))
        if passed not in applied.passed:
            applied.passed.append(passed)
        return None
    settings: dict[str, Value | Absent] = (
        {RUNNING: step.within == "start"} if step.launcher else wanted_settings(described)
    )
    return make_block(solution, described, settings, world.resolve), handler


async def act(world: World, solution: str, step: Step, passed: list[Passed]) -> None:
    """Do a free action; nothing of it is undone. Raises HandlerFailed."""
    action = world.resolve(dict(step.action or {}))
    found = world.actions.find(str(action.get("type", "")))
    if found is None:
        passed.append(Passed(solution=solution, step="action", type=str(action.get("type", ""))))
        return
    await found.invoke(action)
