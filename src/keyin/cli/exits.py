"""How an error leaves the command: a message, the next step, an exit code with a meaning."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import click
import msgspec

from keyin.cli.texts import _
from keyin.domain.errors import (
    CloudUnreachable,
    ConfigurationError,
    FlowManagerUnreachable,
    KeyinError,
    Refused,
    RequesterUnreachable,
    StoreUnavailable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

FAILED: Final = 1
CONFIGURATION: Final = 3
UNREACHABLE: Final = 4
REFUSED: Final = 5

_CODES: Final[tuple[tuple[type[KeyinError], int], ...]] = (
    (ConfigurationError, CONFIGURATION),
    (CloudUnreachable, UNREACHABLE),
    (RequesterUnreachable, UNREACHABLE),
    (FlowManagerUnreachable, UNREACHABLE),
    (StoreUnavailable, UNREACHABLE),
    (Refused, REFUSED),
)


def exit_code(error: KeyinError) -> int:
    """Return the exit code for an error; 2 is click's own, for wrong usage."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), FAILED)


def spoken(text: str, error: KeyinError) -> str:
    """Return a text of an error in the person's language, its places filled.

    A field may be a sentence itself (a reason), or an error with fields of its own; it is
    translated where the catalogue has it.
    """
    fields = {name: _field(value) for name, value in error.fields.items()}
    return _(text) % fields if fields else _(text)


def _field(value: object) -> object:
    if isinstance(value, KeyinError):
        return spoken(value.message, value)
    return _(value) if isinstance(value, str) else value


def complain(error: KeyinError) -> None:
    """Say on stderr what stands in the way, and what helps."""
    click.echo(_("keyin: %(message)s") % {"message": spoken(error.message, error)}, err=True)
    if error.next_step:
        step = spoken(error.next_step, error)
        click.echo(_("Next step: %(step)s") % {"step": step}, err=True)


@contextmanager
def errors_for_people(*, as_json: bool = False) -> Iterator[None]:
    """Turn our errors into text (or one JSON object) on stderr and leave with their exit code."""
    try:
        yield
    except KeyinError as error:
        if as_json:
            message, next_step = spoken(error.message, error), spoken(error.next_step, error)
            body = {"error": error.code, "message": message, "next_step": next_step}
            click.echo(msgspec.json.encode(body).decode(), err=True)
        else:
            complain(error)
        raise SystemExit(exit_code(error)) from error
