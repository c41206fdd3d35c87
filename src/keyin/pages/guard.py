"""Whether a form was sent from our own page by the browser that has it (P52).

Two proofs, both needed: the browser says that the request comes from this origin, and the form
carries a value that only a page for this very cookie has. No proof is asked of a GET: it changes
nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.records import Digest
from keyin.oauth.digests import matches
from keyin.oauth.sign_in import SessionToken
from keyin.wire.jose import wrapped

if TYPE_CHECKING:
    from keyin.domain.environment import Entropy
    from keyin.oauth.ports import Peppers
    from keyin.wire.pages import PageRequest

SESSION: Final = "__Host-keyin-session"
BEFORE: Final = "__Host-keyin-before"
"""The cookie of a browser in which nobody has signed in yet."""
FIELD: Final = "form_proof"
NO_ORIGIN: Final = "null"
_BYTES: Final = 32
_OURS: Final = re.compile("[0-9A-Za-z_-]{43}")


class Guard(msgspec.Struct, frozen=True, kw_only=True):
    """The checks of one origin."""

    origin: str
    """As browsers write it: the issuer's scheme, host and port."""
    peppers: Peppers
    entropy: Entropy

    def proof(self, of: str) -> str:
        """Return what a form carries on a page for the browser with this cookie."""
        return self.peppers.digests("form", of)[0]

    def proofs(self, of: str) -> tuple[str, ...]:
        """Return what a form of this browser may carry: with the pepper of today, or of before."""
        return tuple(self.peppers.digests("form", of))

    def holds(self, request: PageRequest, of: str | None) -> bool:
        """Tell whether both proofs are there."""
        given = (request.form or {}).get(FIELD, "")
        proven = matches(self.peppers.digests("form", of or ""), Digest(given))
        return self.from_here(request) and proven and of is not None

    def from_here(self, request: PageRequest) -> bool:
        """Tell whether the browser says that one of our pages sent this.

        Under `Referrer-Policy: no-referrer` the origin of a form is "null" (Fetch §3.2), so that
        a browser without Sec-Fetch-Site, older than 2023, cannot prove it.
        """
        if request.fetch_site is not None:
            return request.fetch_site == "same-origin" and request.origin in {
                None,
                NO_ORIGIN,
                self.origin,
            }
        return request.origin == self.origin

    def session(self, request: PageRequest) -> SessionToken | None:
        """Return the session's cookie, if it is of the right shape."""
        given = request.cookies.get(SESSION, "")
        return SessionToken(given) if _OURS.fullmatch(given) else None

    def before(self, request: PageRequest) -> str | None:
        """Return the cookie of a browser in which nobody has signed in."""
        given = request.cookies.get(BEFORE, "")
        return given if _OURS.fullmatch(given) else None

    def new(self) -> str:
        """Return a value for a new cookie."""
        return wrapped(self.entropy.token_bytes(_BYTES))
