"""The handler `gpii.settingsHandlers.JSONSettingsHandler`: settings are places in one JSON file.

`options.filename` names the file, `options.encoding` its encoding (default UTF-8). A setting's name
is a path into the document (`keyin.domain.elpath`). Everything else in the file stays as it is,
in its order; the file is written with four spaces of indentation (local-flow §6.2, §6.3).
A file that is no JSON, or that would lose something by being written anew, is never touched.
"""

from __future__ import annotations

import codecs
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from keyin.domain import elpath
from keyin.domain.absent import Absent
from keyin.domain.errors import HandlerFailed, InvalidDocument
from keyin.handlers.options import option_missing, text_option
from keyin.session.ports import Change

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keyin.domain.absent import Value
    from keyin.handlers.system import System
    from keyin.session.ports import Block

_INDENT: Final = 4
_ENCODINGS: Final = {
    "utf8": "utf-8",
    "utf-8": "utf-8",
    "utf16le": "utf-16-le",
    "utf-16le": "utf-16-le",
}
_MARK: Final = "\ufeff"  # the byte order mark, kept where the file has one


class JsonFileHandler:
    """Reads and writes places in a JSON file."""

    def __init__(self, system: System) -> None:
        self._system = system

    async def read(self, block: Block) -> Mapping[str, Value | Absent]:
        """See `SettingsHandler.read`."""
        file = await self._open(block)
        return {name: file.get(name) for name in block.settings}

    async def write(self, block: Block) -> list[Change]:
        """See `SettingsHandler.write`; a file that already says so is not written."""
        return await self._system.call(partial(self._write, block))

    def footprint(self, block: Block) -> tuple[Path, ...]:
        """Name the file."""
        return (_path(block),)

    async def foresee(self, block: Block) -> Mapping[Path, bytes]:
        """See `SettingsHandler.foresee`; empty where the file is not there and stays so."""
        file = await self._open(block)
        after = file.changed(block.settings).content()
        return {} if after is None else {_path(block): after}

    async def _open(self, block: Block) -> JsonFile:
        return await self._system.call(partial(self._read, block))

    def _read(self, block: Block) -> JsonFile:
        path = _path(block)
        return JsonFile.parse(path, self._system.files.read(path), encoding=_encoding(block))

    def _write(self, block: Block) -> list[Change]:
        before = self._read(block)
        after = before.changed(block.settings)
        content = after.content()
        if after is not before and content is not None:
            self._system.files.write(before.path, content)
        return [
            Change(setting=name, old=before.get(name), new=after.get(name))
            for name in block.settings
        ]


class JsonFile:
    """One JSON file's content: the document, and the bytes it came from while it is unchanged."""

    def __init__(
        self,
        path: Path,
        document: Value,
        *,
        encoding: str,
        mark: str = "",
        raw: bytes | None = None,
    ) -> None:
        self.path = path
        self._document = document
        self._encoding = encoding
        self._mark = mark
        self._raw = raw

    @classmethod
    def parse(cls, path: Path, raw: bytes | None, *, encoding: str) -> JsonFile:
        """Read a file's bytes; no file is an empty document. Raises HandlerFailed."""
        if raw is None:
            return cls(path, {}, encoding=encoding)
        try:
            text = raw.decode(encoding)
            mark = _MARK if text.startswith(_MARK) else ""
            document = _decode(text.removeprefix(_MARK))
            # Only what can be written again may be read: nothing is found out half-way.
            _encode(document).encode(encoding)
        except (ValueError, RecursionError) as exc:
            raise _malformed(path) from exc
        if not isinstance(document, dict | list):
            raise _malformed(path)
        return cls(path, document, encoding=encoding, mark=mark, raw=raw)

    def get(self, name: str) -> Value | Absent:
        """Return the value at a path."""
        return elpath.get(self._document, elpath.parse(name))

    def changed(self, settings: Mapping[str, Value | Absent]) -> JsonFile:
        """Return the file with these values; the same object where it already has them."""
        document: Value = self._document
        for name, value in settings.items():
            document = _put(self.path, document, name, value)
        if _encode(document) == _encode(self._document):
            return self
        return JsonFile(self.path, document, encoding=self._encoding, mark=self._mark)

    def content(self) -> bytes | None:
        """Return the file's bytes; None where there is no file. Raises HandlerFailed."""
        if self._raw is not None or self._document == {}:
            return self._raw
        try:
            return (self._mark + _encode(self._document)).encode(self._encoding)
        except (ValueError, RecursionError) as exc:
            raise HandlerFailed(
                "What should stand in the settings file %(path)s cannot be written as JSON.",
                next_step="Look at the preferences of this key for text that is damaged.",
                path=str(self.path),
            ) from exc


def _put(path: Path, document: Value, name: str, value: Value | Absent) -> Value:
    segments = elpath.parse(name)
    if isinstance(value, Absent):
        rest = elpath.remove(document, segments)
        return {} if isinstance(rest, Absent) else rest
    if not segments or _occupied(document, segments):
        raise _no_place(path, name)
    try:
        return elpath.put(document, segments, value)
    except InvalidDocument as exc:
        raise _no_place(path, name) from exc


def _occupied(document: Value, segments: Sequence[str]) -> bool:
    """Tell whether a plain value of the person's stands where an object would have to be."""
    above = (elpath.get(document, segments[:depth]) for depth in range(len(segments)))
    return any(not isinstance(value, dict | list | Absent) for value in above)


def _no_place(path: Path, name: str) -> HandlerFailed:
    return HandlerFailed(
        "The settings file %(path)s has no place for %(setting)s.",
        next_step="Compare the file with the solution's entry in the registry.",
        path=str(path),
        setting=name,
    )


def _decode(text: str) -> Value:
    document: Value = json.loads(
        text, object_pairs_hook=_object, parse_constant=_refuse, parse_float=_number
    )
    return document


def _encode(document: Value) -> str:
    return json.dumps(document, indent=_INDENT, ensure_ascii=False, allow_nan=False)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice: writing the file anew would lose one")
    return members


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _number(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError("a number too large to keep")
    return number


def _path(block: Block) -> Path:
    path = Path(text_option(block, "filename"))
    if not path.is_absolute():
        raise option_missing(block, "filename")
    return path


def _encoding(block: Block) -> str:
    wanted = block.options.get("encoding", "utf-8")
    name = _ENCODINGS.get(wanted.lower()) if isinstance(wanted, str) else None
    if name is None:
        raise option_missing(block, "encoding")
    return codecs.lookup(name).name


def _malformed(path: Path) -> HandlerFailed:
    return HandlerFailed(
        "The settings file %(path)s is not the JSON that it should be; it was left as it is.",
        next_step="Repair the file, or move it away so that its program makes a new one.",
        path=str(path),
    )
