"""What a grant is: a client that proved itself asks for a token, and is given one or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from keyin.domain.applications import Application
    from keyin.domain.records import ProofUse
    from keyin.domain.secret import AccessToken
    from keyin.oauth.asked import Asked
    from keyin.oauth.client_auth import Authenticated
    from keyin.oauth.errors import Refusal
    from keyin.wire.enrolment import InstallationDetails


class GrantRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request at the token endpoint whose sender is known."""

    asked: Asked
    by: Authenticated
    jkt: str | None
    """The thumbprint of the key whose proof came with it; None: no proof came."""
    application: Application | None = None
    """What else the record of a client says that is no installation."""

    uses: tuple[ProofUse, ...] = ()
    """Its proofs, for a grant that uses them up together with the token; of others they are."""

    def named(self, name: str) -> str:
        """Return a parameter, "" where it is not there (RFC 6749 §3.2: the same)."""
        return self.asked.parameters.get(name, "")


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """A new token, what it may do, and how it is to be presented."""

    token: AccessToken
    token_type: str
    scope: str
    lifetime_s: int
    issued_token_type: str | None = None
    """RFC 8693 §2.2.1; of no other grant."""
    details: tuple[InstallationDetails, ...] = ()
    """What was approved of a computer (RFC 9396 §7)."""


class Grant(Protocol):
    """One grant type; `grants` has a file for each."""

    async def answer(self, request: GrantRequest) -> Given | Refusal:
        """Give a token once it is durable, or refuse. Raises StoreUnavailable."""
        ...
