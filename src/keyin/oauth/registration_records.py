"""The records of a client that registers itself, and what it is told of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from keyin.domain.enrolment import Flag, Registration, Template
from keyin.domain.records import (
    ClientKind,
    CredentialPolicy,
    Lineage,
    Origin,
    Status,
    Unrestricted,
)
from keyin.oauth.certificates import Certificate, seconds
from keyin.oauth.enrolment_ports import Registered
from keyin.oauth.grants.token_exchange import GRANT_TYPE
from keyin.oauth.new_clients import (
    client_record_id,
    credential_record_id,
    new_client,
    new_credential,
    new_key,
    random_text,
)
from keyin.oauth.registration import ID_PREFIX
from keyin.oauth.registration_rules import APPLICATION_TYPE, METHOD
from keyin.wire.enrolment import RegistrationAnswer
from keyin.wire.enrolment_code import RANDOM_BYTES, new_registration_access_token

if TYPE_CHECKING:
    from keyin.domain.environment import Entropy, Millis
    from keyin.domain.records import Client, ClientKey, Digest, RecordId
    from keyin.oauth.certificates import Certificates
    from keyin.oauth.ports import Peppers
    from keyin.oauth.registration_rules import Granted
    from keyin.wire.enrolment_code import RegistrationAccessToken

PURPOSE: Final = "registration_access"
"""Of the digests: `Peppers.digests(PURPOSE, token)`."""
PATH: Final = "/oauth2/register"


class Birthplace(msgspec.Struct, frozen=True, kw_only=True):
    """Where a client comes from."""

    owner: str | None
    site: str | None
    access_id: RecordId | None
    channel_id: RecordId | None


class Maker(msgspec.Struct, frozen=True, kw_only=True):
    """Makes records, tokens and answers."""

    peppers: Peppers
    entropy: Entropy
    certificates: Certificates
    issuer: str

    def access_token(self) -> tuple[RegistrationAccessToken, Digest]:
        """Make a registration access token, and what is kept of it."""
        token = new_registration_access_token(self.entropy.token_bytes(RANDOM_BYTES))
        return token, self.peppers.digests(PURPOSE, token.reveal())[0]

    def client_id(self) -> str:
        """Make a `client_id`: of the server, in a space of its own (P4)."""
        return ID_PREFIX + random_text(self.entropy)

    def records(  # noqa: PLR0913 - everything that a client is
        self,
        granted: Granted,
        place: Birthplace,
        *,
        client_id: str,
        status: Status,
        digest: Digest,
        activate_by: Millis | None,
        flags: tuple[Flag, ...],
        now: Millis,
    ) -> Registered:
        """Make the records of a new client."""
        id_, credential_id = client_record_id(self.entropy), credential_record_id(self.entropy)
        client = _client(id_, granted, place, status=status, now=now)
        registration = Registration(
            client_id=id_,
            credential_id=credential_id,
            token_digest=digest,
            initial_access_id=place.access_id,
            channel_id=place.channel_id,
            installation_id=granted.installation_id,
            scopes=granted.scopes,
            activate_by=activate_by,
            version=1,
            flags=flags,
            created=now,
        )
        return Registered(
            registration=registration,
            client=client,
            credential=new_credential(credential_id, client, client_id, policy_of(granted)),
            keys=[new_key(key, credential_id, now) for key in granted.keys],
        )

    def answer(self, found: Registered, token: str, *, jkt: str, now: Millis) -> RegistrationAnswer:
        """Say everything that is registered (RFC 7591 §3.2.1)."""
        client, credential, registration = found.client, found.credential, found.registration
        active = [key for key in found.keys if key.status is Status.ACTIVE]
        due = registration.activate_by
        return RegistrationAnswer(
            client_id=credential.oauth2_client_id,
            client_id_issued_at=seconds(client.created),
            registration_access_token=token,
            registration_client_uri=f"{self.issuer}{PATH}/{credential.oauth2_client_id}",
            client_name=client.name or "",
            application_type=APPLICATION_TYPE,
            token_endpoint_auth_method=METHOD.value,
            token_endpoint_auth_signing_alg=active[0].algorithm if active else None,
            jwks={"keys": [_jwk(key) for key in active]},
            grant_types=(GRANT_TYPE,),
            response_types=(),
            redirect_uris=(),
            scope=" ".join(registration.scopes),
            dpop_bound_access_tokens=True,
            software_id=client.lineage.software_id,
            software_version=client.lineage.software_version,
            gpii_computer_type=client.computer_type,
            gpii_installation_id=registration.installation_id,
            gpii_site=client.lineage.site,
            gpii_status=client.status.value,
            gpii_flags=tuple(flag.value for flag in registration.flags),
            gpii_activate_by=None if due is None else seconds(due),
            gpii_policy=_policy(credential.policy),
            keyin_registration_certificate=self.certificates.issue(
                self._certificate(found, jkt, now)
            ),
        )

    def _certificate(self, found: Registered, jkt: str, now: Millis) -> Certificate:
        client, registration = found.client, found.registration
        return Certificate(
            iss=self.issuer,
            sub=found.credential.oauth2_client_id,
            jkt=jkt,
            iat=seconds(now),
            name=client.name,
            computer_type=client.computer_type,
            owner=client.lineage.owner,
            site=client.lineage.site,
            software_id=client.lineage.software_id,
            software_version=client.lineage.software_version,
            installation_id=registration.installation_id,
            initial_access=registration.initial_access_id,
            channel=registration.channel_id,
            scopes=registration.scopes,
            template=template_of(found),
        )


def _client(
    id_: RecordId, granted: Granted, place: Birthplace, *, status: Status, now: Millis
) -> Client:
    return new_client(
        id_,
        ClientKind.INSTALLATION,
        Lineage(
            owner=place.owner,
            site=place.site,
            software_id=granted.software_id,
            software_version=granted.software_version,
            origin=Origin.REGISTRATION,
        ),
        name=granted.name,
        computer_type=granted.computer_type,
        now=now,
        status=status,
    )


def policy_of(granted: Granted) -> CredentialPolicy:
    """Return what a client may do: the template's; without the scope to write, nothing."""
    writes = "settings:write" in granted.scopes
    return CredentialPolicy(
        networks=granted.template.networks,
        writable=granted.template.writable if writes else (),
        may_create_keys=False,
        may_create_safes=False,
    )


def template_of(found: Registered) -> Template:
    """Return what a client may do as the template that it is for its own changes."""
    return Template(
        computer_type=found.client.computer_type,
        scopes=found.registration.scopes,
        networks=found.credential.policy.networks,
        writable=found.credential.policy.writable,
    )


def _jwk(key: ClientKey) -> dict[str, Any]:
    public: dict[str, Any] = msgspec.json.decode(key.jwk)
    return {**public, "use": "sig", "alg": key.algorithm, "kid": key.kid}


def _policy(policy: CredentialPolicy) -> dict[str, Any]:
    networks, writable = policy.networks, policy.writable
    return {
        "allowed_ip_blocks": None if isinstance(networks, Unrestricted) else list(networks),
        "allowed_prefs_to_write": None if isinstance(writable, Unrestricted) else list(writable),
        "create_key": policy.may_create_keys,
        "create_safe": policy.may_create_safes,
    }
