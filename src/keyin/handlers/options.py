"""Reads the options of a handler block; a registry's mistake is named, with its solution."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyin.domain.errors import HandlerFailed

if TYPE_CHECKING:
    from keyin.session.ports import Block


def text_option(block: Block, name: str) -> str:
    """Return a text that the handler cannot do without. Raises HandlerFailed."""
    value = block.options.get(name)
    if isinstance(value, str) and value:
        return value
    raise option_missing(block, name)


def option_missing(block: Block, name: str) -> HandlerFailed:
    """Return the failure for an option that is not there or has the wrong shape."""
    return HandlerFailed(
        "The solution %(solution)s does not say %(option)s, which %(type)s needs.",
        next_step="Correct its entry in the solutions registry.",
        solution=block.solution,
        option=name,
        type=block.type,
    )
