"""The handler `gpii.settingsHandlers.noSettings`: takes everything, keeps nothing (§6.6).

For solutions that are only started and ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyin.domain.absent import ABSENT
from keyin.session.ports import Change

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from keyin.domain.absent import Absent, Value
    from keyin.session.ports import Block


class NoSettingsHandler:
    """Agrees to everything."""

    async def read(self, block: Block) -> Mapping[str, Value | Absent]:
        """Return ABSENT for every name."""
        return dict.fromkeys(block.settings, ABSENT)

    async def write(self, block: Block) -> list[Change]:
        """Report every value as new."""
        return [
            Change(setting=name, old=ABSENT, new=value) for name, value in block.settings.items()
        ]

    def footprint(self, block: Block) -> tuple[Path, ...]:  # noqa: ARG002 - the port's shape
        """Name no files."""
        return ()

    async def foresee(self, block: Block) -> Mapping[Path, bytes]:  # noqa: ARG002 - as above
        """Foresee no files."""
        return {}
