"""What a client may register as: the one set of rules, for creating and for replacing (P2, P15).

What its token's template and a person's approval say wins over what the client says; what it asks
for beyond that is left out, or refused where leaving it out would mislead. Pure: no store, no time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from keyin.domain.applications import AuthMethod
from keyin.domain.errors import InvalidDocument
from keyin.domain.records import UNRESTRICTED, Unrestricted
from keyin.oauth.errors import Code, Reason, Refusal, refused
from keyin.oauth.grants.token_exchange import GRANT_TYPE
from keyin.oauth.registration_refusals import metadata
from keyin.wire.enrolment import MOST_KEYS
from keyin.wire.jose import InvalidSignature, PublicKey, public_key

if TYPE_CHECKING:
    from keyin.domain.enrolment import Computer, Template
    from keyin.oauth.software_statements import Statement
    from keyin.wire.enrolment import RegistrationRequest

METHOD: Final = AuthMethod.PRIVATE_KEY_JWT
APPLICATION_TYPE: Final = "native"


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody else decided about the client beforehand."""

    template: Template
    computer: Computer
    """What is not None here is so, whatever the client says."""
    software_ids: tuple[str, ...] | Unrestricted = UNRESTRICTED
    registered: bool = False
    """It is registered: what it is not by now, it does not become (RFC 7592 §2.2)."""
    version_before: str | None = None
    """Of its software, where it may change, and is not told anew."""


class Granted(msgspec.Struct, frozen=True, kw_only=True):
    """A registration as the server decided it."""

    name: str
    computer_type: str | None
    scopes: tuple[str, ...]
    software_id: str | None
    software_version: str | None
    installation_id: str | None
    keys: tuple[PublicKey, ...]
    template: Template


def grant(
    request: RegistrationRequest, terms: Terms, statement: Statement | None
) -> Granted | Refusal:
    """Decide what a client becomes, or say why it cannot be one."""
    asked = statement.over(request) if statement else request
    refusal = _unfit(asked)
    if refusal:
        return refusal
    keys = _keys(asked)
    if isinstance(keys, Refusal):
        return keys
    computer, template = terms.computer, terms.template
    name = computer.name or asked.client_name
    if not name or not name.strip():
        return metadata("The computer has no name: client_name is missing")
    scopes = template.scopes
    if asked.scope is not None:
        scopes = tuple(scope for scope in template.scopes if scope in asked.scope.split(" "))
    if not scopes:
        return metadata("None of the scopes can be given")
    software = _software(asked, terms, statement)
    if isinstance(software, Refusal):
        return software
    own = terms.registered
    return Granted(
        name=name.strip(),
        computer_type=template.computer_type
        or computer.computer_type
        or (None if own else asked.gpii_computer_type),
        scopes=scopes,
        software_id=software[0],
        software_version=software[1],
        installation_id=computer.installation_id or (None if own else asked.gpii_installation_id),
        keys=keys,
        template=template,
    )


def _unfit(asked: RegistrationRequest) -> Refusal | None:
    """Refuse what would be another kind of client than a computer."""
    if asked.redirect_uris:
        return refused(
            Code.INVALID_REDIRECT_URI, "A computer has no redirect_uris", Reason.METADATA
        )
    for holds, why in (
        (asked.token_endpoint_auth_method in {None, METHOD.value}, "token_endpoint_auth_method"),
        (set(asked.grant_types or ()) <= {GRANT_TYPE}, "grant_types"),
        (not asked.response_types, "response_types"),
        (asked.application_type in {None, APPLICATION_TYPE}, "application_type"),
        (asked.dpop_bound_access_tokens is not False, "dpop_bound_access_tokens"),
        (asked.client_secret is None, "client_secret"),
    ):
        if not holds:
            return metadata(f"No computer is registered with this {why}")
    return None


def _keys(asked: RegistrationRequest) -> tuple[PublicKey, ...] | Refusal:
    """Read the keys: one, or two while a client changes its key."""
    given = (asked.jwks or {}).get("keys")
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_KEYS:
        return metadata("The member jwks must hold one public key, or two")
    try:
        keys = tuple(public_key(_bare(jwk)) for jwk in given)
    except (InvalidSignature, InvalidDocument):
        return metadata("A key is neither P-256 nor Ed25519, or not public")
    if len({key.thumbprint for key in keys}) != len(keys):
        return metadata("A key comes twice")
    algorithm = asked.token_endpoint_auth_signing_alg
    if algorithm is not None and algorithm not in {key.algorithm for key in keys}:
        return metadata("token_endpoint_auth_signing_alg is not that of the key")
    return keys


def _bare(jwk: object) -> dict[str, Any]:
    if not isinstance(jwk, dict):
        raise InvalidDocument("a key is no JSON object")
    return jwk


def _software(
    asked: RegistrationRequest, terms: Terms, statement: Statement | None
) -> tuple[str | None, str | None] | Refusal:
    """Say which software it is: a publisher's word first, then a person's, then its own."""
    known = terms.computer
    fixed = terms.registered or known.software_id is not None
    id_ = known.software_id if fixed else asked.software_id
    if statement is not None and statement.software_id != id_:
        return refused(
            Code.UNAPPROVED_SOFTWARE_STATEMENT, "This is another software", Reason.STATEMENT
        )
    version = asked.software_version
    if statement is None and known.software_version is not None:
        version = known.software_version
    if not isinstance(terms.software_ids, Unrestricted) and id_ not in terms.software_ids:
        code = Code.UNAPPROVED_SOFTWARE_STATEMENT if statement else Code.INVALID_CLIENT_METADATA
        return refused(code, "This software may not be registered here", Reason.STATEMENT)
    return id_, version or terms.version_before
