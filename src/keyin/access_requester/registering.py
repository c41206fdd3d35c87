"""From a token to an identity in use: register the key, keep the answer, prove it, put it in place.

The identity in use stays where it is until the cloud has taken the new one's first word; a crash
anywhere leaves the old one, and the new one beside it to go on with (P85).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import msgspec
import structlog
from msgspec.structs import replace

from keyin.access_requester.asked import AskedBefore
from keyin.access_requester.keys import signing, to_keep
from keyin.access_requester.own_identity import seen
from keyin.access_requester.software_statement import Software, read_statement
from keyin.domain.errors import ConfigurationError, KeyinError, Refused
from keyin.domain.identity import is_copy, is_for
from keyin.domain.secret import Secret
from keyin.remote.cloud_token import EXCHANGE
from keyin.remote.proven_requests import Presented
from keyin.stores.credential_file import CredentialFile, Registered
from keyin.wire.enrolment import InstallationDetails, RegistrationRequest
from keyin.wire.key_fingerprint import key_fingerprint
from keyin.wire.requester import ErrorCode
from keyin.wire.requester_trouble import Trouble, trouble

if TYPE_CHECKING:
    from keyin.access_requester.asked import Asked
    from keyin.access_requester.own_identity import OwnIdentity
    from keyin.access_requester.reach import Reach
    from keyin.remote.cloud_enrolment import EnrolmentCloud
    from keyin.wire.enrolment import RegistrationAnswer
    from keyin.wire.jose import PublicKey
    from keyin.wire.signing_key import SigningKey

SOFTWARE_ID: Final = "net.keyin.requester"
SCOPE: Final = "settings:read settings:write"
_ACTIVE: Final = "active"
_AWAITING: Final = "awaiting"
_LONGEST_STEM: Final = 70
WAITED_FOR: Final = frozenset({ErrorCode.CLOCK_SKEW, ErrorCode.RATE_LIMITED})
"""What the cloud refuses today and may take tomorrow."""
_log = structlog.get_logger()


class Registering:
    """One at a time."""

    def __init__(self, *, reach: Reach, identity: OwnIdentity, version: str) -> None:
        self._reach = reach
        self._identity = identity
        self._version = version
        self._alone = asyncio.Lock()
        self.asked = AskedBefore(identity)
        self.answer: RegistrationAnswer | None = None
        """What the cloud said of this computer last."""

    def software(self) -> Software:
        """Return what this computer runs now. Raises Refused (`statement_wrong`)."""
        statement = read_statement(self._reach.config.enrolment.software_statement)
        return Software(self._version, statement)

    def details(self, key: SigningKey) -> InstallationDetails:
        """Say what a person is asked to approve. Raises ConfigurationError, Refused."""
        section, machine = self._reach.config.enrolment, self._identity.machine
        software = self.software()
        try:
            return msgspec.convert(
                {
                    "type": "gpii_installation",
                    "client_name": section.name or machine.name(),
                    "computer_type": section.computer_type,
                    "software_id": SOFTWARE_ID,
                    "software_version": software.version,
                    "installation_id": machine.installation_id(),
                    "software_statement": software.statement,
                    "jkt": key.public.thumbprint,
                },
                InstallationDetails,
            )
        except msgspec.ValidationError as exc:
            raise ConfigurationError(
                "[enrolment] says something of this computer that no cloud takes",
                next_step="write `name` in one line of at most 80 characters, and `computer_type` "
                "as one word in small letters",
            ) from exc

    async def register(self, asked: Asked) -> None:
        """Register the key and keep the answer beside the identity in use.

        What the cloud is asked with is kept first: whatever happens, it can be asked for the answer
        again. Raises Refused, CloudUnreachable, ConfigurationError.
        """
        self._identity.files.check()
        details = self.details(asked.key)
        kept = self.asked.keep(asked, self.cloud().issuer)
        try:
            await self._registered(asked, details)
        except Refused as exc:
            if kept and exc.code not in WAITED_FOR:
                self.asked.forget()
            raise
        if kept:
            self.asked.forget()

    async def _registered(self, asked: Asked, details: InstallationDetails) -> None:
        cloud, key, presented = self.cloud(), asked.key, asked.presented
        try:
            answer = await cloud.register(key, presented, self._wish(key, details))
        except Refused as exc:
            if exc.code != Trouble.NOT_ACCEPTED or presented.scheme != "Bearer":
                raise
            # one of forty copies with one host name: nobody is there to choose another
            named = f"{details.client_name[:_LONGEST_STEM]} {key_fingerprint(details.jkt)}"
            details = replace(details, client_name=named)
            answer = await cloud.register(key, presented, self._wish(key, details))
        said = Software(details.software_version or "", details.software_statement)
        self._identity.files.write_coming(self._kept(key, answer, cloud.issuer, said))
        self.answer = answer
        _log.info("registered", state=answer.gpii_status)

    def _wish(self, key: SigningKey, details: InstallationDetails) -> RegistrationRequest:
        return RegistrationRequest(
            client_name=details.client_name,
            application_type="native",
            token_endpoint_auth_signing_alg=key.public.algorithm,
            jwks=key_set(key.public),
            grant_types=(EXCHANGE,),
            scope=SCOPE,
            dpop_bound_access_tokens=True,
            software_id=SOFTWARE_ID,
            software_version=details.software_version,
            software_statement=details.software_statement,
            gpii_computer_type=details.computer_type,
            gpii_installation_id=details.installation_id,
        )

    async def prove(self) -> None:
        """Prove the new identity, then put it in the old one's place.

        Raises Refused, CloudUnreachable, ConfigurationError; what the cloud does not know (any
        more) is dropped.
        """
        async with self._alone:
            coming = self._identity.files.coming()
            if coming is None:
                raise trouble(Trouble.GIVEN_UP)
            try:
                await self._reach.prove(coming)
            except Refused as exc:
                if exc.code == ErrorCode.CREDENTIAL_REVOKED:
                    self._identity.files.drop_coming()
                    raise trouble(Trouble.NOT_TAKEN) from exc
                raise
            former = self._former(coming)
            self._identity.files.promote()
            await self._reach.arrive()
            _log.info("enrolled")
        if former is not None:
            await self._end(former)

    async def ask_whether_approved(self) -> bool:
        """Look whether a person has said yes. Raises Refused, CloudUnreachable."""
        files = self._identity.files
        coming = files.coming()
        if coming is None or coming.registered is None:
            raise trouble(Trouble.GIVEN_UP)
        registered = coming.registered
        try:
            answer = await self.cloud().look(
                signing(coming.private_key),
                registered.uri,
                Presented(Secret(registered.token)),
            )
        except Refused as exc:
            if exc.code == Trouble.NOT_TAKEN:
                files.drop_coming()
                raise trouble(Trouble.DENIED) from exc
            raise
        self.answer = answer
        if is_awaiting(answer):
            return False
        approved = replace(registered, awaiting=False)
        files.write_coming(replace(coming, registered=approved))
        return True

    def drop(self) -> None:
        """Forget a new identity that is not proven. Raises ConfigurationError."""
        self._identity.files.drop_coming()
        self.asked.forget()

    def cloud(self) -> EnrolmentCloud:
        """Return the cloud to enrol at. Raises Refused (`no_cloud`)."""
        return self._reach.enrolling

    def _kept(
        self, key: SigningKey, answer: RegistrationAnswer, issuer: str, said: Software
    ) -> CredentialFile:
        # an answer to what was asked before an upgrade, or to a certificate, has an older version
        taken = answer.software_version == said.counted
        return CredentialFile(
            client_id=answer.client_id,
            private_key=to_keep(key),
            public=key.public,
            registered=Registered(
                cloud=issuer,
                installation_id=self._identity.machine.installation_id(),
                uri=answer.registration_client_uri,
                token=answer.registration_access_token,
                certificate=answer.keyin_registration_certificate,
                awaiting=is_awaiting(answer),
                told=said.told if taken else None,
            ),
        )

    def _former(self, coming: CredentialFile) -> CredentialFile | None:
        """Return the identity whose place is taken, where it is ours to end."""
        try:
            held = self._identity.files.held()
        except ConfigurationError:
            return None
        if held is None or held.registered is None or held.client_id == coming.client_id:
            return None
        mine = not is_copy(seen(held), self._identity.installation_id)
        return held if mine and is_for(seen(held), seen(coming).cloud) else None

    async def _end(self, former: CredentialFile) -> None:
        """End a registration that nobody uses any more; as well as can be."""
        try:
            await end_registration(self.cloud(), former)
        except KeyinError as exc:
            _log.info("former_registration_left", reason=exc.code)


async def end_registration(cloud: EnrolmentCloud, identity: CredentialFile) -> None:
    """Delete a registration (RFC 7592 §2.3). Raises Refused, CloudUnreachable."""
    registered = identity.registered
    if registered is not None:
        await cloud.delete(
            signing(identity.private_key),
            registered.uri,
            Presented(Secret(registered.token)),
        )


def is_awaiting(answer: RegistrationAnswer) -> bool:
    """Tell whether a person has yet to say yes."""
    return answer.gpii_status != _ACTIVE and _AWAITING in answer.gpii_flags


def key_set(*keys: PublicKey) -> dict[str, object]:
    """Return a JWK Set as a registration has it (RFC 7517 §5)."""
    return {
        "keys": [
            {
                **msgspec.json.decode(key.jwk, type=dict[str, str]),
                "use": "sig",
                "alg": key.algorithm,
                "kid": key.thumbprint,
            }
            for key in keys
        ]
    }
