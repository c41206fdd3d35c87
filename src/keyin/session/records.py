"""What the journal holds: enough to put everything back, and nothing that opens a door.

No GPII key, no token. What was *written* is kept as a digest, since undoing only has to recognise
it; what was there *before* is kept whole, since undoing has to give it back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NewType, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keyin.domain.absent import Absent, Value
    from keyin.domain.environment import Millis

SessionId = NewType("SessionId", str)
"""A random name of one key-in; says nothing about whose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileState:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A key-in began."""

    at: Millis


@dataclass(frozen=True, slots=True, kw_only=True)
class FileKept:
    """A file that is about to be written for the first time in this session."""

    state: FileState


@dataclass(frozen=True, slots=True, kw_only=True)
class FileForeseen:
    """The bytes that key-in leaves in a file, before (or, where it guessed wrong, after) it did."""

    path: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMixed:
    """Somebody else changed the file during the session: from now on it is undone by value."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Intended:
    """A block that is about to be written: old values whole, new values as fingerprints."""

    solution: str
    block: str
    type: str
    launcher: bool
    options: Mapping[str, Value]
    old: Mapping[str, Value | Absent]
    new: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What the mechanism made of a written block where that differs from what was asked."""

    solution: str
    block: str
    new: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A step of the restoration that did not work; the session stays open."""

    solution: str
    block: str


Entry: TypeAlias = Opened | FileKept | FileForeseen | FileMixed | Intended | Settled | Failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """A session whose journal was never closed."""

    session: SessionId
    entries: Sequence[Entry]
