"""What enrolling asks of the store: each method a unit of work; each raises StoreUnavailable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keyin.domain.enrolment import InitialAccess, Notice, Registration
    from keyin.domain.environment import Millis
    from keyin.domain.events import Event
    from keyin.domain.records import (
        Client,
        ClientKey,
        Credential,
        Digest,
        ProofUse,
        RecordId,
        Status,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Whose tokens and computers somebody may see: their own, and those of these sites (P96)."""

    account: str
    sites: frozenset[str] = frozenset()

    def holds(self, owner: str | None, site: str | None) -> bool:
        """Tell whether a record is theirs."""
        return owner == self.account or (site is not None and site in self.sites)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A token in a list: its place, and how many clients that still stand were born from it."""

    number: int
    record: InitialAccess
    clients: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Why something ends, when, and the event that tells of it."""

    reason: str
    now: Millis
    event: Event


class InitialAccesses(Protocol):
    """Initial access tokens."""

    async def add_initial_access(self, record: InitialAccess, *, event: Event) -> bool:
        """Remember one, durably; False where its digest is there (a channel's name is taken)."""
        ...

    async def find_initial_access(self, digests: Sequence[Digest]) -> InitialAccess | None:
        """Return the one with this digest, whatever its status."""
        ...

    async def initial_access(self, id_: RecordId) -> Listed | None:
        """Return the one with this id."""
        ...

    async def initial_accesses(
        self, *, after: int, most: int, reach: Reach | None
    ) -> Sequence[Listed]:
        """Return the next ones within this reach; None reaches everything."""
        ...

    async def end_initial_access(
        self, id_: RecordId, ending: Ending, *, descendants: bool
    ) -> int | None:
        """Revoke one; with `descendants`, every client born from it, in the same transaction.

        Return how many clients it ended; None, and nothing is written, where there is no such
        token, or nothing of it is left to end.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Born:
    """What a registration writes: all of it, or nothing."""

    client: Client
    credential: Credential
    key: ClientKey | None
    """None: it proves itself with a secret."""
    registration: Registration
    event: Event
    notices: Sequence[Notice] = ()
    ends: Sequence[RecordId] = ()
    """Clients that it takes the place of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a registration's unit of work sees, at the moment in which it decides."""

    access: InitialAccess | None
    """As it is now, before this use."""
    channel: InitialAccess | None
    name_taken: bool
    """Another client of this owner has the name, and stands."""
    key_known: bool
    same_installation: Sequence[RecordId]
    """Clients that stand, of the same owner or site, with the same installation id."""
    stopped: bool
    """The site, or the version of the software, may not have clients now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What `Surroundings` are wanted of."""

    access: Sequence[Digest]
    channel: Sequence[Digest]
    owner: str | None
    site: str | None
    software: tuple[str | None, str | None]
    name: str | None
    kid: str | None
    installation_id: str | None


class Registering(Protocol):
    """Births. One method, since nothing may happen between looking and writing (P47)."""

    async def register(
        self,
        question: Question,
        decide: Callable[[Surroundings], Born | None],
        *,
        uses: Sequence[ProofUse] = (),
    ) -> ProofUse | None:
        """Look, let `decide` say what is born, and write that, the token's use and the proofs.

        Where `decide` returns None only the proofs are. Return a proof that came before, if one
        did; then `decide` was not asked.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A client that registered itself, as it counts now, with all that belongs to it."""

    registration: Registration
    client: Client
    credential: Credential
    keys: Sequence[ClientKey]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """What a PUT changes (RFC 7592 §2.2)."""

    name: str | None
    software_version: str | None
    keys: Sequence[ClientKey]
    """Every key that shall count; others of the credential end."""
    now: Millis
    event: Event


class Registrations(Protocol):
    """Clients that registered themselves, afterwards."""

    async def registered(self, oauth2_client_id: str) -> Registered | None:
        """Return one by its `client_id`."""
        ...

    async def registered_key(self, kid: str) -> Registered | None:
        """Return the one that has, or had, this key."""
        ...

    async def replace_registration(
        self, registration: Registration, change: Replacement, *, uses: Sequence[ProofUse]
    ) -> bool:
        """Change one where its version is still this one; say whether it was, and changed."""
        ...

    async def set_registered(
        self,
        registration: Registration,
        status: Status,
        ending: Ending,
        *,
        notices: Sequence[Notice] = (),
    ) -> bool:
        """Let one count, or not any more; of two at once one is first.

        `Registration` is as it shall be, with the next version; what is there has the one before.
        """
        ...

    async def activate(self, credential_id: RecordId, *, now: Millis, event: Event) -> bool:
        """Let a pending one count that has proved itself in time; say whether it does now."""
        ...


class SitePolicies(Protocol):
    """What a site says about computers that come back."""

    async def returns_by_itself(self, site: str) -> bool:
        """Tell whether a computer with a certificate of this site needs nobody's yes."""
        ...

    async def set_returns(self, site: str, *, by_itself: bool, event: Event) -> bool:
        """Write it down; say whether it was otherwise."""
        ...
