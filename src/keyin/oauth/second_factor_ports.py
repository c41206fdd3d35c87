"""What is remembered of second factors, and what is asked of the store about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.environment import Millis
    from keyin.domain.events import Event
    from keyin.domain.records import Digest, RecordId


class SecondFactor(msgspec.Struct, frozen=True, kw_only=True):
    """What an account proves itself with besides its password."""

    account_id: RecordId
    sealed: bytes
    """The secret, as ciphertext: codes cannot be checked against a digest."""
    confirmed: bool
    """False: it was begun, and no code was shown yet; it asks nothing of anybody."""
    last_step: int
    """The newest half minute whose code was used; none is used twice, nor an older one."""
    created: Millis
    recovery_left: int = 0
    """How many recovery codes are there."""

    def __repr__(self) -> str:
        return f"SecondFactor(account_id={self.account_id!r})"


class SecondFactors(Protocol):
    """Second factors; each change is one unit of work. Each raises StoreUnavailable."""

    async def second_factor(self, account_id: RecordId) -> SecondFactor | None:
        """Return an account's."""
        ...

    async def begin_second_factor(self, factor: SecondFactor) -> bool:
        """Remember one that is not confirmed, in the place of such; False: one is confirmed."""
        ...

    async def confirm_second_factor(
        self, account_id: RecordId, step: int, recovery: Sequence[Digest], *, session: Digest,
        event: Event,
    ) -> bool:  # fmt: skip
        """Let one count, with these recovery codes; every session but this one ends.

        False, and nothing is written: there is none to confirm.
        """
        ...

    async def use_second_factor(
        self, account_id: RecordId, *, step: int | None, recovery: Sequence[Digest] = ()
    ) -> bool:
        """Use the code of a half minute, or a recovery code, up; False: it was used before."""
        ...

    async def end_second_factor(self, account_id: RecordId, *, event: Event) -> bool:
        """Forget an account's, with its recovery codes; False: there was none."""
        ...


class Sealing(Protocol):
    """Encrypts what must be read back; see settings.ports.Vault."""

    def seal(self, plaintext: bytes, context: str) -> bytes:
        """Encrypt; opens only with the same context."""
        ...

    def unseal(self, sealed: bytes, context: str) -> bytes:
        """Decrypt. Raises StoreUnavailable where the key that sealed it is missing."""
        ...
