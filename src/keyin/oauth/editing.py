"""A person gives a computer another name, type or place (M5).

Looked at and written in one unit of work, with the rules of registering: a name is its owner's
once, and where a site is stopped nothing comes to stand. Whoever saw an older record changes
nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from keyin.domain.enrolment import STANDING
from keyin.domain.records import Status, StoppedBy
from keyin.oauth.enrolment_ports import Again, Place, Question
from keyin.oauth.managed_ports import Acted

if TYPE_CHECKING:
    from keyin.domain.events import Event
    from keyin.oauth.consent import Choice
    from keyin.oauth.enrolment_ports import Decision, Registered, Registering, Surroundings


class _Edit(msgspec.Struct):
    choice: Choice
    version: int
    event: Event
    acted: Acted = Acted.OVER

    def __call__(self, found: Surroundings) -> Decision:
        there = found.named
        if there is None or there.registration.version != self.version:
            return None
        moved = self.choice.site != there.client.lineage.site
        if there.client.status not in STANDING or (moved and found.stopped is StoppedBy.SITE):
            return None
        if set(found.same_name) - {there.client.id}:
            self.acted = Acted.TAKEN
            return None
        self.acted = Acted.DONE
        return self._again(there)

    def _again(self, there: Registered) -> Again:
        version = there.registration.version + 1
        return Again(
            registration=replace(there.registration, version=version),
            name=self.choice.name,
            software_version=there.client.lineage.software_version,
            status=None,
            keys=[key for key in there.keys if key.status is Status.ACTIVE],
            now=self.event.at,
            event=self.event,
            place=Place(computer_type=self.choice.computer_type, site=self.choice.site),
        )


async def edited(
    store: Registering,
    oauth2_client_id: str,
    choice: Choice,
    *,
    owner: str | None,
    version: int,
    event: Event,
) -> Acted:
    """Change a computer that was seen at this version. Raises StoreUnavailable."""
    edit = _Edit(choice, version, event)
    question = Question(client_id=oauth2_client_id, owner=owner, name=choice.name, site=choice.site)
    await store.register(question, edit)
    return edit.acted
