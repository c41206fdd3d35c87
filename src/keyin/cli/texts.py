"""Every text that a person reads, in their language: the gettext catalogue's door.

The catalogue is opened at the first text, never at import. Which language: LANGUAGE, LC_ALL,
LC_MESSAGES, LANG, the first that is set. English stands in the code and needs no catalogue.
"""

from __future__ import annotations

import gettext
from functools import cache
from pathlib import Path
from typing import Final

DOMAIN: Final = "keyin"
LOCALE_DIR: Final = Path(__file__).resolve().parent.parent / "data" / "locale"


@cache
def _catalogue() -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, LOCALE_DIR, fallback=True)


def _(message: str) -> str:
    """Return the text in the person's language; the English one where there is no other."""
    return _catalogue().gettext(message) if message else ""


def ngettext(singular: str, plural: str, count: int) -> str:
    """Return the form that fits `count` in that language."""
    return _catalogue().ngettext(singular, plural, count)


def give_frameworks_our_catalogue() -> None:
    """Let click's own words ("Usage:", "No such option ...") come from our catalogue too."""
    gettext.bindtextdomain(DOMAIN, LOCALE_DIR)
    gettext.textdomain(DOMAIN)
