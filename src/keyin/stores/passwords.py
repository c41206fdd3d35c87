"""Argon2id for people's passwords, in threads of its own so that nobody else waits (P32, ADR 10).

The parameters are OWASP's (Password Storage Cheat Sheet: 19 MiB, two passes, one lane). They stand
in each hash, so that they can be raised: whoever signs in next gets a hash of today's.
"""

from __future__ import annotations

import asyncio
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING, Final, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from keyin.domain.errors import StoreUnavailable
from keyin.oauth.accounts import Checked, PasswordHash

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyin.domain.environment import Entropy
    from keyin.domain.secret import Secret

MEMORY_KIB: Final = 19 * 1024
PASSES: Final = 2
LANES: Final = 1
THREADS: Final = 2
WAITING: Final = 64
"""So many may wait for a thread, which is about a second's work; more are sent away."""
_HASH_BYTES: Final = 32
_SALT_BYTES: Final = 16

Result = TypeVar("Result")


class Argon2Passwords:
    """Implements `oauth.accounts.Passwords`."""

    def __init__(self, *, entropy: Entropy, hasher: PasswordHasher | None = None) -> None:
        self._entropy = entropy
        self._hasher = hasher or PasswordHasher(
            time_cost=PASSES,
            memory_cost=MEMORY_KIB,
            parallelism=LANES,
            hash_len=_HASH_BYTES,
            salt_len=_SALT_BYTES,
            type=Type.ID,
        )
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="keyin-passwords")
        self._running = 0
        self._nobodys: PasswordHash | None = None

    async def hash(self, password: Secret) -> PasswordHash:
        """See Passwords."""
        return await self._in_thread(partial(self._hash, _bytes(password)))

    async def check(self, password: Secret, stored: PasswordHash | None) -> Checked:
        """See Passwords."""
        if self._nobodys is None:
            made = partial(self._hash, self._entropy.token_bytes(_HASH_BYTES))
            self._nobodys = await self._in_thread(made)
        against = stored or self._nobodys
        right = await self._in_thread(partial(self._verify, against, _bytes(password)))
        known = stored is not None and right
        return Checked(known, outdated=known and self._hasher.check_needs_rehash(against))

    def _hash(self, password: bytes) -> PasswordHash:
        salt = self._entropy.token_bytes(_SALT_BYTES)
        return PasswordHash(self._hasher.hash(password, salt=salt))

    def _verify(self, stored: PasswordHash, password: bytes) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        if self._running >= THREADS + WAITING:
            raise StoreUnavailable("more people sign in at once than can be checked")
        self._running += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._running -= 1


def _bytes(password: Secret) -> bytes:
    """Return the password as it is hashed: one form, however the keyboard composed it."""
    return unicodedata.normalize("NFKC", password.reveal()).encode("utf-8", "surrogatepass")


def common_passwords() -> frozenset[str]:
    """Return what everybody thinks of first, in lower case; ships with the package."""
    text = files("keyin.data").joinpath("common-passwords.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.split("\n") if line and not line.startswith("#"))
