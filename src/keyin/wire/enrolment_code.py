"""Three texts that a computer enrols with, told apart at a glance, and a check without a network.

An initial access token is `iat_` and 43 characters, a registration access token `rat_` and 43. A
person is given the first as an enrolment code, `keyin-1.` and the same 43 and six that show a slip
of the hand. A computer presents the token, never the code. Decides nothing about either.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

from keyin.domain.secret import Secret, equal
from keyin.wire.jose import wrapped

RANDOM_BYTES: Final = 32  # 256 bits (ASVS 11.5.1)
INITIAL_ACCESS: Final = "iat_"
REGISTRATION_ACCESS: Final = "rat_"
CODE: Final = "keyin-1."

_BODY: Final = r"([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])"
"""32 bytes as base64url, in the one spelling that they have."""
_INITIAL: Final = re.compile(INITIAL_ACCESS + _BODY, re.ASCII)
_CODE: Final = re.compile(r"keyin-1\." + _BODY + r"\.([A-Za-z0-9_-]{6})", re.ASCII)
_CHECK_LENGTH: Final = 6


class InitialAccessToken(Secret):
    """What a computer registers with (RFC 7591 §3)."""


class RegistrationAccessToken(Secret):
    """What a registered client looks after its own registration with (RFC 7592 §3)."""


class EnrolmentCode(Secret):
    """An initial access token as a person reads or pastes it."""


def new_initial_access_token(random: bytes) -> InitialAccessToken:
    """Make a token from 32 unpredictable bytes."""
    return InitialAccessToken(INITIAL_ACCESS + wrapped(random))


def new_registration_access_token(random: bytes) -> RegistrationAccessToken:
    """Make a token from 32 unpredictable bytes."""
    return RegistrationAccessToken(REGISTRATION_ACCESS + wrapped(random))


def is_initial_access_token(text: str) -> bool:
    """Tell whether it looks like one; nobody has to be asked for that."""
    return _INITIAL.fullmatch(text) is not None


def code_of(token: InitialAccessToken) -> EnrolmentCode:
    """Write a token as an enrolment code. Raises ValueError where it is none of ours."""
    found = _INITIAL.fullmatch(token.reveal())
    if found is None:
        raise ValueError("this is no initial access token")
    return EnrolmentCode(f"{CODE}{found[1]}.{_checksum(found[1])}")


def token_of(code: EnrolmentCode) -> InitialAccessToken | None:
    """Read an enrolment code; None where it was mistyped or is none. White space is ignored."""
    found = _CODE.fullmatch("".join(code.reveal().split()))
    if found is None or not equal(found[2], _checksum(found[1])):
        return None
    return InitialAccessToken(INITIAL_ACCESS + found[1])


def _checksum(body: str) -> str:
    return wrapped(sha256(f"{CODE}{body}".encode()).digest())[:_CHECK_LENGTH]
