"""What owners see of a computer, from rows: how it came, its acts, its networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.events import Event
from keyin.oauth.managed_ports import Beginning, History, SeenFrom

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keyin.domain.enrolment import InitialAccess, Registration
    from keyin.domain.records import RecordId
    from keyin.stores.rows import Row

_event: Final = msgspec.json.Decoder(Event).decode


def beginnings(
    registered: Sequence[Registration], came_with: Sequence[InitialAccess]
) -> Mapping[RecordId, Beginning]:
    """Return how computers came, by the ids of their records."""
    known = {one.id: one for one in came_with}
    return {
        one.client_id: Beginning(
            registration=one,
            access=known.get(one.initial_access_id) if one.initial_access_id else None,
        )
        for one in registered
    }


def history(acts: Sequence[Row], networks: Sequence[Row]) -> History:
    """Return what stands in rows of an event each, and of a network, its first and its last day."""
    return History(
        events=[_event(event) for (event,) in acts],
        networks=[SeenFrom(network=name, first=first, last=last) for name, first, last in networks],
    )
