"""What the journal holds: enough to put everything back, and nothing that opens a door.

No GPII key, no token. What was *written* is kept as a digest, since undoing only has to recognise
it; what was there *before* is kept whole, since undoing has to give it back.
"""

from __future__ import annotations

import json
from typing import Any, NewType, TypeAlias

import msgspec

from keyin.domain.absent import ABSENT, Absent, Value

SessionId = NewType("SessionId", str)
"""`<milliseconds>-<random>`: sorts by age, says nothing about whose."""

Armoured: TypeAlias = str
"""A value as JSON text, which holds numbers of any size; the empty text is an absent value."""


def armoured(value: Value | Absent) -> Armoured:
    """Write a value down so that there may also be none."""
    return "" if isinstance(value, Absent) else json.dumps(value)


def bare(text: Armoured) -> Value | Absent:
    """Read what `armoured` wrote."""
    if not text:
        return ABSENT
    value: Value = json.loads(text)
    return value


class FileState(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it was. `content` is None where there was no file; the rest is then unused."""

    path: str
    content: bytes | None
    mode: int = 0
    uid: int = 0
    gid: int = 0
    accessed_ns: int = 0
    modified_ns: int = 0
    missing_parents: tuple[str, ...] = ()
    """Folders that did not exist either, innermost first."""


class Opened(msgspec.Struct, frozen=True, kw_only=True, tag_field="entry", tag=True):
    """A key-in began; `at` in milliseconds since 1970."""

    at: int


class Touched(msgspec.Struct, frozen=True, kw_only=True, tag_field="entry", tag=True):
    """A solution is about to be changed. `record`: its step lists and blocks, no settings."""

    solution: str
    record: dict[str, Any]


class FileKept(msgspec.Struct, frozen=True, kw_only=True, tag_field="entry", tag=True):
    """A file that is about to be written for the first time in this session."""

    state: FileState


class FileForeseen(msgspec.Struct, frozen=True, kw_only=True, tag_field="entry", tag=True):
    """The bytes that key-in leaves in a file, before (or, where it guessed wrong, after) it did."""

    path: str
    digest: str


class FileMixed(msgspec.Struct, frozen=True, kw_only=True, tag_field="entry", tag=True):
    """Somebody else changed the file during the session: from now on it is undone by value."""

    path: str


class Intended(msgspec.Struct, frozen=True, kw_only=True, tag_field="entry", tag=True):
    """A block that is about to be written; `block` is a step such as `settings.prefs`."""

    solution: str
    block: str
    type: str
    options: dict[str, Any]
    old: dict[str, Armoured]
    new: dict[str, str]
    """Fingerprints."""


class Settled(msgspec.Struct, frozen=True, kw_only=True, tag_field="entry", tag=True):
    """What the mechanism made of a written block where that differs from what was asked."""

    solution: str
    block: str
    new: dict[str, str]


class Undone(msgspec.Struct, frozen=True, kw_only=True, tag_field="entry", tag=True):
    """A solution is back as it was."""

    solution: str


Entry: TypeAlias = (
    Opened | Touched | FileKept | FileForeseen | FileMixed | Intended | Settled | Undone
)


class Unfinished(msgspec.Struct, frozen=True, kw_only=True):
    """A session whose journal was never closed."""

    session: SessionId
    entries: tuple[Entry, ...]
