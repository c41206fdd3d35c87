"""Coming back with a certificate: to a cloud that has forgotten the client, or has let it go.

Where the client still stands, it is told its registration again: a computer that lost its papers,
but not its key. Where it lapsed, or is unknown after a restore, it counts at once if its site says
that computers return by themselves, and otherwise after one click of its owner. A client that was
taken back does not return, nor one whose owner, site or software was stopped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from keyin.domain.enrolment import Flag, Notice, NoticeKind
from keyin.domain.events import Act, Event
from keyin.domain.records import RecordId, Status
from keyin.oauth.births import Told, watchers
from keyin.oauth.enrolment_ports import Again, Born, Question
from keyin.oauth.errors import Reason, Refusal
from keyin.oauth.new_clients import new_key
from keyin.oauth.notices import new_notice
from keyin.oauth.registering import Proved, occasion
from keyin.oauth.registration_changes import event_of
from keyin.oauth.registration_records import Birthplace
from keyin.oauth.registration_refusals import unusable
from keyin.oauth.registration_rules import Granted
from keyin.wire.dpop_proofs import proof_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.records import ClientKey
    from keyin.oauth.asked import Asked
    from keyin.oauth.births import Occasion
    from keyin.oauth.certificates import Certificate, Certificates
    from keyin.oauth.enrolment_ports import Decision, Registered, Surroundings
    from keyin.oauth.registering import Door, Presented, Store
    from keyin.oauth.registration_records import Maker
    from keyin.wire.enrolment import RegistrationAnswer
    from keyin.wire.jose import PublicKey


class Returning(msgspec.Struct, frozen=True, kw_only=True):
    """Answers who presents a certificate in the place of an initial access token."""

    door: Door
    store: Store
    maker: Maker
    certificates: Certificates

    async def come_back(self, presented: Presented, asked: Asked) -> RegistrationAnswer | Refusal:
        """Let a client return. Raises StoreUnavailable."""
        slowed = await self.door.slowed(presented, asked, known=False)
        if slowed:
            return slowed
        certificate = self.certificates.read(presented.token.reveal())
        if certificate is None or presented.bound is None:
            return await self.door.failed(presented, asked, Reason.CERTIFICATE)
        proved = await self.door.proved(presented, asked)
        if isinstance(proved, Refusal):
            return proved
        if proved.jkt != certificate.jkt:
            return await self.door.failed(presented, asked, Reason.ANOTHER_KEY)
        return await self._decided(certificate, proved, asked)

    async def _decided(
        self, certificate: Certificate, proved: Proved, asked: Asked
    ) -> RegistrationAnswer | Refusal:
        back = Return(
            maker=self.maker,
            certificate=certificate,
            key=proof_key(asked.sent.proofs[0]),
            occasion=occasion(asked),
        )
        before = await self.store.register(back.question(), back, uses=proved.uses)
        if before is not None:
            return unusable(Reason.REPLAYED)
        if isinstance(back.outcome, Told):
            told = back.outcome
            return self.maker.answer(told.registered, told.token, jkt=proved.jkt, now=asked.now)
        return await self.door.refuse(
            back.outcome or unusable(Reason.CERTIFICATE),
            Proved("", ()),
            asked,
            actor=certificate.sub,
            site=certificate.site,
        )


class Return(msgspec.Struct, kw_only=True):
    """Decides about one certificate, where it is also written."""

    maker: Maker
    certificate: Certificate
    key: PublicKey
    occasion: Occasion
    outcome: Told | Refusal | None = None
    watchers: Sequence[RecordId] = ()

    def question(self) -> Question:
        """Say what has to be known."""
        said = self.certificate
        return Question(
            client_id=said.sub,
            kids=[said.jkt],
            owner=said.owner,
            site=said.site,
            software=(said.software_id, said.software_version),
            name=said.name,
            installation_id=said.installation_id,
        )

    def __call__(self, found: Surroundings) -> Decision:
        """Decide."""
        there = found.named
        self.watchers = watchers(self.certificate.owner, found)
        if found.stopped is not None or not found.owner_stands or self._foreign(found):
            return self._refuse(Reason.CLIENT_NOT_ACTIVE)
        if there is None:
            return self._anew(found)
        if any(key.kid == self.key.thumbprint and not _active(key) for key in there.keys):
            return self._refuse(Reason.CLIENT_KEY_NOT_ACTIVE)
        if there.client.status in {Status.ACTIVE, Status.PENDING}:
            return self._again(there, there.client.status, there.registration.flags)
        if there.client.status is Status.EXPIRED:
            return self._revived(found, there)
        return self._refuse(Reason.CLIENT_NOT_ACTIVE)

    def _refuse(self, reason: Reason) -> Decision:
        self.outcome = unusable(reason)
        return None

    def _foreign(self, found: Surroundings) -> bool:
        """Tell whether the key became another client's meanwhile."""
        if self.key.thumbprint not in found.holders:
            return False
        holder = found.holders[self.key.thumbprint]
        return holder is None or holder.credential.oauth2_client_id != self.certificate.sub

    def _again(self, there: Registered, status: Status, flags: tuple[Flag, ...]) -> Again:
        """Tell a client its registration once more; a key that the certificate names counts."""
        token, digest = self.maker.access_token()
        known = any(key.kid == self.key.thumbprint for key in there.keys)
        active = [key for key in there.keys if _active(key)]
        keys = active if known else [new_key(self.key, there.credential.id, self.occasion.now)]
        changed = status is not there.client.status
        registration = replace(
            there.registration,
            token_digest=digest,
            flags=flags,
            activate_by=None if changed else there.registration.activate_by,
            version=there.registration.version + 1,
        )
        client = replace(there.client, status=status)
        after = replace(there, registration=registration, client=client, keys=keys)
        self.outcome = Told(registered=after, token=token.reveal())
        return Again(
            registration=registration,
            name=client.name,
            software_version=client.lineage.software_version,
            status=status if changed else None,
            keys=keys,
            now=self.occasion.now,
            event=self._event(after),
            notices=self._notices(after) if changed else (),
        )

    def _revived(self, found: Surroundings, there: Registered) -> Again:
        status, flags = _standing(found)
        return self._again(there, status, flags)

    def _anew(self, found: Surroundings) -> Born:
        """Write down again what the store has forgotten, as the certificate has it."""
        said = self.certificate
        status, flags = _standing(found)
        token, digest = self.maker.access_token()
        made = self.maker.records(
            _granted(said, self.key),
            Birthplace(
                owner=said.owner,
                site=said.site,
                access_id=RecordId(said.initial_access) if said.initial_access else None,
                channel_id=RecordId(said.channel) if said.channel else None,
            ),
            client_id=said.sub,
            status=status,
            digest=digest,
            activate_by=None,
            flags=flags,
            now=self.occasion.now,
        )
        self.outcome = Told(registered=made, token=token.reveal())
        return Born(
            client=made.client,
            credential=made.credential,
            key=made.keys[0],
            registration=made.registration,
            event=self._event(made),
            notices=self._notices(made),
        )

    def _event(self, about: Registered) -> Event:
        status = about.client.status.value
        return event_of(Act.CLIENT_RETURNED, about, self.occasion, {"status": status})

    def _notices(self, about: Registered) -> list[Notice]:
        awaiting = Flag.AWAITING in about.registration.flags
        return [
            new_notice(
                NoticeKind.AWAITING if awaiting else NoticeKind.RETURNED,
                account,
                entropy=self.maker.entropy,
                client_id=about.client.id,
                initial_access_id=about.registration.initial_access_id,
                name=about.client.name,
                address=self.occasion.address,
                at=self.occasion.now,
            )
            for account in self.watchers
        ]


def _standing(found: Surroundings) -> tuple[Status, tuple[Flag, ...]]:
    """Say how somebody counts who returns."""
    if found.returns_by_itself:
        return Status.ACTIVE, (Flag.RETURNED,)
    return Status.PENDING, (Flag.RETURNED, Flag.AWAITING)


def _granted(said: Certificate, key: PublicKey) -> Granted:
    return Granted(
        name=said.name or said.sub,
        computer_type=said.computer_type,
        scopes=said.scopes,
        software_id=said.software_id,
        software_version=said.software_version,
        installation_id=said.installation_id,
        keys=(key,),
        template=said.template,
    )


def _active(key: ClientKey) -> bool:
    return key.status is Status.ACTIVE
