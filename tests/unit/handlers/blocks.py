"""Short ways to make the blocks that handlers take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyin.session.ports import Block

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from keyin.domain.absent import Absent, Value


def json_block(path: Path | str, settings: Mapping[str, Value | Absent], **options: Value) -> Block:
    """Make a block for the JSON file handler."""
    return Block(
        solution="a.reader",
        type="gpii.settingsHandlers.JSONSettingsHandler",
        options={"filename": str(path), **options},
        settings=settings,
    )


def gsettings_block(schema: str, settings: Mapping[str, Value | Absent]) -> Block:
    """Make a block for the GSettings handler."""
    return Block(
        solution="a.desktop", type="gpii.gsettings", options={"schema": schema}, settings=settings
    )


def switch_block(schema: str, key: str, *, running: Value | Absent) -> Block:
    """Make a block for the GSettings launch handler."""
    return Block(
        solution="a.switch",
        type="gpii.gsettings.launch",
        options={"schema": schema, "key": key},
        settings={"running": running},
    )


def launch_block(running: Value | Absent, **options: Value) -> Block:
    """Make a block for the flexible launch handler."""
    return Block(
        solution="a.program",
        type="gpii.launchHandlers.flexibleHandler",
        options=options,
        settings={"running": running},
    )
