"""A computer's wish to be enrolled: what it says of itself (RFC 9396), and with which key.

It comes through `/oauth2/par` or from a device without a browser, with a proof (RFC 9449 §10.1) of
the very key that it names: what a person approves is that key's, and nobody else's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keyin.domain.enrolment import REGISTER_SCOPE
from keyin.domain.errors import InvalidDocument
from keyin.domain.secret import equal
from keyin.oauth.errors import Code, Reason
from keyin.wire.enrolment import read_details

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.domain.enrolment import Computer

DETAILS: Final = "authorization_details"
REGISTRATION: Final = "/oauth2/register"
"""What the token that comes of it is for, behind the issuer."""


@dataclass(frozen=True, slots=True)
class UnfitComputer:
    """A wish that is not put to anybody."""

    code: Code
    description: str
    reason: Reason


_NO_DETAILS: Final = UnfitComputer(
    Code.INVALID_AUTHORIZATION_DETAILS, "No authorization_details go with this", Reason.DETAILS
)
_IMPROPER: Final = UnfitComputer(
    Code.INVALID_AUTHORIZATION_DETAILS,
    "One gpii_installation is wanted, with the members of its type",
    Reason.DETAILS,
)
_NO_PROOF: Final = UnfitComputer(
    Code.INVALID_DPOP_PROOF, "A DPoP proof of the computer's key is required", Reason.NO_PROOF
)
_OTHER_KEY: Final = UnfitComputer(
    Code.INVALID_AUTHORIZATION_DETAILS, "jkt is not of the proof's key", Reason.WRONG_PROOF
)


def read_computer(
    named: Mapping[str, str], scope: str, *, jkt: str | None
) -> Computer | UnfitComputer | None:
    """Return the computer of a wish to register, None of any other; `jkt` is of its proof."""
    text = named.get(DETAILS)
    if scope != REGISTER_SCOPE:
        return None if text is None else _NO_DETAILS
    if jkt is None:
        return _NO_PROOF
    try:
        details = read_details(text or "")
    except InvalidDocument:
        return _IMPROPER
    return details.computer() if equal(details.jkt, jkt) else _OTHER_KEY


def resources(scope: str, issuer: str) -> frozenset[str]:
    """Return what `resource` may be (RFC 8707)."""
    return frozenset({issuer, issuer + REGISTRATION} if scope == REGISTER_SCOPE else {issuer})
