"""Text that passes through the browser and comes back as it went: under our seal, to be read there.

Where a person goes after signing in is such a text: one of a few places of ours, never an address.
So is the question that they were shown, so that it can be shown again after they signed in anew.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from binascii import Error
from typing import TYPE_CHECKING, Final, Literal, TypeVar
from urllib.parse import urlencode

import msgspec

from keyin.domain.enrolment import Computer  # noqa: TC001 - msgspec looks at the annotations
from keyin.domain.records import Digest
from keyin.oauth.consent import Choice  # noqa: TC001 - as above
from keyin.oauth.digests import matches
from keyin.wire.jose import wrapped

if TYPE_CHECKING:
    from keyin.oauth.ports import Peppers

LONGEST: Final = 10_000
Content = TypeVar("Content", bound=msgspec.Struct)


class Onward(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One of a few places, and what it is to be asked."""

    to: Literal["account", "authorize", "question", "device", "manage"] = "account"
    query: dict[str, str] = {}
    application: str | None = None
    """Who sent the person here, to be named on the way."""
    back: str | None = None
    """The application's own address, for who does not want to sign in."""
    place: str | None = None
    """Which page of `manage`; only we write it."""

    def path(self) -> str:
        """Return the address within this site."""
        path = self.place if self.to == "manage" and self.place else _PATHS[self.to]
        return f"{path}?{urlencode(self.query)}" if self.query else path


class Shown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question as a person saw it."""

    txn: str
    session: str
    """The digest of the session in which it was asked first."""
    name: str
    site: str | None
    scopes: tuple[str, ...]
    redirect_uri: str
    redirect_host: str
    refusal: str
    computer: Computer | None = None
    """What is to be enrolled, as it was asked for; with `jkt`, its key, and from where it asked."""
    jkt: str | None = None
    address: str | None = None
    chosen: Choice | None = None
    """What the person would have of it."""


_PATHS: Final = {
    "account": "/account",
    "authorize": "/oauth2/authorize",
    "question": "/oauth2/authorize/question",
    "device": "/device",
    "manage": "/manage/installations",
}


ACCOUNT: Final = Onward()


class Seals(msgspec.Struct, frozen=True):
    """Writes and reads such texts."""

    peppers: Peppers

    def seal(self, content: msgspec.Struct) -> str:
        """Return the content for a query or a field."""
        body = wrapped(msgspec.json.encode(content))
        return f"{body}.{self._seals(type(content), body)[0]}"

    def opened(self, text: str, kind: type[Content]) -> Content | None:
        """Return the content, or None where the text is none of ours or of another kind."""
        body, _, seal = text.partition(".")
        if len(text) > LONGEST or not matches(self._seals(kind, body), Digest(seal)):
            return None
        try:
            return msgspec.json.decode(urlsafe_b64decode(body + "=" * (-len(body) % 4)), type=kind)
        except (msgspec.DecodeError, Error):
            return None

    def _seals(self, kind: type, body: str) -> tuple[Digest, ...]:
        return self.peppers.digests("page", f"{kind.__name__}\0{body}")
