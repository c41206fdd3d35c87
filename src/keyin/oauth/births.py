"""What comes of a registration, decided at the one moment in which it is also written (P47).

A `Birth` is asked by the store's unit of work with what is there just then. Whether its token can
still be used is looked at here again, and counted in the same transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import msgspec
from msgspec.structs import replace

from keyin.domain.enrolment import (
    Flag,
    InitialAccessKind,
    Notice,
    NoticeKind,
)
from keyin.domain.environment import Millis
from keyin.domain.events import Act, Event
from keyin.domain.records import RecordId, Status, StoppedBy
from keyin.oauth.enrolment_ports import Again, Born, Ending, Killed, Question
from keyin.oauth.errors import Reason, Refusal
from keyin.oauth.initial_access import one_computer
from keyin.oauth.notices import new_notice
from keyin.oauth.registration_changes import event_of
from keyin.oauth.registration_records import Birthplace
from keyin.oauth.registration_refusals import (
    KEY_KNOWN,
    NAME_TAKEN,
    SAME_INSTALLATION,
    SOFTWARE_STOPPED,
    check_access,
    is_open_channel,
    is_over,
    unusable,
)
from keyin.oauth.software_statements import unapproved

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.enrolment import InitialAccess
    from keyin.domain.records import Digest
    from keyin.oauth.enrolment_ports import Decision, Registered, Surroundings
    from keyin.oauth.registration_records import Maker
    from keyin.oauth.registration_rules import Granted

SameInstallation = Literal["allow", "replace", "deny"]
_QUIET: Final = frozenset({InitialAccessKind.FILE, InitialAccessKind.BUNDLE})
"""Their owner expects many computers: each new one is on the list, and in no letter."""


class Manners(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator decides about registering."""

    pending_ms: Millis
    same_installation: SameInstallation = "allow"
    unsafe_open: bool = False
    """Anybody registers; such a client opens nothing before a person says yes."""


