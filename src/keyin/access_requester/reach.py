"""The cloud that this computer asks, and, while it enrols at another one, that one too.

The configuration is read again when an administrator enrols. People's key-ins go to the cloud that
this computer has an identity for, until it has one for the other: an attempt that fails changes
nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from keyin.domain.errors import ConfigurationError
from keyin.domain.installation import InstallationCredential, is_published
from keyin.remote.cloud_enrolment import EnrolmentCloud
from keyin.remote.cloud_http import CloudHttp, is_local
from keyin.remote.cloud_token import CloudTokens
from keyin.wire.requester_trouble import Trouble, trouble

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from keyin.access_requester.config import Config
    from keyin.domain.environment import Clock, Entropy
    from keyin.domain.secret import AccessToken, GpiiKey, Pin
    from keyin.remote.cloud_token import Grant
    from keyin.stores.credential_file import CredentialFile


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One cloud, as one configuration names it."""

    config: Config
    http: CloudHttp
    tokens: CloudTokens
    enrolling: EnrolmentCloud


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
        self._here = self._side(config)
        self._there: Side | None = None

    @property
    def address(self) -> str:
        """Return the cloud's address, "" where none is configured."""
        return "" if self._here is None else self._here.http.address

    @property
    def issuer(self) -> str | None:
        """Return what the cloud must call itself."""
        return None if self._here is None else self._here.http.issuer

    @property
    def enrolling(self) -> EnrolmentCloud:
        """Return the cloud to enrol at. Raises Refused (`no_cloud`)."""
        return self._aimed().enrolling

    async def aim(self) -> None:
        """Read which cloud is to be enrolled at. Raises ConfigurationError, Refused."""
        await self.miss()
        config, here = self._again(), self._here
        if here is None or (config.cloud, config.ca) != (here.config.cloud, here.config.ca):
            side = self._side(config)
            if side is None:
                raise trouble(Trouble.NO_CLOUD)
            if here is None:  # nobody was asked so far: it stays the one, also if this fails
                self._here = side
            else:
                self._there = side
        self.config = replace(self.config, enrolment=config.enrolment)

    async def arrive(self) -> None:
        """Ask the cloud that was aimed at, from now on: this computer has an identity there."""
        if self._there is not None:
            former, self._here, self._there = self._here, self._there, None
            if former is not None:
                await former.http.close()

    async def miss(self) -> None:
        """Let go of the cloud that was aimed at."""
        if self._there is not None:
            there, self._there = self._there, None
            await there.http.close()

    async def close(self) -> None:
        """Close every connection."""
        await self.miss()
        if self._here is not None:
            await self._here.http.close()

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

    async def prove(self, found: CredentialFile) -> None:
        """Show an identity to the cloud that it is for.

        Raises Refused, CloudUnreachable, ConfigurationError.
        """
        side = self._aimed()
        credential = usable(found, side.http.address)
        request_id = self._entropy.token_bytes(16).hex()
        await side.tokens.prove(credential, request_id=request_id)

    def _asked(self) -> CloudTokens:
        if self._here is None:
            raise trouble(Trouble.NO_CLOUD)
        return self._here.tokens

    def _aimed(self) -> Side:
        side = self._there or self._here
        if side is None:
            raise trouble(Trouble.NO_CLOUD)
        return side

    def _side(self, config: Config) -> Side | None:
        if config.cloud is None:
            return None
        ca = None if config.ca is None else Path(config.ca)
        http = CloudHttp(config.cloud, ca=ca, transport=self._network)
        clock, entropy = self._clock, self._entropy
        return Side(
            config=config,
            http=http,
            tokens=CloudTokens(http, clock=clock, entropy=entropy),
            enrolling=EnrolmentCloud(http, clock=clock, entropy=entropy),
        )


def usable(found: CredentialFile, cloud: str) -> InstallationCredential:
    """Return what a request is signed with. Raises ConfigurationError for a published one."""
    credential = InstallationCredential(found.client_id or "", found.private_key)
    return refuse_published(credential, cloud)


def refuse_published(credential: InstallationCredential, cloud: str) -> InstallationCredential:
    """Refuse the credentials that everybody knows, except toward this very computer (O13)."""
    if is_published(credential) and not (cloud and is_local(cloud)):
        raise ConfigurationError(
            "the credential is one that was published with the original's test data",
            next_step="ask whoever runs the cloud for a credential of this computer's own",
        )
    return credential
