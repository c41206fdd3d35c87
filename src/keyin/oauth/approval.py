"""A person's yes to a computer that waits for it: it came back, or nobody vouched for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from keyin.domain.enrolment import Flag
from keyin.domain.records import Status
from keyin.oauth.enrolment_ports import Again, Question

if TYPE_CHECKING:
    from keyin.domain.events import Event
    from keyin.oauth.enrolment_ports import Decision, Registering, Surroundings


async def approved(store: Registering, oauth2_client_id: str, *, event: Event) -> bool:
    """Let a waiting computer count; say whether it waited. Raises StoreUnavailable."""
    done = []

    def decide(found: Surroundings) -> Decision:
        there = found.named
        if there is None or Flag.AWAITING not in there.registration.flags:
            return None
        if there.client.status is not Status.PENDING:
            return None
        done.append(True)
        registration = there.registration
        flags = tuple(flag for flag in registration.flags if flag is not Flag.AWAITING)
        return Again(
            registration=replace(
                registration, flags=flags, activate_by=None, version=registration.version + 1
            ),
            name=there.client.name,
            software_version=there.client.lineage.software_version,
            status=Status.ACTIVE,
            keys=[key for key in there.keys if key.status is Status.ACTIVE],
            now=event.at,
            event=event,
        )

    await store.register(Question(client_id=oauth2_client_id), decide)
    return bool(done)
