"""Every text that a person reads, in their language: the gettext catalogue's door."""

from __future__ import annotations

import gettext
from pathlib import Path

LOCALE_DIR = Path(__file__).resolve().parent.parent / "data" / "locale"

_translations = gettext.translation("keyin", LOCALE_DIR, fallback=True)


def _(message: str) -> str:
    """Return the text in the language that LANGUAGE, LC_ALL, LC_MESSAGES or LANG asks for."""
    return _translations.gettext(message)


def ngettext(singular: str, plural: str, count: int) -> str:
    """Return the form that fits `count` in that language."""
    return _translations.ngettext(singular, plural, count)
