"""The files of a secrets directory: numbered, each with an id, readable by their owner only.

`pepper-0001-9f3a2c1d` holds 64 hex digits (256 bits); the highest number is the newest. A
directory handed over by systemd (`$CREDENTIALS_DIRECTORY`) is read as it is and never written.
"""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.errors import ConfigurationError
from keyin.stores.private_files import open_no_link, sync_folder

if TYPE_CHECKING:
    from pathlib import Path

    from keyin.domain.environment import Entropy

PEPPER: Final = "pepper"
DATA_KEY: Final = "data-key"
AUDIT_KEY: Final = "audit-key"
"""The seed of an Ed25519 key: signs the audit log's checkpoints."""
SIGNING_KEY: Final = "signing-key"
"""The chance that a P-256 key is made from: signs enrolment files and certificates."""
KEY_BYTES: Final = 32
_ID_BYTES: Final = 4
_NAME: Final = re.compile(r"(pepper|data-key|audit-key|signing-key)-(\d{4})-([0-9a-f]{8})")
_CONTENT: Final = re.compile(rb"[0-9a-f]{64}\n?")


class KeyFile(msgspec.Struct, frozen=True, kw_only=True):
    """One key of the directory."""

    kind: str
    number: int
    id: str
    material: bytes

    def __repr__(self) -> str:
        return f"KeyFile(id={self.id!r})"


def read_all(directory: Path) -> list[KeyFile]:
    """Read every key, newest first. Raises ConfigurationError."""
    handed_over = is_handed_over(directory)
    try:
        _check(directory, directory.stat(), handed_over=handed_over)
        found = [
            _read(path, match, handed_over=handed_over)
            for path in directory.iterdir()
            if (match := _NAME.fullmatch(path.name))
        ]
    except OSError as error:
        raise _unreadable(directory, error) from error
    return sorted(found, key=lambda key: key.number, reverse=True)


def make_directory(directory: Path) -> None:
    """Create the directory for its owner only, where it is missing. Raises ConfigurationError."""
    try:
        if not directory.is_dir():
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync_folder(directory.parent)
    except OSError as error:
        raise _unreadable(directory, error) from error


def add(directory: Path, kind: str, entropy: Entropy) -> KeyFile:
    """Make a key that is newer than every other of its kind; returns when it is durable."""
    if is_handed_over(directory):
        raise lacking(directory, kind)
    number = max((key.number for key in read_all(directory) if key.kind == kind), default=0) + 1
    made = KeyFile(
        kind=kind,
        number=number,
        id=entropy.token_bytes(_ID_BYTES).hex(),
        material=entropy.token_bytes(KEY_BYTES),
    )
    try:
        _write_durably(directory, f"{kind}-{number:04}-{made.id}", made.material.hex().encode())
    except OSError as error:
        raise _unreadable(directory, error) from error
    return made


def lacking(directory: Path, kind: str) -> ConfigurationError:
    """Return the error for a directory that should have a key of this kind."""
    return ConfigurationError(
        "the secrets directory %(path)s holds no %(kind)s",
        next_step="Put it back, or (systemd) add it with LoadCredential=: a file named like "
        "%(kind)s-0001-9f3a2c1d with 64 hex digits.",
        path=directory,
        kind=kind,
    )


def _read(path: Path, match: re.Match[str], *, handed_over: bool) -> KeyFile:
    with open_no_link(path) as file:
        _check(path, os.fstat(file.fileno()), handed_over=handed_over)
        content = file.read(KEY_BYTES * 2 + 2)
    if not _CONTENT.fullmatch(content):
        raise ConfigurationError(
            "the file %(path)s does not hold a key (64 hex digits)",
            next_step="Put the file back from a backup: what it protects opens with it alone.",
            path=path,
        )
    return KeyFile(
        kind=match[1],
        number=int(match[2]),
        id=match[3],
        material=bytes.fromhex(content.decode()),
    )


def _write_durably(directory: Path, name: str, content: bytes) -> None:
    """Write beside, then rename: a crash leaves a whole file or none."""
    temporary = directory / f".{name}.new"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, created with its mode
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    temporary.rename(directory / name)
    sync_folder(directory)  # without its secrets a store is lost


def is_handed_over(directory: Path) -> bool:
    """Tell whether systemd brought the directory: then nothing can be added to it."""
    handed_over = os.environ.get("CREDENTIALS_DIRECTORY")
    return bool(handed_over) and os.path.realpath(directory) == os.path.realpath(handed_over or "")


def _check(path: Path, found: os.stat_result, *, handed_over: bool) -> None:
    """Refuse what another account owns or may read.

    systemd's own may belong to root; its access list shows in the mode as the group's reading.
    """
    owners = {os.geteuid(), 0} if handed_over else {os.geteuid()}
    if found.st_uid not in owners:
        raise ConfigurationError(
            "%(path)s belongs to another account (uid %(uid)s)",
            next_step="Give it to the account that runs the cloud: chown -R ACCOUNT %(path)s",
            path=path,
            uid=found.st_uid,
        )
    if stat.S_IMODE(found.st_mode) & (0o027 if handed_over else 0o077):
        raise ConfigurationError(
            "%(path)s is open to other accounts (mode %(mode)s)",
            next_step="Close it: chmod go= %(path)s. If others could read it, rotate its keys.",
            path=path,
            mode=f"{stat.S_IMODE(found.st_mode):04o}",
        )


def _unreadable(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        "the secrets in %(path)s cannot be used: %(reason)s",
        next_step="Check that the path is right and belongs to the account that runs the cloud.",
        path=path,
        reason=error.strerror or type(error).__name__,
    )
