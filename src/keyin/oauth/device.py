"""The device grant's two ends (RFC 8628): where a device begins, and where a person decides.

Off until a configuration switches it on (RFC 10027: cross-device flows only where nothing better
works). A user code is one of 20^8, lives ten minutes, and a person has five tries (P56); the page
shows from where the device asked, and warns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from keyin.domain.address_text import address_text, same_network
from keyin.domain.applications import DEVICE_CODE
from keyin.domain.authorization import DeviceRequest
from keyin.domain.environment import Entropy, Millis
from keyin.domain.events import Act, Event
from keyin.domain.records import Status
from keyin.oauth.accounts import Attempts
from keyin.oauth.authorization_request import scope_of
from keyin.oauth.computer_wishes import Bringing, read_computer
from keyin.oauth.consent import detail_of
from keyin.oauth.errors import Code, Reason, Refusal, refused
from keyin.oauth.flow_ports import Applications, DeviceRequests
from keyin.oauth.notices import of_report
from keyin.wire.jose import wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.absent import Value
    from keyin.domain.applications import Application
    from keyin.domain.enrolment import Computer, Notice
    from keyin.domain.records import Digest
    from keyin.oauth.accounts import Account
    from keyin.oauth.asked import Asked
    from keyin.oauth.consent import Choice
    from keyin.oauth.ports import Peppers
    from keyin.oauth.proven_sender import ProvenSenders, Sender
    from keyin.oauth.software_statements import Statements

LIFETIME_S: Final = 600
INTERVAL_S: Final = 5
TRIES: Final = 5
ALPHABET: Final = "BCDFGHJKLMNPQRSTVWXZ"
"""Twenty letters that make no word and are hard to mistake (RFC 8628 §6.1)."""
LETTERS: Final = 8
_GROUP: Final = 4
_DEVICE_BYTES: Final = 32  # 256 bits (ASVS 11.5.1)
_FAIR: Final = 256 - 256 % len(ALPHABET)
"""Octets below this fall on every letter equally often."""


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """What a device is told; the user code is shown to a person."""

    device_code: str
    user_code: str
    page: str

    def told(self) -> dict[str, Value]:
        """Return RFC 8628 §3.2's members; no address with the code in it: it is to be typed."""
        return {
            "device_code": self.device_code,
            "user_code": self.user_code,
            "verification_uri": self.page,
            "expires_in": LIFETIME_S,
            "interval": INTERVAL_S,
        }


class DeviceAuthorization(msgspec.Struct, frozen=True, kw_only=True):
    """Answers a device that is an authenticated application."""

    senders: ProvenSenders
    store: DeviceRequests
    peppers: Peppers
    entropy: Entropy
    issuer: str
    statements: Statements

    async def begin(self, asked: Asked) -> Begun | Refusal:
        """Remember what a device wants and give it its codes. Raises StoreUnavailable."""
        sender = await self.senders.identify(asked)
        if isinstance(sender, Refusal):
            return sender
        outcome = await self._begun(asked, sender)
        if isinstance(outcome, Refusal):
            return await self.senders.refuse(outcome, sender, asked)
        return outcome

    async def _begun(self, asked: Asked, sender: Sender) -> Begun | Refusal:
        application = sender.proven.application
        if application is None or DEVICE_CODE not in application.grant_types:
            return refused(
                Code.UNAUTHORIZED_CLIENT, "Not for this client", Reason.GRANT_NOT_ALLOWED
            )
        scope = scope_of(asked.parameters, application)
        if scope is None:
            return refused(Code.INVALID_SCOPE, "No such scope", Reason.SCOPE)
        bringing = Bringing(jkt=sender.jkt, statements=self.statements, now=asked.now)
        computer = read_computer(asked.parameters, scope, bringing)
        if isinstance(computer, Refusal):
            return computer
        if not sender.proven.certain:
            throttle = self.senders.clients.throttle
            slowed = await throttle.before_unproven_wish(asked.address, now=asked.now)
            if slowed:
                return slowed
        return await self._remember(asked, sender, application, scope, computer)

    async def _remember(
        self,
        asked: Asked,
        sender: Sender,
        application: Application,
        scope: str,
        computer: Computer | None,
    ) -> Begun:
        while True:
            device_code = wrapped(self.entropy.token_bytes(_DEVICE_BYTES))
            user_code = new_user_code(self.entropy)
            request = DeviceRequest(
                digest=self.peppers.digests("device_code", device_code)[0],
                user_code=self.peppers.digests("user_code", _bare(user_code))[0],
                credential_id=application.credential_id,
                scope=scope,
                jkt=sender.jkt,
                address=address_text(asked.address),
                interval_s=INTERVAL_S,
                polled=None,
                account_id=None,
                account_epoch=None,
                denied=False,
                expires=Millis(asked.now + LIFETIME_S * 1000),
                computer=computer,
            )
            if await self.store.add_device_request(request):
                page = f"{self.issuer}/device"
                return Begun(device_code=device_code, user_code=user_code, page=page)


class PageStore(DeviceRequests, Applications, Attempts, Protocol):
    """What the page's end reads and writes."""


