"""What a library found wrong with a document or a configuration, in texts of our catalogue.

What msgspec and tomllib say is English, and may quote a value, which may be a secret. Their kinds
of findings, and the names and places in them, are told here; a value never is.
"""

from __future__ import annotations

import re
import tomllib
from functools import reduce
from typing import Final

import msgspec

from keyin.domain.errors import InvalidDocument, KeyinError, msgid

_SOMETHING: Final = msgid("something else")
_KINDS: Final = {
    "int": msgid("a whole number"),
    "float": msgid("a number"),
    "str": msgid("a text"),
    "bool": msgid("true or false"),
    "array": msgid("a list"),
    "object": msgid("a table"),
    "null": msgid("nothing"),
    "datetime": msgid("a date or time"),
    "date": msgid("a date or time"),
    "time": msgid("a date or time"),
}
_BOUND: Final = re.compile(r"Expected `(?:int|float)` (>=|<=) (\S+)")


def fault(error: Exception) -> InvalidDocument:
    """Return what a decoder's error says, as a field of an error of ours."""
    if isinstance(error, msgspec.ValidationError):
        return _of_shape(str(error))
    if isinstance(error, tomllib.TOMLDecodeError):
        return _of_toml(str(error))
    if isinstance(error, UnicodeDecodeError):
        return InvalidDocument("it is no UTF-8 text")
    if isinstance(error, msgspec.DecodeError | RecursionError):
        return _of_json(str(error))
    return InvalidDocument("it cannot be understood")


def _of_toml(said: str) -> InvalidDocument:
    line = re.search(r"\(at line (\d+)", said)
    if line is None:
        return InvalidDocument("it is no proper TOML: it ends too early")
    return InvalidDocument("it is no proper TOML at line %(line)s", line=line[1])


def _of_json(said: str) -> InvalidDocument:
    byte = re.search(r"\(byte (\d+)\)$", said)
    if byte is None:
        return InvalidDocument("it is no JSON")
    return InvalidDocument("it is no proper JSON at byte %(byte)s", byte=byte[1])


def _of_shape(said: str) -> InvalidDocument:
    """Read `Expected `int`, got `str` - at `$.limits.burst`` and its kind."""
    finding, _, at = said.rpartition(" - at `") if " - at `" in said else (said, "", "")
    place = at.rpartition("$")[2].strip("`.")
    named = re.findall("`([^`]*)`", finding)
    if named and finding.startswith("Object contains unknown field"):
        return InvalidDocument("unknown key: %(name)s", name=_within(place, named[0]))
    if named and finding.startswith("Object missing required field"):
        return InvalidDocument("missing key: %(name)s", name=_within(place, named[0]))
    where = _within(place) if place else msgid("the whole")
    if len(named) == 2 and ", got `" in finding:  # noqa: PLR2004 - wanted and found
        wanted, found = map(_kind, named)
        return InvalidDocument(
            "%(place)s must be %(wanted)s, not %(found)s", place=where, wanted=wanted, found=found
        )
    if bound := _BOUND.fullmatch(finding):
        return _beyond(where, *bound.groups())
    return InvalidDocument("%(place)s has a value that is not allowed there", place=where)


def _beyond(where: str, sign: str, bound: str) -> InvalidDocument:
    if sign == ">=":
        return InvalidDocument("%(place)s must be at least %(bound)s", place=where, bound=bound)
    return InvalidDocument("%(place)s must be at most %(bound)s", place=where, bound=bound)


def _within(*names: str) -> str:
    """Return the name with its table; quoted, so that it is no word that is translated."""
    return f"`{'.'.join(name for name in names if name)}`"


def _kind(names: str) -> str | KeyinError:
    """Return `int | str` as words."""
    words: list[str | KeyinError] = [_KINDS.get(name, _SOMETHING) for name in names.split(" | ")]
    return reduce(
        lambda one, other: InvalidDocument("%(one)s or %(other)s", one=one, other=other), words
    )
