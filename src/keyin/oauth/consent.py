"""What comes of an application's wish: a question, a redirect, or a problem that is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from keyin.domain.events import Act
from keyin.wire.key_fingerprint import key_fingerprint

if TYPE_CHECKING:
    from keyin.domain.enrolment import Computer
    from keyin.oauth.errors import Reason


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """What a person has to know before they say yes."""

    client_id: str
    name: str | None
    site: str | None
    scopes: tuple[str, ...]
    redirect_uri: str
    redirect_host: str
    native: bool
    refusal: str
    """Where a person goes back to who says no before they have signed in."""
    computer: Computer | None = None
    """What it wants to enrol."""
    jkt: str | None = None
    """That computer's key."""
    address: str | None = None
    """From where it asked."""


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """A question to one person in one browser; `txn` comes back with the answer."""

    txn: str
    asking: Asking


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A computer's name, type and site, as a person would have them."""

    name: str
    computer_type: str | None
    site: str | None

    def of(self, computer: Computer) -> Computer:
        """Return the computer as it was approved."""
        return replace(computer, name=self.name, computer_type=self.computer_type)


class Redirect(msgspec.Struct, frozen=True):
    """Send the browser there, with 303 (RFC 9700 §4.12)."""

    url: str


class Problem(msgspec.Struct, frozen=True):
    """Tell the person that this does not work; no address that came with it is to be believed."""

    reason: Reason


def detail_of(
    act: Act, scope: str, jkt: str | None, address: str | None, **more: str
) -> dict[str, str]:
    """Return what the log holds of an answer: whose key a computer has, whence came a reported one.

    `address` is where the wish came from; the event's own address is that of the person.
    """
    asked_from = address if act is Act.CONSENT_REPORTED else None
    fingerprint = key_fingerprint(jkt) if jkt else None
    found = {**more, "scope": scope, "fingerprint": fingerprint, "asked_from": asked_from}
    return {name: value for name, value in found.items() if value}
