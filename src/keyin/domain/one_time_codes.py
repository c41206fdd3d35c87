"""Codes that change every half minute (TOTP, RFC 6238), as authenticator programs make them.

Six digits, SHA-1, thirty seconds: what every such program knows. Guessing is for the throttle.
"""

from __future__ import annotations

from base64 import b32encode
from typing import TYPE_CHECKING, Final

from pyotp import HOTP, TOTP

if TYPE_CHECKING:
    from keyin.domain.environment import Millis

DIGITS: Final = 6
STEP_MS: Final = 30_000
SECRET_BYTES: Final = 20  # 160 bits (RFC 4226 §4, R6)
WINDOW: Final = 1
"""Steps before and after: a telephone's clock may be half a minute wrong."""


def step_at(now: Millis) -> int:
    """Return the number of the half minute."""
    return now // STEP_MS


def code_at(secret: bytes, step: int) -> str:
    """Return the code of a half minute."""
    return HOTP(secret_text(secret), digits=DIGITS).at(step)


def codes_around(secret: bytes, now: Millis) -> list[tuple[int, str]]:
    """Return the half minutes whose codes are good now, with their codes."""
    there = step_at(now)
    steps = range(max(0, there - WINDOW), there + WINDOW + 1)
    return [(step, code_at(secret, step)) for step in steps]


def secret_text(secret: bytes) -> str:
    """Write a secret as programs want it typed: base32 without padding."""
    return b32encode(secret).decode().rstrip("=")


def address(secret: bytes, *, account: str, service: str) -> str:
    """Return what a picture for a telephone's camera says (`otpauth://`)."""
    return TOTP(secret_text(secret), digits=DIGITS).provisioning_uri(
        name=account, issuer_name=service
    )


def is_code(text: str) -> bool:
    """Tell whether a text is of the form of such a code."""
    return len(text) == DIGITS and text.isascii() and text.isdigit()
