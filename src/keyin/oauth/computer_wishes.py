"""A computer's wish to be enrolled: what it says of itself (RFC 9396), and with which key.

It comes through `/oauth2/par` or from a device without a browser, with a proof (RFC 9449 §10.1) of
the very key that it names: what a person approves is that key's, and nobody else's. What it says of
its software may be its publisher's word, which is looked at here, so that the person is told whose.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.enrolment import REGISTER_SCOPE
from keyin.domain.errors import InvalidDocument
from keyin.domain.secret import equal
from keyin.oauth.errors import Code, Reason, Refusal, refused
from keyin.wire.enrolment import read_details

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.domain.enrolment import Computer
    from keyin.domain.environment import Millis
    from keyin.oauth.software_statements import Statements

DETAILS: Final = "authorization_details"
REGISTRATION: Final = "/oauth2/register"
"""What the token that comes of it is for, behind the issuer."""


class Bringing(msgspec.Struct, frozen=True, kw_only=True):
    """How a wish comes that no browser has seen."""

    jkt: str | None
    """The key of the proof that came with it."""
    statements: Statements
    now: Millis


_NO_DETAILS: Final = refused(
    Code.INVALID_AUTHORIZATION_DETAILS, "No authorization_details go with this", Reason.DETAILS
)
_IMPROPER: Final = refused(
    Code.INVALID_AUTHORIZATION_DETAILS,
    "One gpii_installation is wanted, with the members of its type",
    Reason.DETAILS,
)
_NO_PROOF: Final = refused(
    Code.INVALID_DPOP_PROOF, "A DPoP proof of the computer's key is required", Reason.NO_PROOF
)
_OTHER_KEY: Final = refused(
    Code.INVALID_AUTHORIZATION_DETAILS, "jkt is not of the proof's key", Reason.WRONG_PROOF
)


def read_computer(
    named: Mapping[str, str], scope: str, bringing: Bringing | None
) -> Computer | Refusal | None:
    """Return the computer of a wish to register, None of any other."""
    text = named.get(DETAILS)
    if scope != REGISTER_SCOPE:
        return None if text is None else _NO_DETAILS
    if bringing is None or bringing.jkt is None:
        return _NO_PROOF
    try:
        details = read_details(text or "")
    except InvalidDocument:
        return _IMPROPER
    if not equal(details.jkt, bringing.jkt):
        return _OTHER_KEY
    word = bringing.statements.read(details.software_statement, now=bringing.now)
    if isinstance(word, Refusal):
        return word
    return word.of(details.computer()) if word else details.computer()


def resources(scope: str, issuer: str) -> frozenset[str]:
    """Return what `resource` may be (RFC 8707)."""
    return frozenset({issuer, issuer + REGISTRATION} if scope == REGISTER_SCOPE else {issuer})
