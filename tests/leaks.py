"""Looks for marked texts wherever a process leaves something: output, files, argv, environment.

A text is also found where it stands in another writing: JSON, URL, base64 at any offset,
hexadecimal, UTF-16.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from io import FileIO

CHUNK = 1 << 22


def writings(text: str) -> list[bytes]:
    """Return the ways in which a text may stand in a file."""
    raw = text.encode()
    forms = {raw, quote(text, safe="").encode(), json.dumps(text)[1:-1].encode()}
    forms |= {raw.hex().encode(), raw.hex().upper().encode(), text.encode("utf-16-le")}
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for offset in range(3):
            # only the characters that the text alone decides, whatever stands around it
            whole = encode(b"\0" * offset + raw)
            forms.add(whole[(offset * 8 + 5) // 6 : (offset + len(raw)) * 8 // 6])
    return sorted(forms)


def found(marks: Iterable[str], content: bytes) -> set[str]:
    """Return the marks that the content holds."""
    return {text for text in marks if any(form in content for form in writings(text))}


def found_in_files(
    marks: Collection[str], folder: Path, *, but: Collection[Path] = ()
) -> dict[str, set[Path]]:
    """Return where below a folder each mark is found: in files' content or in their names."""
    places: dict[str, set[Path]] = {}
    for path in folder.rglob("*"):
        content = path.read_bytes() if path.is_file() and path not in but else b""
        for text in found(marks, str(path.relative_to(folder)).encode() + b"\0" + content):
            places.setdefault(text, set()).add(path)
    return places


def told_by_proc(pid: int) -> bytes:
    """Return what the kernel tells of a process: arguments, environment, names."""
    place = Path(f"/proc/{pid}")
    threads = [thread / "comm" for thread in (place / "task").iterdir()]
    files = [place / "cmdline", place / "environ", *threads]
    return b"\0".join(path.read_bytes() for path in files)


def memory(pid: int) -> Iterator[bytes]:
    """Yield everything that a process can write to in its memory; neighbours overlap a little.

    Raises PermissionError where the kernel lets nobody look.
    """
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as mem:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights, *_ = line.split()
            if not rights.startswith("rw"):
                continue
            begin, end = (int(bound, 16) for bound in span.split("-"))
            yield from _region(mem, begin, end)


def _region(mem: FileIO, begin: int, end: int) -> Iterator[bytes]:
    tail = b""
    for place in range(begin, end, CHUNK):
        mem.seek(place)
        try:
            data = mem.read(min(CHUNK, end - place))
        except OSError:  # a page that is gone, or one of a device
            tail = b""
            continue
        yield tail + data
        tail = data[-4096:]


def found_in_memory(marks: Collection[str], pid: int) -> set[str]:
    """Return the marks that stand in a process's memory as plain text."""
    plain = {text: text.encode() for text in marks}
    return {text for part in memory(pid) for text, raw in plain.items() if raw in part}
