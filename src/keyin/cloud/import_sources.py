"""What stands in the files that an import is given: GPII documents, preference sets, registries.

Reads, decodes, and says where each thing stood. A place never names a key: the file of a
preference set is called after one, so such files are counted in the order of their names.
"""

from __future__ import annotations

import re
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec
import pyjson5

from keyin.domain.errors import InvalidDocument, KeyinError
from keyin.domain.solutions import read_registry
from keyin.wire.documents import head
from keyin.wire.faults import fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

SafeKind = Literal["user", "snapset"]

_DESIGN: Final = "_design/"
_OS_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
_outline: Final = msgspec.json.Decoder(list[msgspec.Raw] | dict[str, msgspec.Raw])
_array: Final = msgspec.json.Decoder(list[msgspec.Raw])
_object: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_DEEPEST: Final = 64
"""Levels of a JSON5 file; the registries of the original have 12."""


class Place(msgspec.Struct, frozen=True):
    """The `number`th thing (from 1) in a file or folder; None: the file itself."""

    source: str
    number: int | None = None


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was left out, and why."""

    place: Place
    reason: KeyinError


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was taken in, and what in it cannot be what somebody meant."""

    place: Place
    reason: KeyinError


class Found(msgspec.Struct):
    """Everything in the files, before anybody judges it."""

    documents: list[tuple[Place, Any]] = msgspec.field(default_factory=list)
    """Not decoded where they stood in a large file: see `wire.documents.read_document`."""
    registries: dict[str, bytes] = msgspec.field(default_factory=dict)
    refusals: list[Refusal] = msgspec.field(default_factory=list)
    views: int = 0


@contextmanager
def refusing(refusals: list[Refusal], place: Place) -> Iterator[None]:
    """Leave out what is not in order, and note why, in words without its content."""
    try:
        yield
    except KeyinError as error:
        refusals.append(Refusal(place=place, reason=error))
    except UnicodeEncodeError:  # a file's name, or an unpaired surrogate
        reason = InvalidDocument("it holds a text that is no Unicode")
        refusals.append(Refusal(place=place, reason=reason))
    except OSError as error:
        why = error.strerror or type(error).__name__
        reason = InvalidDocument("it cannot be read: %(reason)s", reason=why)
        refusals.append(Refusal(place=place, reason=reason))


def read(paths: Sequence[Path], solutions: Sequence[Path], *, safe_kind: SafeKind) -> Found:
    """Read files and folders; what cannot be read is among the refusals."""
    found = Found()
    for path in paths:
        place = Place(str(path))
        with refusing(found.refusals, place):
            if path.is_dir():
                _read_folder(found, path, safe_kind)
            elif path.suffix == ".json5":
                _read_set(found, path, place, safe_kind)
            else:
                _read_documents(found, path)
    for path in solutions:
        with refusing(found.refusals, Place(str(path))):
            for file in _files(path, "*.json5") if path.is_dir() else [path]:
                with refusing(found.refusals, Place(str(file))):
                    _read_registry(found, file)
    return found


def _files(folder: Path, *patterns: str) -> list[Path]:
    files = sorted(file for pattern in patterns for file in folder.glob(pattern))
    if not files:
        raise InvalidDocument("the folder holds no %(what)s", what=" or ".join(patterns))
    return files


def _read_folder(found: Found, folder: Path, safe_kind: SafeKind) -> None:
    files = _files(folder, "*.json5", "*.json")
    for number, path in enumerate((file for file in files if file.suffix == ".json5"), 1):
        place = Place(str(folder / "*.json5"), number)
        with refusing(found.refusals, place):
            _read_set(found, path, place, safe_kind)
    for path in (file for file in files if file.suffix == ".json"):
        with refusing(found.refusals, Place(str(path))):
            _read_documents(found, path)


def _read_documents(found: Found, path: Path) -> None:
    content = path.read_bytes()
    try:
        outline = _outline.decode(content)
    except msgspec.ValidationError:  # JSON, but neither array nor object
        outline = {}
    except (ValueError, RecursionError) as error:
        raise fault(error) from error
    if isinstance(outline, dict):
        outline = [msgspec.Raw(content)] if "type" in outline else _listed(outline)
    for number, document in enumerate(outline, 1):
        id_, _ = head(document)
        if isinstance(id_, str) and id_.startswith(_DESIGN):
            found.views += 1
        else:
            found.documents.append((Place(str(path), number), document))


def _listed(outline: dict[str, msgspec.Raw]) -> list[msgspec.Raw]:
    """Return the documents of a bulk file, or of what CouchDB answers at `_all_docs`."""
    bulk, rows = outline.get("docs"), outline.get("rows")
    with suppress(msgspec.ValidationError):
        if bulk is not None:
            return _array.decode(bulk)
        if rows is not None:
            return [_document_of(row) for row in _array.decode(rows)]
    raise InvalidDocument(
        'it is no document, no array of them, no {"docs": [...]} and no {"rows": [...]}'
    )


def _document_of(row: msgspec.Raw) -> msgspec.Raw:
    """Return a row's document; a row that has none stands for itself, and is none."""
    with suppress(msgspec.ValidationError):
        return _object.decode(row).get("doc", row)
    return row


def _read_set(found: Found, path: Path, place: Place, safe_kind: SafeKind) -> None:
    """Make the two documents that the original's convertPrefs makes (cloud-wire §12)."""
    preferences = _read_json5(path)
    key, safe_id = path.stem, f"prefsSafe-{path.stem}"
    safe = {
        "_id": safe_id,
        "type": "prefsSafe",
        "prefsSafeType": safe_kind,
        "name": key,
        "preferences": preferences,
    }
    opens = {"_id": key, "type": "gpiiKey", "prefsSafeId": safe_id, "prefsSetId": "gpii-default"}
    found.documents += [(place, safe), (place, opens)]


def _read_registry(found: Found, path: Path) -> None:
    """Keep one operating system's registry; the order of its members stays, since it counts."""
    content = _read_json5(path)
    try:
        encoded = msgspec.json.encode(content)
        if msgspec.json.decode(encoded) != content:
            raise InvalidDocument("it holds a number that JSON does not have")
    except (ValueError, TypeError) as error:
        raise InvalidDocument("it holds a value that JSON does not have") from error
    if not _OS_ID.fullmatch(path.stem):
        raise InvalidDocument("its name is not that of an operating system")
    read_registry(path.stem, content)
    found.registries[path.stem] = encoded


def _read_json5(path: Path) -> dict[str, Any]:
    try:
        content = pyjson5.decode(path.read_bytes().decode("utf-8-sig"), _DEEPEST)
    except UnicodeDecodeError as error:
        raise InvalidDocument("it is no UTF-8 text") from error
    except (pyjson5.Json5Exception, ValueError) as error:
        raise InvalidDocument("it is no JSON5") from error
    if not isinstance(content, dict):
        raise InvalidDocument("it is JSON5, but no object")
    return content
