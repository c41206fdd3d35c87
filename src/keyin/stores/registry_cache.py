"""Solutions registries that the cloud sent before, by the digest of their text.

A registry says nothing of a person; but what is in it decides which settings are changed, so that
each is believed only if its bytes still have the digest that it goes by. A cache that cannot be
used is an empty one: nothing here raises.
"""

from __future__ import annotations

import asyncio
import os
import re
import stat
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import structlog

from keyin.domain.secret import equal
from keyin.stores.private_files import open_no_link, replace

if TYPE_CHECKING:
    from pathlib import Path

MOST: Final = 8
"""Registries that are kept; a computer needs one, and one more while it changes."""
LARGEST: Final = 8 * 1024 * 1024  # bytes of one registry
_NAME: Final = re.compile(r"[0-9a-f]{64}")
_log = structlog.get_logger()


class RegistryCache:
    """One folder of our own, mode 0700; nothing is made before there is something to keep."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def find(self, digest: str) -> bytes | None:
        """Return the registry of this digest, None where there is no such (any more)."""
        return await asyncio.to_thread(self._find, digest)

    async def keep(self, digest: str, content: bytes) -> None:
        """Keep a registry; the one that was used longest ago makes room."""
        await asyncio.to_thread(self._keep, digest, content)

    def _find(self, digest: str) -> bytes | None:
        path = self._path(digest)
        try:
            with open_no_link(path) as file:
                content = file.read(LARGEST)  # of a longer one the digest is another
            if equal(sha256(content).hexdigest(), digest):
                os.utime(path, follow_symlinks=False)
                return content
            path.unlink(missing_ok=True)
            _log.warning("registry_cache_spoilt")
        except FileNotFoundError:
            pass
        except OSError as error:
            _log.warning("registry_cache_unusable", reason=error.strerror)
        return None

    def _keep(self, digest: str, content: bytes) -> None:
        if len(content) > LARGEST:
            return
        path = self._path(digest)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if stat.S_IMODE(self._folder.stat().st_mode) != stat.S_IRWXU:
                self._folder.chmod(stat.S_IRWXU)
            replace(path, content, durable=False)  # after a power cut its digest tells
            self._make_room()
        except OSError as error:
            _log.warning("registry_cache_unusable", reason=error.strerror)

    def _make_room(self) -> None:
        """Remove what is oldest, be it a registry or the draft of one that a crash left."""
        ours = sorted(self._folder.iterdir(), key=lambda path: path.lstat().st_mtime_ns)
        for path in ours[:-MOST]:
            path.unlink(missing_ok=True)

    def _path(self, digest: str) -> Path:
        if not _NAME.fullmatch(digest):
            raise ValueError("a digest has 64 hexadecimal digits")
        return self._folder / digest