class Occasion(msgspec.Struct, frozen=True, kw_only=True):
    """When, and from where: what events and notices say of a registration."""

    now: Millis
    address: str | None
    request_id: str | None


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A client, and the token with which it looks after itself."""

    registered: Registered
    token: str
    created: bool = True


class Birth(msgspec.Struct, kw_only=True):
    """One registration with an initial access token, or, `access` None, in the open profile."""

    maker: Maker
    manners: Manners
    occasion: Occasion
    granted: Granted
    jkt: str
    access: InitialAccess | None
    access_digests: Sequence[Digest]
    channel_digests: Sequence[Digest]
    outcome: Told | Refusal | None = None
    watchers: Sequence[RecordId] = ()
    """Who is told of what comes of it."""

    def question(self) -> Question:
        """Say what has to be known."""
        access, granted = self.access, self.granted
        return Question(
            access=self.access_digests,
            channel=self.channel_digests,
            kids=[self.jkt],
            owner=access.owner if access else None,
            site=access.site if access else None,
            software=(granted.software_id, granted.software_version),
            name=granted.name,
            installation_id=granted.installation_id,
        )

    def __call__(self, found: Surroundings) -> Decision:
        """Decide, and remember what is to be answered."""
        refusal = None
        self.watchers = watchers(self.access.owner if self.access else None, found)
        if self.access is not None:
            if found.access is None:
                return self._refuse(unusable(Reason.UNKNOWN_TOKEN))
            heard = self._heard(found, found.access)
            if heard is not None:
                return self._again(heard, found.access)
            refusal = check_access(found.access, self.occasion.now)
            if refusal is not None and refusal.reason is Reason.USED_UP:
                return self._used_up(found.access, refusal)
        refusal = refusal or self._hindered(found)
        return self._refuse(refusal) if refusal else self._born(found)

    def _refuse(self, refusal: Refusal) -> Decision:
        """Let nothing be written."""
        self.outcome = refusal
        return None

    def _heard(self, found: Surroundings, access: InitialAccess) -> Registered | None:
        """Return the client that this key became with this token already."""
        there = found.holders.get(self.jkt)
        if there is None or there.registration.initial_access_id != access.id:
            return None
        return there

    def _again(self, there: Registered, access: InitialAccess) -> Decision:
        """Tell it once more to who did not hear: of a client that was never proven (P48)."""
        registration, now = there.registration, self.occasion.now
        late = registration.activate_by is not None and registration.activate_by < now
        counts = there.client.status is Status.PENDING
        if late or not counts or access.status is not Status.ACTIVE or now >= access.expires:
            return self._refuse(unusable(Reason.EXPIRED))
        token, digest = self.maker.access_token()
        anew = replace(registration, token_digest=digest, version=registration.version + 1)
        self.outcome = Told(registered=replace(there, registration=anew), token=token.reveal())
        return Again(
            registration=anew,
            name=there.client.name,
            software_version=there.client.lineage.software_version,
            status=None,
            keys=there.keys,
            now=self.occasion.now,
            event=event_of(Act.REGISTRATION_CHANGED, there, self.occasion, {"what": "told again"}),
        )

    def _used_up(self, access: InitialAccess, refusal: Refusal) -> Decision:
        """End what came of a token that two had; of one for many, nothing but this."""
        if not one_computer(access.kind):
            return self._refuse(refusal)
        self.outcome = unusable(Reason.TOKEN_USED_TWICE)
        event = Event(
            act=Act.INITIAL_ACCESS_REVOKED,
            actor=access.owner or access.id,
            at=self.occasion.now,
            address=self.occasion.address,
            request_id=self.occasion.request_id,
            site=access.site,
            reason=Reason.TOKEN_USED_TWICE,
            detail={"initial_access": access.id, "descendants": "yes"},
        )
        ending = Ending(reason=Reason.TOKEN_USED_TWICE, now=self.occasion.now, event=event)
        notices = self._notices(NoticeKind.TOKEN_USED_TWICE, None, access.id, access.label)
        return Killed(access_id=access.id, ending=ending, notices=notices)

    def _hindered(self, found: Surroundings) -> Refusal | None:
        """Refuse what only the store could know."""
        closed = self.channel_digests and not is_open_channel(found.channel, self.occasion.now)
        known = self.jkt in found.holders and not is_over(found.holders[self.jkt], self.jkt)
        named = self.access is not None and self.access.owner is not None
        same, manner = found.same_installation, self.manners.same_installation
        others = set(found.same_name) - set(same)  # who enrols again keeps its name
        for hinders, refusal in (
            (found.stopped is StoppedBy.SITE, unusable(Reason.SITE_NOT_ACTIVE)),
            (not found.owner_stands, unusable(Reason.OWNER_NOT_ACTIVE)),
            (closed, unapproved()),
            (found.stopped is StoppedBy.SOFTWARE, SOFTWARE_STOPPED),
            (known, KEY_KNOWN),
            (named and others, NAME_TAKEN),
            (same and manner == "deny", SAME_INSTALLATION),
        ):
            if hinders:
                return refusal
        return None

    def _born(self, found: Surroundings) -> Born:
        access, now = self.access, self.occasion.now
        awaiting = access is None
        flags = (
            *((Flag.SAME_INSTALLATION,) if found.same_installation else ()),
            *((Flag.AWAITING,) if awaiting else ()),
        )
        token, digest = self.maker.access_token()
        made = self.maker.records(
            self.granted,
            Birthplace(
                owner=access.owner if access else None,
                site=access.site if access else None,
                access_id=access.id if access else None,
                channel_id=found.channel.id if found.channel else None,
            ),
            client_id=self.maker.client_id(),
            status=Status.PENDING,
            digest=digest,
            activate_by=None if awaiting else Millis(now + self.manners.pending_ms),
            flags=flags,
            now=now,
        )
        self.outcome = Told(registered=made, token=token.reveal())
        return Born(
            client=made.client,
            credential=made.credential,
            key=made.keys[0],
            registration=made.registration,
            access_id=access.id if access else None,
            event=event_of(
                Act.CLIENT_REGISTERED,
                made,
                self.occasion,
                {"initial_access": access.id if access else "-"},
            ),
            notices=self._of_birth(made, found.access),
            ends=found.same_installation if self.manners.same_installation == "replace" else (),
        )

    def _of_birth(self, made: Registered, access: InitialAccess | None) -> list[Notice]:
        """Tell the owner: of each computer, or, of a file, when the last one came."""
        if access is None:
            return []
        name = made.client.name
        kinds = [] if access.kind in _QUIET else [NoticeKind.REGISTERED]
        if Flag.SAME_INSTALLATION in made.registration.flags:
            kinds.append(NoticeKind.SAME_INSTALLATION)
        told = [
            one for kind in kinds for one in self._notices(kind, made.client.id, access.id, name)
        ]
        if access.kind in _QUIET and access.uses + 1 >= access.max_uses:
            told += self._notices(NoticeKind.TOKEN_USED_UP, None, access.id, access.label)
        return told

    def _notices(
        self,
        kind: NoticeKind,
        client_id: RecordId | None,
        access_id: RecordId | None,
        name: str | None,
    ) -> list[Notice]:
        return [
            new_notice(
                kind,
                account,
                entropy=self.maker.entropy,
                client_id=client_id,
                initial_access_id=access_id,
                name=name,
                address=self.occasion.address,
                at=self.occasion.now,
            )
            for account in self.watchers
        ]


def watchers(owner: str | None, found: Surroundings) -> Sequence[RecordId]:
    """Return who is told: the account that answers for it, or those that own the site."""
    return found.site_owners if owner is None else [RecordId(owner)]
