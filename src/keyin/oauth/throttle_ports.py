"""What the limits ask of the world: counts that outlive the process, and somebody to tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.environment import Millis
    from keyin.domain.limits import Bucket
    from keyin.domain.records import Digest, RecordId, Status
    from keyin.oauth.administration_ports import Word


class Quotas(Protocol):
    """Counts by name, shared by every process on the store, kept over restarts (P42).

    What is counted may reach the disk a second later; see ADR 25. Each raises StoreUnavailable.
    """

    async def wait(self, asked: Sequence[tuple[str, Bucket]], *, now: Millis) -> int:
        """Return how many milliseconds until each of these buckets has one unit; 0: they have."""
        ...

    async def charge(self, name: str, bucket: Bucket, *, cost: int, now: Millis) -> bool:
        """Take units out, as many as there are; say whether this emptied the bucket."""
        ...

    async def note(
        self, name: str, member: str, *, until: Millis, most: int, now: Millis
    ) -> int | None:
        """Put a member into a set that is forgotten at `until`.

        Return the set's size with it; 0: it was there already; None: it is not, and the set has
        `most` members.
        """
        ...

    async def noted(self, name: str, member: str, *, now: Millis) -> bool:
        """Say whether the member is in the set."""
        ...

    async def forget(self, names: Sequence[str]) -> None:
        """Forget buckets and sets: they are full, and empty."""
        ...


class Places(Protocol):
    """At which computers a key is open that may be open at a few only."""

    async def claim_place(
        self, key: Digest, client: RecordId, *, most: int, until: Millis, now: Millis
    ) -> bool:
        """Take a place until then, unless `most` other active clients have one; durable."""
        ...

    async def holds_place(self, key: Digest, client: RecordId, *, now: Millis) -> bool:
        """Say whether the client has a place."""
        ...

    async def release_place(self, key: Digest, client: RecordId) -> None:
        """Give a place back."""
        ...


class Stopping(Protocol):
    """Stopping a client until somebody has looked."""

    async def set_client_status(
        self, id_: RecordId, word: Word, *, only_from: frozenset[Status]
    ) -> bool:
        """See oauth.administration_ports.ClientRegister."""
        ...


class Alarms(Protocol):
    """Whoever watches: counters and the log. Must not fail, and must not wait."""

    def limit_reached(self, limit: str) -> None:
        """Note that a bucket or a set was used up; `limit` says which kind."""
        ...

    def refused(self, limit: str) -> None:
        """Note that a request was refused by a limit."""
        ...

    def suspended(self, count: int) -> None:
        """Note that a client was stopped, after so many keys: somebody must look."""
        ...

    def signature_checked(self) -> None:
        """Note that a signature is verified: the dear part of a request (P84)."""
        ...
