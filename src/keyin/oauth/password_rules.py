"""Which passwords are too easy to guess (NIST SP 800-63B-4 §3.1.1.2, ASVS 6.2).

Length counts, and nothing that everybody thinks of first; no rule asks for digits or signs. The
list of what everybody thinks of comes in as an argument.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

from keyin.domain.errors import Refused, msgid

if TYPE_CHECKING:
    from collections.abc import Container

    from keyin.domain.secret import Secret

WEAK: Final = "weak_password"
SHORTEST: Final = 12
LONGEST: Final = 256
_FEW: Final = 4
"""A password of fewer different characters is a pattern."""
_SEQUENCES: Final = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890123456789",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
)


def check_password(password: Secret, *, name: str, common: Container[str]) -> None:
    """Refuse what is too short, too long or too easy. Raises Refused."""
    text = unicodedata.normalize("NFKC", password.reveal())
    if len(text) < SHORTEST:
        raise Refused(
            WEAK,
            msgid("the password is shorter than %(count)s characters"),
            next_step=msgid("Take a longer one: several words with spaces are easy to remember."),
            count=SHORTEST,
        )
    if len(text) > LONGEST:
        raise Refused(
            WEAK,
            msgid("the password is longer than %(count)s characters"),
            next_step=msgid("Take a shorter one."),
            count=LONGEST,
        )
    if is_easy(text, name=name, common=common):
        raise Refused(
            WEAK,
            msgid("the password is one of those that are tried first"),
            next_step=msgid(
                "Take several words that have nothing to do with each other or with you."
            ),
        )


def is_easy(text: str, *, name: str, common: Container[str]) -> bool:
    """Tell whether a list of common passwords, the name or a pattern gives it away."""
    folded = text.casefold()
    letters = "".join(character for character in folded if character.isalpha())
    core = folded.strip("0123456789!?.,-_*#+$%& ")
    if len(set(folded)) < _FEW or not core or _runs(folded):
        return True
    words = {folded, folded.replace(" ", ""), letters, core, _unit(folded), _unit(letters)}
    return any(word in common for word in words) or _mostly(name.casefold(), folded)


def _unit(text: str) -> str:
    """Return what a text repeats, or the text: "lala" is "la"."""
    at = (text + text).find(text, 1)
    return text[:at] if 0 < at < len(text) else text


def _runs(text: str) -> bool:
    """Tell whether the text, or what it repeats, only follows the alphabet or the keyboard."""
    plain = _unit(text)
    return len(plain) >= _FEW and any(
        plain in sequence * 2 or plain in sequence[::-1] * 2 for sequence in _SEQUENCES
    )


def _mostly(name: str, text: str) -> bool:
    """Tell whether little is left of a password once the person's own name is taken out."""
    return len(name) >= _FEW and len(text.replace(name, "")) < SHORTEST - _FEW
