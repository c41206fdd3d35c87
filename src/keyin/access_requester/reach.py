"""The cloud that this computer asks: the one that its configuration named when it was read last.

The configuration is read again when an administrator enrols; who is in the middle of a question
to the former cloud is told that it cannot be reached.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from keyin.remote.cloud_enrolment import EnrolmentCloud
from keyin.remote.cloud_http import CloudHttp
from keyin.remote.cloud_token import CloudTokens
from keyin.wire.requester_trouble import Trouble, trouble

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from keyin.access_requester.config import Config
    from keyin.domain.environment import Clock, Entropy
    from keyin.domain.installation import InstallationCredential
    from keyin.domain.secret import AccessToken, GpiiKey, Pin
    from keyin.remote.cloud_token import Grant


class Reach:
    """Implements `ports.TokenGiver`, whichever cloud it is."""

    def __init__(
        self,
        config: Config,
        *,
        again: Callable[[], Config],
        network: httpx.AsyncBaseTransport | None,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        """`again` reads the configuration anew. Raises ConfigurationError."""
        self.config = config
        self._again = again
        self._network = network
        self._clock = clock
        self._entropy = entropy
        self._http: CloudHttp | None = None
        self._tokens: CloudTokens | None = None
        self.enrolling: EnrolmentCloud | None = None
        """The same cloud, as one sees it that has no identity; None: none is configured."""
        self._connect()

    @property
    def address(self) -> str:
        """Return the cloud's address, "" where none is configured."""
        return "" if self._http is None else self._http.address

    @property
    def issuer(self) -> str | None:
        """Return what the cloud must call itself."""
        return None if self._http is None else self._http.issuer

    async def read_again(self) -> None:
        """Follow the configuration as it is now. Raises ConfigurationError."""
        before, config = self.config, self._again()
        self.config = config
        if (config.cloud, config.ca) != (before.cloud, before.ca):
            old = self._http
            self._connect()
            if old is not None:
                await old.close()

    async def close(self) -> None:
        """Close every connection."""
        if self._http is not None:
            await self._http.close()

    async def grant(
        self,
        credential: InstallationCredential,
        key: GpiiKey,
        *,
        pin: Pin | None,
        proof: str,
        request_id: str,
    ) -> Grant:
        """Ask for a token, as `CloudTokens.grant`."""
        return await self._asked().grant(
            credential, key, pin=pin, proof=proof, request_id=request_id
        )

    async def revoke(
        self, credential: InstallationCredential, token: AccessToken, *, request_id: str
    ) -> None:
        """End a token, as `CloudTokens.revoke`."""
        await self._asked().revoke(credential, token, request_id=request_id)

    async def prove(self, credential: InstallationCredential) -> None:
        """Show the cloud a credential, as `CloudTokens.prove`."""
        request_id = self._entropy.token_bytes(16).hex()
        await self._asked().prove(credential, request_id=request_id)

    def _asked(self) -> CloudTokens:
        if self._tokens is None:
            raise trouble(Trouble.NO_CLOUD)
        return self._tokens

    def _connect(self) -> None:
        config = self.config
        self._http = self._tokens = self.enrolling = None
        if config.cloud is None:
            return
        ca = None if config.ca is None else Path(config.ca)
        http = CloudHttp(config.cloud, ca=ca, transport=self._network)
        clock, entropy = self._clock, self._entropy
        self._http, self._tokens = http, CloudTokens(http, clock=clock, entropy=entropy)
        self.enrolling = EnrolmentCloud(http, clock=clock, entropy=entropy)
