"""What the administrator's ops ask of the store. Each method is one unit of work.

A word against anything moves the epochs of the clients concerned in the same transaction, so that
taking the word back brings no token back. Each raises StoreUnavailable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.enrolment import Notice
    from keyin.domain.environment import Millis
    from keyin.domain.events import Event
    from keyin.domain.records import (
        Client,
        ClientKey,
        Credential,
        Digest,
        RecordId,
        Site,
        SoftwareVersion,
        Status,
    )


class ClientPicture(msgspec.Struct, frozen=True, kw_only=True):
    """A client as it counts, with all that belongs to it, in the order in which it came."""

    number: int
    """Its place among all clients."""
    client: Client
    credentials: Sequence[Credential]
    keys: Sequence[ClientKey]


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be said of a record, and why."""

    status: Status
    reason: str | None
    now: Millis
    event: Event
    """Written only where something changes, as are the notices."""
    notices: Sequence[Notice] = ()


class ClientRegister(Protocol):
    """Clients, looked at and stopped."""

    async def clients_named(self, name: str) -> Sequence[RecordId]:
        """Return the clients that have this id, or a credential with this `client_id`."""
        ...

    async def client_picture(self, id_: RecordId) -> ClientPicture | None:
        """Return a client."""
        ...

    async def client_pictures(
        self, *, after: int, most: int, site: str | None, status: Status | None
    ) -> Sequence[ClientPicture]:
        """Return the next clients that stand at this site and have this status of their own."""
        ...

    async def set_client_status(
        self, id_: RecordId, word: Word, *, only_from: frozenset[Status]
    ) -> bool:
        """Change a client's status where it is one of `only_from`; say whether it was."""
        ...

    async def set_legacy_until(
        self, id_: RecordId, until: Millis, *, now: Millis, event: Event
    ) -> bool:
        """Say until when the password grant is open to a client; False if it was so already."""
        ...


class ClientKeyRegister(Protocol):
    """Keys of clients and their tokens, given and taken back."""

    async def add_client_key(self, key: ClientKey, *, event: Event) -> bool:
        """Write a key down; False if it is there, whosever it is."""
        ...

    async def end_client_key(self, kid: str, *, event: Event) -> bool:
        """Revoke a key and the tokens of its credential; False if it is none, or revoked."""
        ...

    async def end_token(self, digests: Sequence[Digest], *, event: Event) -> bool | None:
        """Revoke a token; False if it was revoked, None if there is none."""
        ...


class Sites(Protocol):
    """Sites; one without a record is active."""

    async def find_site(self, name: str) -> tuple[Site | None, int]:
        """Return the record, and how many clients stand there."""
        ...

    async def sites(self, *, after: str, most: int) -> Sequence[tuple[str, Site | None, int]]:
        """Return sites with a record or with clients, by name; see `find_site`."""
        ...

    async def set_site(self, name: str, word: Word, *, ending: bool) -> int | None:
        """Write down a site's status; with `ending`, every token of its clients ends.

        None, and nothing is written, where it has the status already or is revoked; otherwise the
        number of clients that stand there.
        """
        ...


class Software(Protocol):
    """Versions of software; one without a record is active. As `Sites`."""

    async def find_software(self, id_: str, version: str) -> tuple[SoftwareVersion | None, int]:
        """Return the record, and how many clients run it."""
        ...

    async def software(
        self, *, after: tuple[str, str], most: int
    ) -> Sequence[tuple[tuple[str, str], SoftwareVersion | None, int]]:
        """Return versions with a record or with clients, by id and version."""
        ...

    async def set_software(self, id_: str, version: str, word: Word, *, ending: bool) -> int | None:
        """Write down a version's status, as `Sites.set_site`."""
        ...
