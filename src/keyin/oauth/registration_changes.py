"""What becomes of a registered client by its own word, decided where it is also written.

A client that somebody stopped meanwhile stays stopped, whatever it says (CVE-2026-9705 of another).
One whose software's version was stopped counts again when it runs another: that is what it was for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec
from msgspec.structs import replace

from keyin.domain.enrolment import Computer
from keyin.domain.events import Act, Event
from keyin.domain.records import Status, StoppedBy
from keyin.oauth.enrolment_ports import Again, Question
from keyin.oauth.errors import Reason, Refusal
from keyin.oauth.new_clients import new_key
from keyin.oauth.registration_records import template_of
from keyin.oauth.registration_refusals import (
    KEY_KNOWN,
    NAME_TAKEN,
    SOFTWARE_STOPPED,
    is_open_channel,
    unusable,
)
from keyin.oauth.registration_rules import Terms
from keyin.oauth.software_statements import unapproved

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keyin.domain.records import Client, ClientKey, Digest
    from keyin.oauth.births import Occasion
    from keyin.oauth.enrolment_ports import Decision, Registered, Surroundings
    from keyin.oauth.registration_rules import Granted


class Change(Protocol):
    """Asked by the store's unit of work."""

    @property
    def outcome(self) -> Registered | Refusal | None:
        """Return the client as it is afterwards, or why not."""
        ...

    def question(self) -> Question:
        """Say what has to be known."""
        ...

    def __call__(self, found: Surroundings) -> Decision:
        """Decide."""
        ...


class Replacing(msgspec.Struct, kw_only=True):
    """A PUT."""

    registered: Registered
    granted: Granted
    channel_digests: Sequence[Digest]
    occasion: Occasion
    outcome: Registered | Refusal | None = None

    def question(self) -> Question:
        """Say what has to be known."""
        lineage, granted = self.registered.client.lineage, self.granted
        return Question(
            channel=self.channel_digests,
            client_id=self.registered.credential.oauth2_client_id,
            kids=[key.thumbprint for key in granted.keys],
            owner=lineage.owner,
            site=lineage.site,
            software=(granted.software_id, granted.software_version),
            name=granted.name,
        )

    def __call__(self, found: Surroundings) -> Decision:
        """Decide."""
        there = found.named
        if there is None or not may_change(there.client):
            self.outcome = unusable(Reason.CLIENT_NOT_ACTIVE)
            return None
        refusal = self._hindered(found, there)
        if refusal is not None:
            self.outcome = refusal
            return None
        return self._changed(there)

    def _hindered(self, found: Surroundings, there: Registered) -> Refusal | None:
        others = [id_ for id_ in found.same_name if id_ != there.client.id]
        own = [key.kid for key in there.keys if key.status is Status.ACTIVE]
        foreign = [kid for kid in found.holders if kid not in own]
        closed = self.channel_digests and not is_open_channel(found.channel, self.occasion.now)
        for hinders, refusal in (
            (closed, unapproved()),
            (found.stopped is StoppedBy.SOFTWARE, SOFTWARE_STOPPED),
            (foreign, KEY_KNOWN),
            (there.client.lineage.owner is not None and others, NAME_TAKEN),
        ):
            if hinders:
                return refusal
        return None

    def _changed(self, there: Registered) -> Again:
        granted, now = self.granted, self.occasion.now
        known = {key.kid: key for key in there.keys}
        keys = [
            known.get(key.thumbprint) or new_key(key, there.credential.id, now)
            for key in granted.keys
        ]
        registration = replace(
            there.registration,
            scopes=granted.scopes,
            version=there.registration.version + 1,
        )
        version = granted.software_version
        client = replace(
            there.client,
            name=granted.name,
            status=Status.ACTIVE,
            stopped_by=None,
            lineage=replace(there.client.lineage, software_version=version),
        )
        self.outcome = replace(
            there,
            registration=registration,
            client=client,
            keys=sorted(keys, key=lambda key: (key.added, key.kid)),
        )
        return Again(
            registration=registration,
            name=granted.name,
            software_version=version,
            status=None,
            keys=keys,
            now=now,
            event=event_of(
                Act.REGISTRATION_CHANGED, there, self.occasion, {"keys": str(len(keys))}
            ),
        )


class Ending(msgspec.Struct, kw_only=True):
    """A DELETE."""

    registered: Registered
    occasion: Occasion
    outcome: Registered | Refusal | None = None

    def question(self) -> Question:
        """Say what has to be known."""
        return Question(client_id=self.registered.credential.oauth2_client_id)

    def __call__(self, found: Surroundings) -> Decision:
        """Decide."""
        there = found.named
        if there is None or there.client.status not in {Status.ACTIVE, Status.PENDING}:
            self.outcome = unusable(Reason.CLIENT_NOT_ACTIVE)
            return None
        self.outcome = there
        return Again(
            registration=replace(
                there.registration, activate_by=None, version=there.registration.version + 1
            ),
            name=there.client.name,
            software_version=there.client.lineage.software_version,
            status=Status.REVOKED,
            keys=(),
            now=self.occasion.now,
            event=event_of(Act.CLIENT_REVOKED, there, self.occasion, {"by": "itself"}),
        )


def terms_of(found: Registered) -> Terms:
    """Return what a client may become: what it is."""
    client, stated = found.client, found.registration.channel_id is not None
    version = client.lineage.software_version
    return Terms(
        template=template_of(found),
        computer=Computer(
            computer_type=client.computer_type,
            software_id=client.lineage.software_id,
            software_version=version if stated else None,
            installation_id=found.registration.installation_id,
        ),
        registered=True,
        version_before=version,
    )


def may_change(client: Client) -> bool:
    """Tell whether a client may say anew what it is: it counts, or only its version is stopped.

    A version is what an upgrade changes; that the client or its site was stopped, is not.
    """
    return client.status is Status.ACTIVE or client.stopped_by is StoppedBy.SOFTWARE


def counts(key: ClientKey, kid: str) -> bool:
    """Tell whether this is the key, and it still proves its client."""
    return key.kid == kid and key.status is Status.ACTIVE


def event_of(act: Act, about: Registered, occasion: Occasion, detail: Mapping[str, str]) -> Event:
    """Return the event of what a client does to itself."""
    return Event(
        act=act,
        actor=about.credential.oauth2_client_id,
        at=occasion.now,
        address=occasion.address,
        request_id=occasion.request_id,
        client=about.client.id,
        site=about.client.lineage.site,
        detail=dict(detail),
    )
