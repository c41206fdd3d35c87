"""This computer's identity on disk: the one in use, a new one that is not proven yet, a mark.

Beside the credential lie `NAME.asking`, `NAME.coming` and `NAME.sealed`, as private as itself. Each
is written as a whole and durable, and a new identity takes the old one's place by one rename: a
crash leaves the one or the other (P85). What is asked with lies there before the cloud hears of it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.errors import ConfigurationError
from keyin.stores.credential_file import check_place, read_file, whole_content
from keyin.stores.private_files import replace, sync_folder

if TYPE_CHECKING:
    from pathlib import Path

    from keyin.stores.credential_file import CredentialFile

_ASKING: Final = ".asking"
_COMING: Final = ".coming"
_SEALED: Final = ".sealed"


class Mark(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Says that this computer was prepared for imaging."""

    boot: str
    """Which start of the computer it was done in."""


class IdentityFiles(msgspec.Struct, frozen=True):
    """The files beside `credential`, and that one."""

    credential: Path

    @property
    def _asking(self) -> Path:
        return self.credential.with_name(self.credential.name + _ASKING)

    @property
    def _coming(self) -> Path:
        return self.credential.with_name(self.credential.name + _COMING)

    @property
    def _sealed(self) -> Path:
        return self.credential.with_name(self.credential.name + _SEALED)

    def held(self) -> CredentialFile | None:
        """Return the identity in use. Raises ConfigurationError where it is not safe."""
        return _read(self.credential)

    def coming(self) -> CredentialFile | None:
        """Return the identity that is not proven yet; None if there is none of any use."""
        found = _read(self._coming)
        return found if found and found.client_id and found.registered else None

    def asking(self) -> CredentialFile | None:
        """Return the key that the cloud was asked to register, and with what; None if none was."""
        found = _read(self._asking)
        return found if found and found.asking else None

    def write_held(self, identity: CredentialFile) -> None:
        """Change the identity in use. Raises ConfigurationError."""
        _write(self.credential, whole_content(identity))

    def write_asking(self, asking: CredentialFile) -> None:
        """Keep what the cloud is about to be asked with. Raises ConfigurationError."""
        _write(self._asking, whole_content(asking))

    def write_coming(self, identity: CredentialFile) -> None:
        """Put a new identity beside the one in use: the answer. Raises ConfigurationError."""
        _write(self._coming, whole_content(identity))

    def promote(self) -> None:
        """Let the new identity take the old one's place. Raises ConfigurationError."""
        try:
            self._coming.replace(self.credential)
            sync_folder(self.credential.parent)
            self._sealed.unlink(missing_ok=True)
        except OSError as exc:
            raise _unwritable(self.credential, exc) from exc

    def drop_asking(self) -> None:
        """Forget what was asked. Raises ConfigurationError."""
        self._remove(self._asking)

    def drop_coming(self) -> None:
        """Forget the new identity. Raises ConfigurationError."""
        self._remove(self._coming)

    def drop_held(self) -> None:
        """Destroy the identity in use. Raises ConfigurationError."""
        self._remove(self.credential)

    def sealed(self) -> Mark | None:
        """Return the mark that `seal` left, None if there is none."""
        try:
            return msgspec.json.decode(self._sealed.read_bytes(), type=Mark)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError):
            return Mark(boot="")

    def seal(self, boot: str) -> None:
        """Leave the mark, then destroy every identity. Raises ConfigurationError."""
        _write(self._sealed, msgspec.json.encode(Mark(boot=boot)) + b"\n")
        self.drop_held()
        self.drop_coming()
        self.drop_asking()

    def check(self) -> None:
        """See that this process can write here at all. Raises ConfigurationError."""
        try:
            check_place(self.credential)
        except OSError as exc:
            raise _unwritable(self.credential, exc) from exc
        if not os.access(self.credential.parent, os.W_OK):
            raise _unwritable(self.credential, PermissionError(13, "Permission denied"))

    def _remove(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
            sync_folder(path.parent)
        except OSError as exc:
            raise _unwritable(path, exc) from exc


def _read(path: Path) -> CredentialFile | None:
    try:
        return read_file(path)
    except FileNotFoundError:
        return None


def _write(path: Path, content: bytes) -> None:
    try:
        check_place(path)
        replace(path, content)
    except OSError as exc:
        raise _unwritable(path, exc) from exc


def _unwritable(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        "%(path)s cannot be written: %(reason)s",
        next_step="give its directory to the access requester's account; see that there is room",
        path=str(path),
        reason=error.strerror,
    )
