"""Which language a page is in: the first that the browser asks for and the catalogue has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.stores.catalogues import ENGLISH

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST: Final = 500


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
