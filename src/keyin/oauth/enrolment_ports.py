"""What enrolling asks of the store: each method a unit of work; each raises StoreUnavailable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

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
        StoppedBy,
    )


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """Whose tokens and computers somebody may see: their own, and those of these sites (P96)."""

    account: str
    sites: frozenset[str] = frozenset()

    def holds(self, owner: str | None, site: str | None) -> bool:
        """Tell whether a record is theirs."""
        return owner == self.account or (site is not None and site in self.sites)


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A token in a list: its place, and how many clients that still stand were born from it."""

    number: int
    record: InitialAccess
    clients: int


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """Why something ends, when, and the event that tells of it."""

    reason: str
    now: Millis
    event: Event


class InitialAccesses(Protocol):
    """Initial access tokens."""

    async def add_initial_access(
        self, record: InitialAccess, *, event: Event, notices: Sequence[Notice] = ()
    ) -> bool:
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

        Clients that have not proved themselves yet end in any case. Return how many clients it
        ended; None, and nothing is written, where there is no such token, or nothing is left.
        """
        ...


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """A client that registered itself, as it counts now, with all that belongs to it."""

    registration: Registration
    client: Client
    credential: Credential
    keys: Sequence[ClientKey]


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What `Surroundings` are wanted of."""

    access: Sequence[Digest] = ()
    channel: Sequence[Digest] = ()
    client_id: str | None = None
    """A `client_id` that somebody says is theirs."""
    kids: Sequence[str] = ()
    owner: str | None = None
    name: str | None = None
    site: str | None = None
    software: tuple[str | None, str | None] = (None, None)
    installation_id: str | None = None


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What a registration's unit of work sees at the moment in which it decides."""

    access: InitialAccess | None
    """As it is now, before this use."""
    channel: InitialAccess | None
    named: Registered | None
    """The client of `Question.client_id`."""
    holders: Mapping[str, Registered | None]
    """Who has, or had, each of the keys that is known; None: a client that somebody registered."""
    same_name: Sequence[RecordId]
    """Clients that stand, of the same owner, with the same name."""
    same_installation: Sequence[RecordId]
    """Clients that stand, of the same owner or site, with the same installation id."""
    stopped: StoppedBy | None
    """Whether the site, or the version of the software, may have no clients now."""
    owner_stands: bool
    """Whether the owner, if one was named, is an account that may sign in."""
    returns_by_itself: bool
    """What the site says of computers that come back."""
    site_owners: Sequence[RecordId]
    """Accounts that own the site: they are told where no account answers for the computer."""


class Born(msgspec.Struct, frozen=True, kw_only=True):
    """A new client: all of it is written, or nothing."""

    client: Client
    credential: Credential
    key: ClientKey
    """Where the store knows it already, it becomes this client's."""
    registration: Registration
    event: Event
    access_id: RecordId | None = None
    """The token that this is one use of."""
    notices: Sequence[Notice] = ()
    ends: Sequence[RecordId] = ()
    """Clients that it takes the place of."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What a computer is for, and where it stands."""

    computer_type: str | None
    site: str | None


class Again(msgspec.Struct, frozen=True, kw_only=True):
    """A client that is there, changed: all of it, or nothing."""

    registration: Registration
    """As it shall be."""
    name: str | None
    software_version: str | None
    status: Status | None
    """None: as it is. Where it changes, every token of the client ends."""
    keys: Sequence[ClientKey]
    """Every key that shall count; the others of its credential end, with their tokens."""
    now: Millis
    event: Event
    notices: Sequence[Notice] = ()
    place: Place | None = None
    """None: as it is."""


class Killed(msgspec.Struct, frozen=True, kw_only=True):
    """A token that came twice, with everything that was born from it."""

    access_id: RecordId
    ending: Ending
    notices: Sequence[Notice] = ()


Decision = Born | Again | Killed | None


class Registering(Protocol):
    """Clients that register themselves, look after that, and come back."""

    async def register(
        self,
        question: Question,
        decide: Callable[[Surroundings], Decision],
        *,
        uses: Sequence[ProofUse] = (),
    ) -> ProofUse | None:
        """Look, let `decide` say what comes of it, and write that with the proofs, in one.

        So nothing happens between looking and writing (P47). Return a proof that came before, if
        one did; then `decide` was not asked. Otherwise the proofs are used up in any case.
        """
        ...

    async def registered(self, oauth2_client_id: str) -> Registered | None:
        """Return one by its `client_id`."""
        ...


class Activations(Protocol):
    """Registered clients that prove themselves."""

    async def activate(self, credential_id: RecordId, *, now: Millis, event: Event) -> bool:
        """Let a pending client count that has proved itself in time; say whether it did now."""
        ...


class SitePolicies(Protocol):
    """What a site says about computers that come back."""

    async def returns_by_itself(self, site: str) -> bool:
        """Tell whether a computer with a certificate of this site needs nobody's yes."""
        ...

    async def set_returns(self, site: str, *, by_itself: bool, event: Event) -> bool:
        """Write it down; say whether it was otherwise."""
        ...


class Owners(Protocol):
    """Everything that one account answers for."""

    async def end_owned(self, owner: str, ending: Ending) -> int | None:
        """Revoke an account's tokens and clients, in one transaction; return how many clients.

        None, and nothing is written, where nothing of it stands.
        """
        ...


class Lapsing(Protocol):
    """Clients and tokens that are over without anybody's word; some at a time, the oldest first.

    Each says how many there were, and writes an event for each client that ends.
    """

    async def expire_unproved(self, *, now: Millis, most: int) -> int:
        """End clients that did not prove themselves in time (P48)."""
        ...

    async def expire_unused(self, *, since: Millis, now: Millis, most: int) -> int:
        """Let go of registered clients of which nobody has heard since then."""
        ...

    async def forget_unproved(self, *, before: Millis, most: int) -> int:
        """Delete what never proved itself and should have before then."""
        ...

    async def forget_access(self, *, before: Millis, most: int) -> int:
        """Delete tokens that ended before then, and of which nothing is there that was born."""
        ...
