"""The launch handler `gpii.launchHandlers.flexibleHandler`: commands start and end a program.

Options `getState`, `setTrue`, `setFalse` hold one action or a list (`keyin.handlers.actions`); the
program runs when every `getState` action says so, or when what we started for the solution still
runs. Ending it ends first what we started, and only what then still runs gets `setFalse`: a
person's own browser is not closed because the key's page is (local-flow §6.7, §12 #20).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from keyin.domain.absent import ABSENT
from keyin.handlers import actions
from keyin.handlers.gsettings_launch import RUNNING
from keyin.session.ports import Change

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from keyin.domain.absent import Absent, Value
    from keyin.handlers.system import System
    from keyin.session.ports import Block


class FlexibleLaunchHandler:
    """Starts and ends programs by the registry's commands."""

    def __init__(self, system: System) -> None:
        self._system = system

    async def read(self, block: Block) -> Mapping[str, Value | Absent]:
        """See `SettingsHandler.read`; other settings than `running` are ABSENT."""
        state = await self._system.call(partial(self._runs, block))
        return {name: state if name == RUNNING else ABSENT for name in block.settings}

    async def write(self, block: Block) -> list[Change]:
        """See `SettingsHandler.write`; ABSENT ends the program."""
        if RUNNING not in block.settings:
            return []
        return await self._system.call(partial(self._write, block))

    def footprint(self, block: Block) -> tuple[Path, ...]:  # noqa: ARG002 - the port's shape
        """Name no files."""
        return ()

    async def foresee(self, block: Block) -> Mapping[Path, bytes]:  # noqa: ARG002 - as above
        """Foresee no files."""
        return {}

    def _runs(self, block: Block) -> bool:
        return self._system.processes.started(block.solution) or self._reported(block)

    def _reported(self, block: Block) -> bool:
        questions = actions.listed(block, "getState")
        processes = self._system.processes
        return bool(questions) and all(
            actions.holds(block.solution, question, processes) for question in questions
        )

    def _write(self, block: Block) -> list[Change]:
        old, wanted = self._runs(block), block.settings[RUNNING] is True
        if wanted and not old:
            self._start(block, "setTrue", mark=block.solution)
        elif old and not wanted:
            self._end(block)
        return [Change(setting=RUNNING, old=old, new=wanted)]

    def _start(self, block: Block, option: str, *, mark: str) -> None:
        for action in actions.listed(block, option):
            command = actions.command_of(block.solution, action)
            self._system.processes.start(command, mark=mark)

    def _end(self, block: Block) -> None:
        self._system.processes.stop(block.solution)
        if self._reported(block):
            self._start(block, "setFalse", mark=f"{block.solution} (ending)")
