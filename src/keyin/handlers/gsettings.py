"""The handler `gpii.gsettings`: `options.schema` names the schema, settings are its keys.

A key that the schema does not have, a schema that is not installed and a value that the key's type
or range refuses are left alone and not reported as changed; they fail nothing (local-flow §6.9).
`read` answers what the user set, ABSENT where the default holds, so that undoing resets the key.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from keyin.domain.absent import ABSENT, Absent
from keyin.handlers.options import text_option
from keyin.session.ports import Change

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from keyin.domain.absent import Value
    from keyin.handlers.system import GSettings, System
    from keyin.session.ports import Block


class GSettingsHandler:
    """Reads and writes keys of one schema."""

    def __init__(self, system: System) -> None:
        self._system = system

    async def read(self, block: Block) -> Mapping[str, Value | Absent]:
        """See `SettingsHandler.read`."""
        schema = text_option(block, "schema")
        gsettings = self._system.gsettings
        return await self._system.call(
            lambda: {key: gsettings.read(schema, key) for key in block.settings}
        )

    async def write(self, block: Block) -> list[Change]:
        """See `SettingsHandler.write`."""
        schema = text_option(block, "schema")
        work = partial(write_keys, self._system.gsettings, schema, block.settings)
        return await self._system.call(work)

    def footprint(self, block: Block) -> tuple[Path, ...]:  # noqa: ARG002 - the port's shape
        """Name nothing: the database's file is its own business."""
        return ()

    async def foresee(self, block: Block) -> Mapping[Path, bytes]:  # noqa: ARG002 - as above
        """Foresee no files."""
        return {}


def write_keys(
    gsettings: GSettings, schema: str, settings: Mapping[str, Value | Absent]
) -> list[Change]:
    """Write what the schema takes; return the changes of those keys, in the order given."""
    known = gsettings.keys(schema) or frozenset()
    taken: dict[str, Value | Absent] = {}
    for key, value in settings.items():
        if key not in known:
            continue
        fitting = value if isinstance(value, Absent) else gsettings.fit(schema, key, value)
        if fitting is not ABSENT or value is ABSENT:
            taken[key] = fitting
    old = {key: gsettings.read(schema, key) for key in taken}
    gsettings.write(schema, {key: taken[key] for key in taken if _differs(taken[key], old[key])})
    return [Change(setting=key, old=old[key], new=new) for key, new in taken.items()]


def _differs(new: Value | Absent, old: Value | Absent) -> bool:
    return new != old or type(new) is not type(old)