class DeviceAsking(msgspec.Struct, frozen=True, kw_only=True):
    """What a person has to know before they let a device in."""

    client_id: str
    name: str | None
    site: str | None
    scopes: tuple[str, ...]
    address: str | None
    """From where the device asked: it may be somebody else's."""
    same_network: bool | None
    """Whether the person asks from the same network; None: not known."""
    computer: Computer | None = None
    """What it wants to enrol."""
    jkt: str | None = None
    """That computer's key."""


class Unknown(msgspec.Struct, frozen=True):
    """No such code that waits for an answer; with `too_many`, none is looked up for a while."""

    too_many: bool = False


class DevicePage(msgspec.Struct, frozen=True, kw_only=True):
    """What `/device` calls; each method raises StoreUnavailable."""

    store: PageStore
    peppers: Peppers
    only_same_network: bool = False
    """Let in only what asks from the person's own network (RFC 10027: proximity)."""

    async def look_up(
        self, user_code: str, *, account: Account, now: Millis, address: str | None = None
    ) -> DeviceAsking | Unknown:
        """Say what asks under this code; a wrong one counts against the person's account."""
        found = await self._find(user_code, account, now)
        if isinstance(found, Unknown) or self._too_far(found, address):
            return Unknown() if isinstance(found, DeviceRequest) else found
        registered = await self.store.find_registered(found.credential_id)
        if registered is None or {one.status for one in registered[:2]} != {Status.ACTIVE}:
            return Unknown()
        credential, client, _ = registered
        return DeviceAsking(
            client_id=credential.oauth2_client_id,
            name=client.name,
            site=client.lineage.site,
            scopes=tuple(found.scope.split(" ")),
            address=found.address,
            same_network=same_network(found.address, address),
            computer=found.computer,
            jkt=found.jkt,
        )

    async def decide(  # noqa: PLR0913 - who, where, what, when
        self,
        user_code: str,
        *,
        account: Account,
        act: Act,
        now: Millis,
        address: str | None = None,
        request_id: str | None = None,
        choice: Choice | None = None,
    ) -> bool | Unknown:
        """Write the person's answer down; the first one counts. A computer needs a `choice`.

        `act` is what they did: CONSENT_GIVEN, _DENIED or _REPORTED.
        """
        found = await self._find(user_code, account, now)
        if isinstance(found, Unknown) or self._too_far(found, address):
            return Unknown() if isinstance(found, DeviceRequest) else found
        registered = await self.store.find_registered(found.credential_id)
        if registered is None or (found.computer is None) != (choice is None):
            return Unknown()
        client, yes = registered[1], act is Act.CONSENT_GIVEN
        event = Event(
            act=act,
            at=now,
            actor=account.id,
            client=client.id,
            site=client.lineage.site if choice is None else choice.site if yes else None,
            address=address,
            request_id=request_id,
            detail=_detail(act, found),
        )
        return await self.store.answer_device(
            found.digest,
            (account.id, account.epoch) if yes else None,
            event=event,
            computer=choice.of(found.computer) if choice and found.computer else None,
            site=choice.site if choice else None,
            told=_told(found, event),
        )

    async def _find(self, user_code: str, account: Account, now: Millis) -> DeviceRequest | Unknown:
        bucket = self.peppers.digests("user_code_tries", account.id)[:1]
        (before,) = await self.store.failures(bucket)
        since = Millis(now - LIFETIME_S * 1000)
        if before is not None and before.count >= TRIES and before.last > since:
            return Unknown(too_many=True)
        found = await self.store.find_by_user_code(self._digests(user_code))
        if found is not None and now <= found.expires and _unanswered(found):
            return found
        await self.store.note_failure(bucket, now=now, forget_before=since, event=None)
        return Unknown()

    def _too_far(self, found: DeviceRequest, address: str | None) -> bool:
        return self.only_same_network and same_network(found.address, address) is not True

    def _digests(self, user_code: str) -> tuple[Digest, ...]:
        return self.peppers.digests("user_code", _bare(user_code))


def _detail(act: Act, found: DeviceRequest) -> dict[str, str]:
    jkt = found.jkt if found.computer else None
    return detail_of(act, found.scope, jkt, found.address, grant="device_code")


def _told(request: DeviceRequest, event: Event) -> Sequence[Notice]:
    """Keep for the person what they reported."""
    if event.act is not Act.CONSENT_REPORTED:
        return ()
    name = request.computer.name if request.computer else None
    return [of_report(request.digest, name, request.address, event)]


def new_user_code(entropy: Entropy) -> str:
    """Return a code for a person to type, such as `WDJB-MJHT`; every one equally likely."""
    letters: list[str] = []
    while len(letters) < LETTERS:
        octets = entropy.token_bytes(LETTERS * 2)
        letters += [ALPHABET[octet % len(ALPHABET)] for octet in octets if octet < _FAIR]
    text = "".join(letters[:LETTERS])
    return f"{text[:_GROUP]}-{text[_GROUP:]}"


def _bare(user_code: str) -> str:
    """Return the letters of what a person typed: case, dashes and blanks say nothing."""
    return "".join(letter for letter in user_code.upper() if letter in ALPHABET)


def _unanswered(request: DeviceRequest) -> bool:
    return request.account_id is None and not request.denied
