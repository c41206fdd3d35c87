"""The texts of every language, as they ship with the package: compiled, read once."""

from __future__ import annotations

import gettext
from importlib.resources import files
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

DOMAIN: Final = "keyin"
ENGLISH: Final = "en"


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
