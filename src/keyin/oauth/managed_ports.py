"""What the pages ask of the store about the computers within an account's reach.

The reach is decided where the records are: what the account owns, and what stands at a site that it
looks after. Each raises StoreUnavailable.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from keyin.domain.enrolment import InitialAccessKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keyin.domain.enrolment import InitialAccess, Registration
    from keyin.domain.environment import Millis
    from keyin.domain.events import Event
    from keyin.domain.records import RecordId, Status
    from keyin.oauth.administration_ports import ClientPicture
    from keyin.oauth.enrolment_ports import Listed


SHOWN_KINDS: Final = frozenset(
    {InitialAccessKind.CODE, InitialAccessKind.FILE, InitialAccessKind.BUNDLE}
)
"""Initial access tokens that somebody holds in their hands; others live for minutes."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which computers; the standard is all."""

    text: str = ""
    """In name, site, type or version of the software; capitals of ASCII do not matter."""
    status: Status | None = None
    """Of its own record."""
    site: str | None = None
    born_from: RecordId | None = None
    """The initial access token that they registered with."""


class SeenFrom(msgspec.Struct, frozen=True, kw_only=True):
    """A network that a computer was used from."""

    network: str
    first: Millis
    last: Millis
    """To the day."""


class History(msgspec.Struct, frozen=True, kw_only=True):
    """What was done with a computer, the newest first, and from where it was used."""

    events: Sequence[Event]
    networks: Sequence[SeenFrom]


class Acted(Enum):
    """What came of an act."""

    DONE = auto()
    ALREADY = auto()
    NOT_THERE = auto()
    NOT_ALLOWED = auto()
    """They see it, and may not change it."""
    TAKEN = auto()
    """Another computer of its owner has the name."""
    OVER = auto()
    """It cannot become that from what it is."""


class Beginning(msgspec.Struct, frozen=True, kw_only=True):
    """How a computer came: its registration, and what that was made with, if it is known."""

    registration: Registration
    access: InitialAccess | None


class Beginnings(Protocol):
    """How computers came."""

    async def beginnings(self, client_ids: Sequence[RecordId]) -> Mapping[RecordId, Beginning]:
        """Return it of each of these that registered itself."""
        ...


class ManagedClients(Protocol):
    """Computers within reach."""

    async def managed(
        self, account_id: RecordId, wanted: Wanted, *, before: int | None, most: int
    ) -> Sequence[ClientPicture]:
        """Return computers within reach, the newest first, below number `before`."""
        ...

    async def managed_one(self, account_id: RecordId, id_: RecordId) -> ClientPicture | None:
        """Return a computer within reach."""
        ...

    async def managed_history(
        self, account_id: RecordId, id_: RecordId, *, most: int
    ) -> History | None:
        """Return what is known of a computer within reach; tokens are counted by their networks."""
        ...

    async def managed_counts(self, account_id: RecordId) -> Mapping[tuple[str | None, Status], int]:
        """Count those within reach by site and status of their own record."""
        ...

    async def managed_access(
        self, account_id: RecordId, *, before: int | None, most: int
    ) -> Sequence[Listed]:
        """Return initial access tokens of `SHOWN_KINDS` within reach, as `managed` does."""
        ...
