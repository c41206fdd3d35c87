"""What the access requester's service asks of the world."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from keyin.domain.installation import InstallationCredential
    from keyin.domain.secret import AccessToken, GpiiKey, Pin
    from keyin.remote.cloud_token import Grant


class CredentialSource(Protocol):
    """Where the installation's credential is kept."""

    def __call__(self) -> InstallationCredential | None:
        """Return it, None while there is none.

        Raises ConfigurationError where it is not safe, Refused where it is a copy, or for
        another cloud.
        """
        ...


class TokenGiver(Protocol):
    """The cloud's authorization server."""

    @property
    def address(self) -> str:
        """Return where that is, "" where none is configured."""
        ...

    async def grant(
        self,
        credential: InstallationCredential,
        key: GpiiKey,
        *,
        pin: Pin | None,
        proof: str,
        request_id: str,
    ) -> Grant:
        """Ask for a token, once. Raises Refused or CloudUnreachable."""
        ...

    async def revoke(
        self, credential: InstallationCredential, token: AccessToken, *, request_id: str
    ) -> None:
        """End a token. Raises CloudUnreachable, or Refused where it is of no use to try again."""
        ...
