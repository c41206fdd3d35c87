"""Puts back what a session changed, from nothing but its ledger.

A file that is still as key-in left it becomes what it was, to the byte. Everything else is undone
by value: only where the value is still the one that key-in wrote. A step that fails is reported
and the rest goes on; doing it all again does no harm, so a restart simply begins anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from keyin.domain.absent import ABSENT, Absent, Value
from keyin.domain.errors import HandlerFailed
from keyin.domain.lifecycle import blocks_to_run
from keyin.session.applying import RUNNING, act, running_state
from keyin.session.ports import Block
from keyin.session.records import Undone
from keyin.session.steps import Step, handler_record, make_block, steps
from keyin.session.world import Restored, Stuck, World

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from keyin.session.ledger import ChangedBlock, ChangedFile, ChangedSolution, Recorder
    from keyin.session.ports import SettingsHandler


class Restoration:
    """One attempt at putting a session back."""

    def __init__(self, world: World, recorder: Recorder) -> None:
        self._world = world
        self._recorder = recorder
        self._ledger = recorder.ledger
        self._result = Restored()

    async def run(self) -> Restored:
        """Put everything back; the journal is closed only if nothing is stuck."""
        order = list(self._ledger.solutions.items())
        for solution, changed in order:
            await self._attempt(solution, "steps", self._solution(solution, changed))
        for kept in self._ledger.files.values():
            await self._attempt("", kept.state.path, self._file(kept))
        # Where two blocks wrote the same setting, the first one's old value is the true one.
        for solution, changed in reversed(order):
            for name, block in reversed(changed.blocks.items()):
                if Stuck(solution=solution, step=name) not in self._result.stuck:
                    await self._attempt(solution, name, self._block(solution, block))
        await self._finish([solution for solution, _ in order])
        return self._result

    async def _finish(self, solutions: list[str]) -> None:
        if not self._result.stuck:
            await self._recorder.close()
        else:
            stuck = {item.solution for item in self._result.stuck}
            whole = [solution for solution in solutions if solution not in stuck | {""}]
            if "" not in stuck:
                await self._recorder.record(*(Undone(solution=solution) for solution in whole))
        self._result.solutions = solutions

    async def _attempt(self, solution: str, step: str, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception:  # noqa: BLE001 - whatever failed, the rest must still be put back
            self._result.stuck.append(Stuck(solution=solution, step=step))

    async def _solution(self, solution: str, changed: ChangedSolution) -> None:
        record = changed.record
        running = await running_state(self._world, solution, record)
        lists = blocks_to_run(running, _running_before(changed), restore=True)
        for step in (step for name in lists for step in steps(record, name)):
            await self._attempt(solution, step.name, self._step(solution, changed, step))

    async def _step(self, solution: str, changed: ChangedSolution, step: Step) -> None:
        block = changed.blocks.get(step.name)
        if step.action is not None:
            await act(self._world, solution, step, [])
        elif step.launcher:
            await self._launch(solution, changed, step)
        elif block is not None:
            await self._files_of(block, solution)
            await self._block(solution, block)

    async def _launch(self, solution: str, changed: ChangedSolution, step: Step) -> None:
        described = handler_record(changed.record, step.name)
        handler = self._world.handlers.find(str(described.get("type"))) if described else None
        if described is None or handler is None:
            return
        running: Value | Absent = step.within == "start"
        before = changed.blocks.get(step.name)
        if not running and before is not None and before.old.get(RUNNING) is ABSENT:
            running = ABSENT
        block = make_block(solution, described, {RUNNING: running}, self._world.resolve)
        await handler.write(block)

    async def _files_of(self, changed: ChangedBlock, solution: str) -> None:
        handler = self._handler(changed.type)
        for path in handler.footprint(block_of(solution, changed, changed.old)):
            kept = self._ledger.files.get(str(path))
            if kept is not None:
                await self._file(kept)

    def _handler(self, type_name: str) -> SettingsHandler:
        handler = self._world.handlers.find(type_name)
        if handler is None:  # it wrote this once: not to find it now is no reason to forget
            raise HandlerFailed("nothing on this computer takes the type %(type)s", type=type_name)
        return handler

    async def _file(self, kept: ChangedFile) -> None:
        path = Path(kept.state.path)
        await self._world.files.tidy(path)
        if not kept.mixed and await self._world.files.digest(path) in kept.ours:
            await self._world.files.restore(kept.state)

    async def _block(self, solution: str, changed: ChangedBlock) -> None:
        """Undo by value: what is no longer ours stays the person's."""
        handler = self._handler(changed.type)
        now = await handler.read(block_of(solution, changed, changed.old))
        old = {
            name: before
            for name, before in changed.old.items()
            if self._ledger.is_ours(now.get(name, ABSENT), changed.new.get(name, set()))
        }
        if any(now.get(name, ABSENT) != before for name, before in old.items()):
            await handler.write(block_of(solution, changed, old))


def block_of(solution: str, changed: ChangedBlock, settings: dict[str, Value | Absent]) -> Block:
    """Return a changed block with these values."""
    return Block(solution=solution, type=changed.type, options=changed.options, settings=settings)


def _running_before(changed: ChangedSolution) -> Value | Absent:
    """Return the run state that the first launcher had; one that nobody had set did not run."""
    for name, block in changed.blocks.items():
        if name.startswith("launchers."):
            before = block.old.get(RUNNING, ABSENT)
            return False if before is ABSENT else before
    return ABSENT
