"""What is asked of the store about notices and their mail. Each raises StoreUnavailable.

Who makes something bad or new visible adds its notice in the same unit of work; that is the
store's own doing, see `stores.sqlite.notices`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.enrolment import Notice
    from keyin.domain.environment import Millis
    from keyin.domain.records import RecordId


DAY_MS: Final = 24 * 60 * 60_000
MOST_NETWORKS: Final = 64
"""So many are remembered of one computer."""


class Notices(Protocol):
    """What an account is told on its own pages."""

    async def add_notices(self, notices: Sequence[Notice]) -> None:
        """Remember notices, durably; one whose id is known stays as it was."""
        ...

    async def notices_of(
        self, account_id: RecordId, *, most: int, before: RecordId | None = None
    ) -> Sequence[Notice]:
        """Return an account's notices, the newest first; `before`: only those older than this."""
        ...

    async def see_notices(
        self, account_id: RecordId, ids: Sequence[RecordId], *, now: Millis
    ) -> int:
        """Note that the account has seen these of its own; say how many it had not."""
        ...


class ClientNetworks(Protocol):
    """From where a computer was seen to ask."""

    async def note_network(
        self, client_id: RecordId, network: str, *, now: Millis, told: Sequence[Notice]
    ) -> bool:
        """Remember one and the day, durably; say whether it was new and not the first.

        Then this is told. Of very many the oldest are forgotten, and are new again.
        """
        ...


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A notice that is to be mailed."""

    notice: Notice
    email: str | None
    """None: the account has no address, or may not sign in."""
    language: str | None
    tries: int
    """How often it was tried, this time included."""


class Outbox(Protocol):
    """Notices on their way by mail."""

    async def claim_mail(self, *, now: Millis, until: Millis, most: int) -> Sequence[Due]:
        """Take some whose time has come; nobody else gets them before `until`. Durable."""
        ...

    async def note_mailed(self, id_: RecordId, *, now: Millis) -> None:
        """Note that it was handed over, durably."""
        ...

    async def mail_again(self, id_: RecordId, *, at: Millis | None) -> None:
        """Say when to try again; None: never."""
        ...
