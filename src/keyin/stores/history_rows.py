"""What owners see of a computer, from rows: its acts as the audit log has them, its networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.events import Event
from keyin.oauth.managed_ports import History, SeenFrom

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.stores.rows import Row

_event: Final = msgspec.json.Decoder(Event).decode


def history(acts: Sequence[Row], networks: Sequence[Row]) -> History:
    """Return what stands in rows of an event each, and of a network, its first and its last day."""
    return History(
        events=[_event(event) for (event,) in acts],
        networks=[SeenFrom(network=name, first=first, last=last) for name, first, last in networks],
    )
