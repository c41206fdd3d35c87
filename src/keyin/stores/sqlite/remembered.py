"""What was looked up and may be asked for again: bounded, and forgotten at a write that touches it.

Only one process writes to a store, so it knows when what it remembers is no longer so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from keyin.domain.applications import Application
    from keyin.domain.records import Client, ClientKey, Credential, Digest, Key, RecordId, Token
    from keyin.settings.ports import KeyAndSafe

REMEMBERED: Final = 4096
MOST_BYTES: Final = 16 * 1024 * 1024
"""Of all safes together; what is in one may be a megabyte."""
LARGEST: Final = 128 * 1024
"""Of one safe: larger ones are read each time."""

Name = TypeVar("Name")
Result = TypeVar("Result")


class Remembered(dict[Name, Result]):
    """What was looked up, bounded."""

    def put(self, name: Name, found: Result) -> Result:
        """Remember; at the bound, begin anew."""
        if len(self) >= REMEMBERED:
            self.clear()
        self[name] = found
        return found


class RememberedSafes(Remembered["Digest", "KeyAndSafe"]):
    """Safes as they are in the store, sealed; bounded in number and in bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def put(self, name: Digest, found: KeyAndSafe) -> KeyAndSafe:
        """Remember; at a bound, begin anew."""
        size = len(found.safe.sealed) if found.safe else 0
        if size > LARGEST:
            return found
        if self.bytes + size > MOST_BYTES or len(self) >= REMEMBERED:
            self.clear()
        self.bytes += size
        return super().put(name, found)

    def clear(self) -> None:
        """Forget all."""
        self.bytes = 0
        super().clear()


class Memory:
    """What nearly every request asks for.

    Ids that nobody has are remembered as well, so that known and unknown cost the same.
    """

    def __init__(self) -> None:
        self.credentials: Remembered[str, tuple[Credential, Client | None] | None] = Remembered()
        self.issued_to: Remembered[tuple[RecordId, RecordId], tuple[Client, Credential] | None] = (
            Remembered()
        )
        self.client_keys: Remembered[str, ClientKey | None] = Remembered()
        self.applications: Remembered[RecordId, Application | None] = Remembered()
        self.keys: Remembered[Digest, Key] = Remembered()
        """A person comes back, to this computer or the next. Only keys that nothing keeps from
        opening are remembered: of others there is no end, and one that is revoked, or whose
        policy may say no, must take as long to be found as one that never was (P41)."""

        self.tokens: Remembered[Digest, Token] = Remembered()
        """Forgotten whenever anything is written but another grant."""
        self.safes: RememberedSafes = RememberedSafes()
        """As tokens."""
        self.epoch: int | None = None
        self.registries: int | None = None
        """How often a registry was put. As tokens."""

    def written(self) -> None:
        """Forget what may have changed with anything but a grant."""
        self.tokens.clear()
        self.safes.clear()
        self.registries = None

    def clear(self) -> None:
        """Forget who counts as what."""
        for part in (self.credentials, self.issued_to, self.client_keys, self.applications):
            part.clear()
        self.keys.clear()
