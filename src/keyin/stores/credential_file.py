"""One installation's credential: JSON `{client_id, private_key}` in a file of mode 0600 (P61).

The key is a JWK. There is no other source and no fallback (O13): without a usable file there is no
credential. A file without `client_id` holds a key that the cloud does not know yet. A computer that
enrolled itself also keeps here where and how (`registration`), and, while its key is being
changed, the other key.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from keyin.domain.errors import ConfigurationError
from keyin.domain.installation import InstallationCredential
from keyin.domain.secret import PrivateKey
from keyin.stores.private_files import open_no_link
from keyin.wire.jose import InvalidSignature, PublicKey
from keyin.wire.signing_key import SigningKey, read_private

if TYPE_CHECKING:
    from pathlib import Path

_MAX_BYTES: Final = 32_768
_PLAIN_FILE: Final = "make it a plain file that belongs to the access requester's account"
ClientId = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]


_Jwk = dict[str, str | list[str]]


class Registered(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a computer keeps that enrolled itself (RFC 7592 §3)."""

    cloud: str
    """The issuer it is registered with."""
    installation_id: str
    """Of the system that it was made on: on another one it is a copy."""
    uri: str
    """`registration_client_uri`, below the issuer."""
    token: str
    """The registration access token."""
    certificate: str | None = None
    """What it comes back with, should the cloud have forgotten it."""
    awaiting: bool = False
    """Whether a person has yet to say yes."""
    told: str | None = None
    """Which software the cloud was told of last; None: it is told at the next start."""

    def __repr__(self) -> str:
        return f"<Registered with {self.cloud}>"


class Asking(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a computer is about to register with: a lost answer is asked for with the same."""

    cloud: str
    """The issuer that is asked."""
    installation_id: str
    """Of the system that asks: another one has a key of its own."""
    token: str
    """The initial access token."""
    scheme: str
    """How it is shown."""

    def __repr__(self) -> str:
        return f"<Asking {self.cloud}>"


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    private_key: _Jwk
    client_id: ClientId | None = None
    registered: Registered | None = None
    next_key: _Jwk | None = None
    previous_key: _Jwk | None = None
    asking: Asking | None = None


class CredentialFile(msgspec.Struct, frozen=True, kw_only=True):
    """What the file holds."""

    client_id: str | None
    """None: the cloud has not said yet under which id it knows the key."""
    private_key: PrivateKey
    public: PublicKey
    registered: Registered | None = None
    next_key: PrivateKey | None = None
    """The key that is about to take the place of this one; the cloud may know it already."""
    previous_key: PrivateKey | None = None
    """The key whose place this one took; the cloud may still know it."""
    asking: Asking | None = None
    """Of a key that the cloud may have registered: its answer has not come."""


def read_credential(path: Path) -> InstallationCredential | None:
    """Return the credential, None where there is none yet. Raises ConfigurationError if unsafe."""
    try:
        found = read_file(path)
    except FileNotFoundError:
        return None
    if found.client_id is None:
        return None
    return InstallationCredential(found.client_id, found.private_key)


def read_file(path: Path) -> CredentialFile:
    """Read the file, which is safe. Raises ConfigurationError, FileNotFoundError.

    The file is ours or root's, for its owner only, no link, in a directory that only we or root
    can write.
    """
    try:
        content = _read_checked(path)
    except FileNotFoundError:
        raise
    except OSError as exc:
        raise ConfigurationError(
            "the credential %(path)s cannot be read: %(reason)s",
            next_step=_PLAIN_FILE,
            path=str(path),
            reason=exc.strerror,
        ) from exc
    try:
        return _found(msgspec.json.decode(content, type=_Document))
    except (msgspec.MsgspecError, RecursionError, InvalidSignature):
        # without its cause: the parser's message may quote the key
        raise _not_a_credential(path, content) from None


def _found(document: _Document) -> CredentialFile:
    private, public = _key(document.private_key)
    after, before = document.next_key, document.previous_key
    return CredentialFile(
        client_id=document.client_id,
        private_key=private,
        public=public,
        registered=document.registered,
        next_key=_key(after)[0] if after else None,
        previous_key=_key(before)[0] if before else None,
        asking=document.asking,
    )


def _key(jwk: _Jwk) -> tuple[PrivateKey, PublicKey]:
    text = msgspec.json.encode(jwk)
    return PrivateKey(text.decode()), read_private(text).public


def file_content(key: SigningKey, client_id: str | None) -> bytes:
    """Write what `read_file` reads."""
    return _written({**({"client_id": client_id} if client_id else {}),
                     "private_key": key.private_jwk()})  # fmt: skip


def named(found: CredentialFile, client_id: str) -> bytes:
    """Return the file's content under a client id."""
    jwk = msgspec.Raw(found.private_key.reveal().encode())
    return _written({"client_id": client_id, "private_key": jwk})


def whole_content(found: CredentialFile) -> bytes:
    """Write everything that `read_file` reads."""
    keys = {
        "private_key": found.private_key,
        "next_key": found.next_key,
        "previous_key": found.previous_key,
    }
    return _written(
        {
            **({"client_id": found.client_id} if found.client_id else {}),
            **({"registered": found.registered} if found.registered else {}),
            **({"asking": found.asking} if found.asking else {}),
            **{name: msgspec.Raw(key.reveal().encode()) for name, key in keys.items() if key},
        }
    )


def _written(document: dict[str, object]) -> bytes:
    return msgspec.json.encode(document) + b"\n"


def _not_a_credential(path: Path, content: bytes) -> ConfigurationError:
    if b'"client_secret"' in content:
        return ConfigurationError(
            "the credential %(path)s holds a client secret; this version uses a key pair instead",
            next_step="move the file away, then make a key: keyin requester new-key --help",
            path=str(path),
        )
    return ConfigurationError(
        "the credential %(path)s is not JSON with client_id and private_key (a JWK) only",
        next_step="move the file away, then make a key: keyin requester new-key --help",
        path=str(path),
    )


def _read_checked(path: Path) -> bytes:
    check_place(path)
    with open_no_link(path) as file:
        status = os.fstat(file.fileno())
        _check(path, status, forbidden=stat.S_IRWXG | stat.S_IRWXO | stat.S_IXUSR)
        if not stat.S_ISREG(status.st_mode):
            raise ConfigurationError(
                "%(path)s is not a plain file", next_step=_PLAIN_FILE, path=str(path)
            )
        return file.read(_MAX_BYTES)


def check_place(path: Path) -> None:
    """Refuse a directory that others can write. Raises ConfigurationError, OSError."""
    _check(path.parent, path.parent.stat(), forbidden=stat.S_IWGRP | stat.S_IWOTH)


def _check(path: Path, status: os.stat_result, *, forbidden: int) -> None:
    if status.st_uid not in {0, os.geteuid()}:
        raise ConfigurationError(
            "%(path)s belongs to another account (uid %(uid)s)",
            next_step="give it to the access requester's account: chown",
            path=str(path),
            uid=status.st_uid,
        )
    if status.st_mode & forbidden:
        raise ConfigurationError(
            "other accounts can read or change %(path)s (its mode is %(mode)s)",
            next_step="a credential has the mode 0600, its directory 0755 or less: chmod",
            path=str(path),
            mode=f"{stat.S_IMODE(status.st_mode):04o}",
        )
