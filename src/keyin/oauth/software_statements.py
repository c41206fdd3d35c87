"""Software statements (RFC 7591 §2.3): what a publisher says of a software, signed.

A statement says which software it is, and on which channel it came; it proves nothing about who
carries it, for it can be copied. So it never opens anything by itself: it stops (P103).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from keyin.domain.errors import InvalidDocument
from keyin.domain.secret import equal
from keyin.oauth.errors import Code, Reason, Refusal, refused
from keyin.wire.enrolment import STATEMENT_TYPE, RegistrationRequest
from keyin.wire.jose import InvalidSignature, PublicKey, number, parse, verify

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.absent import Value
    from keyin.domain.enrolment import Computer
    from keyin.domain.environment import Millis
    from keyin.wire.jose import Jws

OVERRIDING: Final = (
    *("software_id", "software_version", "scope", "grant_types", "response_types"),
    *("redirect_uris", "application_type", "token_endpoint_auth_method"),
    *("dpop_bound_access_tokens", "gpii_computer_type"),
)
"""Claims that count instead of what the client says; of others it decides itself."""
LONGEST: Final = 200
_PARAMETERS: Final = frozenset({"alg", "typ", "kid"})
_TYPES: Final = frozenset({None, "JWT", STATEMENT_TYPE, "software-statement+jwt"})


class Publisher(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who makes software, and whose word about it counts."""

    issuer: str
    keys: tuple[PublicKey, ...]
    software_ids: tuple[str, ...]
    """Of which software; it speaks for no other."""


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """A genuine statement."""

    publisher: str
    """Whose word it is."""
    software_id: str
    channel: str | None
    """The release channel that it names."""
    claims: dict[str, Any]

    def over(self, request: RegistrationRequest) -> RegistrationRequest:
        """Return a request with the publisher's words in the place of its own."""
        return replace(request, **self.claims)

    def of(self, computer: Computer) -> Computer:
        """Return a computer whose software is what the publisher says, and nothing beside."""
        return replace(
            computer,
            software_id=self.software_id,
            software_version=self.claims.get("software_version"),
            publisher=self.publisher,
        )


class Statements(msgspec.Struct, frozen=True, kw_only=True):
    """Reads statements of the publishers that this cloud knows."""

    publishers: Sequence[Publisher]

    def read(self, text: str | None, *, now: Millis) -> Statement | Refusal | None:
        """Check a statement; None: there is none."""
        if text is None:
            return None
        try:
            jws = parse(text, parameters=_PARAMETERS)
            publisher = self._signer(jws)
            if publisher is None or not _in_time(jws, now):
                return _invalid()
            return _statement(jws, publisher)
        except (InvalidSignature, InvalidDocument, msgspec.ValidationError):
            return _invalid()

    def _signer(self, jws: Jws) -> Publisher | None:
        named = jws.claims.get("iss")
        if jws.header.get("typ") not in _TYPES or not isinstance(named, str):
            return None
        for one in self.publishers:
            if equal(one.issuer, named) and any(verify(jws, key) for key in one.keys):
                return one
        return None


def _in_time(jws: Jws, now: Millis) -> bool:
    begins = jws.claims.get("nbf", jws.claims.get("iat", 0))
    return number(begins) * 1000 <= now + 60_000 and now < number(jws.claims.get("exp")) * 1000


def _statement(jws: Jws, publisher: Publisher) -> Statement | Refusal:
    claims: dict[str, Value] = {n: v for n, v in jws.claims.items() if n in OVERRIDING}
    said = msgspec.convert(claims, RegistrationRequest)
    channel = jws.claims.get("channel")
    if not said.software_id or not isinstance(channel, str | None):
        return _invalid()
    if channel is not None and not 0 < len(channel) <= LONGEST:
        return _invalid()
    if said.software_id not in publisher.software_ids:
        return unapproved()
    return Statement(
        publisher=publisher.issuer,
        software_id=said.software_id,
        channel=channel,
        claims={name: getattr(said, name) for name in claims},
    )


def _invalid() -> Refusal:
    return refused(
        Code.INVALID_SOFTWARE_STATEMENT,
        "The software statement is not genuine, or its time is over",
        Reason.STATEMENT,
    )


def unapproved() -> Refusal:
    """Refuse a genuine statement about a software that may not be registered."""
    return refused(
        Code.UNAPPROVED_SOFTWARE_STATEMENT,
        "This release of the software may not be registered",
        Reason.STATEMENT,
    )
