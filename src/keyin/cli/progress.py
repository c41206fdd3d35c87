"""How far a long job is, on stderr, for whoever waits: a line now and then, none of a short job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from keyin.cli.texts import _
from keyin.domain.errors import msgid

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyin.domain.environment import Clock

EVERY_S: Final = 2.0
KINDS: Final = {
    "clients": msgid("clients: %(done)s of %(of)s"),
    "credentials": msgid("credentials: %(done)s of %(of)s"),
    "safes": msgid("preferences: %(done)s of %(of)s"),
    "keys": msgid("keys: %(done)s of %(of)s"),
    "tokens": msgid("tokens: %(done)s of %(of)s"),
}


def _of_kind(kind: str, done: int, of: int) -> str:
    return _(KINDS[kind]) % {"done": done, "of": of}


class Progress:
    """Says how many of what are done."""

    def __init__(self, clock: Clock, text: Callable[[str, int, int], str] = _of_kind) -> None:
        self._clock = clock
        self._text = text
        self._said = clock.monotonic()

    def __call__(self, kind: str, done: int, of: int) -> None:
        """Say it, unless something was said a moment ago."""
        now = self._clock.monotonic()
        if now - self._said >= EVERY_S:
            self._said = now
            click.echo(self._text(kind, done, of), err=True)
