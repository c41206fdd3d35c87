"""What people type into a form: read, judged, and kept for who has to correct something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.errors import msgid
from keyin.domain.networks import malformed

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

LONGEST_NAME: Final = 100
NO_NAME: Final = msgid("Enter a name.")
BAD_NAME: Final = msgid("Enter a name of at most 100 characters, on one line.")
NO_CHOICE: Final = msgid("Choose one.")
BAD_NETWORK: Final = msgid("One of these is no network. Write it like 192.0.2.0/24, one a line.")
MANY_NETWORKS: Final = msgid("These are too many networks.")
_MOST_NETWORKS: Final = 50


class Form(msgspec.Struct):
    """The fields as they came, and what is wrong with each."""

    given: Mapping[str, str]
    errors: dict[str, str] = msgspec.field(default_factory=dict)

    def text(self, name: str) -> str:
        """Return a field without space around it."""
        return self.given.get(name, "").strip()

    def name(self, name: str) -> str:
        """Return a name; it must be there, short, and of characters that can be seen."""
        text = self.text(name)
        if not text:
            self.errors[name] = NO_NAME
        elif len(text) > LONGEST_NAME or not text.isprintable():
            self.errors[name] = BAD_NAME
        return text

    def choice(self, name: str, known: Container[str]) -> str:
        """Return one of a few."""
        text = self.given.get(name, "")
        if text not in known:
            self.errors[name] = NO_CHOICE
        return text

    def number(self, name: str, least: int, most: int, wrong: str) -> int:
        """Return a whole number between these two."""
        text = self.text(name)
        if not (text.isascii() and text.isdigit() and len(text) <= len(str(most))):
            self.errors[name] = wrong
            return least
        if not least <= int(text) <= most:
            self.errors[name] = wrong
        return int(text)

    def networks(self, name: str) -> tuple[str, ...] | None:
        """Return networks, one a line; None: any."""
        lines = tuple(line.strip() for line in self.given.get(name, "").splitlines())
        found = tuple(line for line in lines if line)
        if len(found) > _MOST_NETWORKS:
            self.errors[name] = MANY_NETWORKS
        elif any(malformed(found)):
            self.errors[name] = BAD_NETWORK
        return found or None
