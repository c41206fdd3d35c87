"""From where a computer asks: its owner is told when that is a network it never asked from (P92).

Asked at every authentication, and so remembered here as well: a key-in from a known network costs
one look into a dictionary. Computers without an owner have nobody to be told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.address_text import address_text, network_text
from keyin.domain.enrolment import Notice, NoticeKind
from keyin.domain.records import ClientKind, RecordId
from keyin.oauth.notice_ports import DAY_MS
from keyin.oauth.notices import notice_id_of

if TYPE_CHECKING:
    from keyin.domain.environment import Millis
    from keyin.domain.networks import Address
    from keyin.domain.records import Client
    from keyin.oauth.notice_ports import ClientNetworks

MOST: Final = 20_000
"""So many are remembered here; then it begins anew."""


class KnownNetworks(msgspec.Struct):
    """See above."""

    store: ClientNetworks
    _known: dict[tuple[RecordId, str], int] = msgspec.field(default_factory=dict)
    """The day on which a computer was last noted at a network."""

    async def note(self, client: Client, address: Address | None, now: Millis) -> None:
        """Take note of where a computer asks from. Raises StoreUnavailable."""
        owner = client.lineage.owner
        if owner is None or address is None or client.kind is not ClientKind.INSTALLATION:
            return
        network, day = network_text(address), now // DAY_MS
        if self._known.get((client.id, network)) == day:
            return
        told = Notice(
            id=notice_id_of(f"network\0{client.id}\0{day}"),  # one a day
            account_id=RecordId(owner),
            kind=NoticeKind.NEW_NETWORK,
            client_id=client.id,
            initial_access_id=None,
            at=now,
            name=client.name,
            address=address_text(address),
        )
        await self.store.note_network(client.id, network, now=now, told=[told])
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[client.id, network] = day
