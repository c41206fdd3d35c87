"""Writes the cloud's address into the access requester's configuration, and nothing else.

An administrator does this, and the requester reads it: so no op of its socket has to name a cloud
(P67). Every other line of the file stays as it is.
"""

from __future__ import annotations

import re
import stat
import tomllib
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from keyin.domain.errors import ConfigurationError
from keyin.remote.cloud_http import cloud_address
from keyin.stores.private_files import replace

if TYPE_CHECKING:
    from pathlib import Path

_EVERYBODY_READS: Final = 0o644
_KEY: Final = re.compile(r"^[ \t]*cloud[ \t]*=.*$", re.MULTILINE)
_TABLE: Final = re.compile(r"^[ \t]*\[", re.MULTILINE)


def point_at(path: Path, cloud: str) -> bytes | None:
    """Name the cloud in the file, which is made if there is none.

    Returns what stood there before where that named another cloud. Raises ConfigurationError.
    """
    cloud_address(cloud)
    before = _read(path)
    text = before if before is not None else _example()
    try:
        named = tomllib.loads(text).get("cloud")
        changed = _with_cloud(text, cloud)
        meant = tomllib.loads(changed).get("cloud") == cloud
    except tomllib.TOMLDecodeError:
        named, changed, meant = None, "", False
    if not meant:
        raise ConfigurationError(
            "the configuration %(path)s cannot be changed by a program",
            next_step="write the cloud's address there by hand, as `cloud`",
            path=str(path),
        )
    if before is None or named != cloud:
        write(path, changed.encode())
    return None if before is None or named in {None, cloud} else before.encode()


def write(path: Path, content: bytes) -> None:
    """Put the file there, durably, with the owner and mode it had. Raises ConfigurationError."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else _EVERYBODY_READS
        replace(path, content, mode=mode)
    except OSError as exc:
        raise ConfigurationError(
            "%(path)s cannot be written: %(reason)s",
            next_step="run this as an administrator: sudo",
            path=str(path),
            reason=exc.strerror,
        ) from exc


def _with_cloud(text: str, cloud: str) -> str:
    line = f'cloud = "{cloud}"'
    table = _TABLE.search(text)
    top = text[: table.start()] if table else text
    rest = text[table.start() :] if table else ""
    if _KEY.search(top):
        return _KEY.sub(lambda _: line, top, count=1) + rest
    return f"{line}\n{text}"


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigurationError(
            "the configuration %(path)s cannot be read: %(reason)s",
            next_step="name the file with --config",
            path=str(path),
            reason=getattr(exc, "strerror", None) or "not text",
        ) from exc


def _example() -> str:
    return (files("keyin") / "data" / "config" / "requester.toml").read_text(encoding="utf-8")
