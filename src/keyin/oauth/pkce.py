"""PKCE (RFC 7636): S256 and nothing else, for every authorization code (RFC 9700 §2.1.1)."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from keyin.domain.secret import equal
from keyin.wire.jose import wrapped

if TYPE_CHECKING:
    from collections.abc import Mapping

METHOD: Final = "S256"
_CHALLENGE: Final = re.compile("[A-Za-z0-9_-]{43}")
_VERIFIER: Final = re.compile("[A-Za-z0-9._~-]{43,128}")


def is_challenge(named: Mapping[str, str]) -> bool:
    """Tell whether a request brings a proper challenge: `plain`, said or left out, is none."""
    challenge, method = named.get("code_challenge", ""), named.get("code_challenge_method")
    return method == METHOD and _CHALLENGE.fullmatch(challenge) is not None


def proves(verifier: str, challenge: str) -> bool:
    """Tell whether the verifier is the challenge's; without a challenge, none is (P8)."""
    if not _VERIFIER.fullmatch(verifier):
        return False
    return equal(wrapped(sha256(verifier.encode("ascii")).digest()), challenge)
