"""Which language a page is in: the first that the browser asks for and the catalogue has."""

from __future__ import annotations

import gettext
from importlib.resources import files
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

DOMAIN: Final = "keyin"
ENGLISH: Final = "en"
_LONGEST: Final = 500


def catalogues() -> Mapping[str, gettext.NullTranslations]:
    """Return every language's texts; those of English stand in the code."""
    place = files("keyin.data").joinpath("locale")
    found: dict[str, gettext.NullTranslations] = {ENGLISH: gettext.NullTranslations()}
    for folder in place.iterdir():
        compiled = folder.joinpath("LC_MESSAGES", f"{DOMAIN}.mo")
        if compiled.is_file():
            with compiled.open("rb") as file:
                found[folder.name] = gettext.GNUTranslations(file)
    return found


def chosen(accept_language: str, known: Mapping[str, object]) -> str:
    """Return the known language that the header wants most (RFC 9110 §12.5.4), else English."""
    wanted: list[tuple[float, str]] = []
    for part in accept_language[:_LONGEST].split(","):
        tag, _, weight = part.partition(";")
        wanted.append((-_quality(weight), tag.strip().lower().partition("-")[0]))
    ranked = sorted(wanted, key=lambda pair: pair[0])
    return next((tag for quality, tag in ranked if quality < 0 and tag in known), ENGLISH)


def _quality(weight: str) -> float:
    name, _, value = weight.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return min(1.0, max(0.0, float(value)))
    except ValueError:
        return 0.0
