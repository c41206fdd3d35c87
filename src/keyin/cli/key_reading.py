"""Reading a key from wherever it may be, but never from an argument: those can be seen by all."""

from __future__ import annotations

import getpass
import sys
import warnings
from typing import TYPE_CHECKING, Final

import click

from keyin.cli.texts import _
from keyin.domain.errors import ConfigurationError
from keyin.domain.secret import GpiiKey, Pin

if TYPE_CHECKING:
    from pathlib import Path

_LONGEST_KEY: Final = 1024
_LONGEST_PIN: Final = 64
_MOST_BYTES: Final = 4 * _LONGEST_KEY + 8


def only_a_dash(_context: object, _parameter: object, value: str | None) -> str | None:
    """Refuse anything else without repeating it: it may well be a key."""
    if value not in (None, "-"):
        raise click.UsageError(
            _(
                "a key is never given on the command line, where all can see it: "
                "give it with --key-file or, with -, on standard input; or give none and be asked"
            )
        )
    return value


def read_key(source: str | None, key_file: Path | None) -> GpiiKey:
    """Return the key: of a file, of standard input (`-`), or typed unseen. ConfigurationError."""
    if key_file is not None:
        text = _read_file(key_file)
    elif source == "-":
        text = _decoded(sys.stdin.buffer.read(_MOST_BYTES))
    else:
        text = ask_unseen(_("Your key"))
    text = text.strip().removeprefix("\ufeff")
    if len(text) > _LONGEST_KEY or len(text.splitlines()) != 1:
        raise ConfigurationError(
            "there is no key",
            next_step="a key is one line of text, as your card or token holds it",
        )
    return GpiiKey(text)


def read_pin(pin_file: Path | None, *, ask: bool) -> Pin | None:
    """Return the PIN of a file, or typed unseen; None if there is none. ConfigurationError."""
    if pin_file is not None:
        text = _read_file(pin_file)
    elif ask:
        text = ask_unseen(_("The PIN"))
    else:
        return None
    text = text.strip()
    if not 0 < len(text) <= _LONGEST_PIN or len(text.splitlines()) != 1:
        raise ConfigurationError(
            "there is no PIN",
            next_step="a PIN is one line of text, as whoever made the key gave it",
        )
    return Pin(text)


def _decoded(content: bytes) -> str:
    """Return the text, or none: what is no text is no key, and is not repeated."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return ""


def ask_unseen(prompt: str) -> str:
    """Return what a person types where nobody sees it. Raises ConfigurationError."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            text: str = click.prompt(prompt, hide_input=True, err=True)
        except getpass.GetPassWarning:  # whoever looks over the shoulder would read it
            raise ConfigurationError(
                "there is no terminal at which a key can be typed unseen",
                next_step="give the key with `keyin login -` or --key-file",
            ) from None
    return _decoded(text.encode(errors="surrogateescape"))


def _read_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return _decoded(file.read(_MOST_BYTES))
    except OSError as exc:
        raise ConfigurationError(
            "the key file %(path)s cannot be read",
            next_step="name a text file that holds the key, with --key-file",
            path=str(path),
        ) from exc
