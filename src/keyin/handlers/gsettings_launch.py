"""The launch handler `gpii.gsettings.launch`: `running` is a boolean key of a schema.

`options.schema` and `options.key` name it. GNOME's own session starts and ends the program.
`read` answers ABSENT while nobody has set the key, so that undoing resets it: to the life cycle
that is "not known to run", which it takes as not running.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from keyin.domain.absent import ABSENT
from keyin.handlers.gsettings import write_keys
from keyin.handlers.options import text_option
from keyin.session.ports import Change

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from keyin.domain.absent import Absent, Value
    from keyin.handlers.system import System
    from keyin.session.ports import Block

RUNNING: Final = "running"


class GSettingsLaunchHandler:
    """Starts and ends what a boolean key of the desktop stands for."""

    def __init__(self, system: System) -> None:
        self._system = system

    async def read(self, block: Block) -> Mapping[str, Value | Absent]:
        """See `SettingsHandler.read`; other settings than `running` are ABSENT."""
        schema, key = text_option(block, "schema"), text_option(block, "key")
        state = await self._system.call(partial(self._system.gsettings.read, schema, key))
        return {name: state if name == RUNNING else ABSENT for name in block.settings}

    async def write(self, block: Block) -> list[Change]:
        """See `SettingsHandler.write`."""
        schema, key = text_option(block, "schema"), text_option(block, "key")
        if RUNNING not in block.settings:
            return []
        wanted = {key: block.settings[RUNNING]}
        work = partial(write_keys, self._system.gsettings, schema, wanted)
        changes = await self._system.call(work)
        return [Change(setting=RUNNING, old=change.old, new=change.new) for change in changes]

    def footprint(self, block: Block) -> tuple[Path, ...]:  # noqa: ARG002 - the port's shape
        """Name nothing: the database's file is its own business."""
        return ()

    async def foresee(self, block: Block) -> Mapping[Path, bytes]:  # noqa: ARG002 - as above
        """Foresee no files."""
        return {}
