"""Puts the access requester together; tests and simulations call the same with fakes."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from keyin.access_requester.peer import AllowList, Sessions, host_sessions, read_allow_list
from keyin.access_requester.rate import RateLimit
from keyin.access_requester.server import RequestHandler
from keyin.access_requester.service import AccessRequester
from keyin.domain.errors import ConfigurationError
from keyin.domain.installation import is_published
from keyin.remote.cloud_http import CloudHttp, is_local
from keyin.remote.cloud_token import CloudTokens
from keyin.remote.ipc import IpcServer, Limits
from keyin.stores.credential_file import read_credential
from keyin.stores.host import SystemClock, SystemEntropy
from keyin.wire.requester import SERVICE

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from keyin.access_requester.config import Config
    from keyin.access_requester.ports import CredentialSource
    from keyin.domain.environment import Clock, Entropy
    from keyin.domain.installation import InstallationCredential
    from keyin.remote.ipc import Peer


@dataclass(frozen=True, slots=True, kw_only=True)
class Wired:
    """Everything that one access requester is made of; no transport listens yet."""

    config: Config
    allow: AllowList
    service: AccessRequester
    handler: RequestHandler
    http: CloudHttp
    clock: Clock
    entropy: Entropy

    def server(
        self, *, also_allow: Callable[[Peer], bool] | None = None, idle: bool = True
    ) -> IpcServer:
        """Return a server for one transport; `also_allow`: whom it vouches for itself."""
        limits = self.config.limits

        def allow(peer: Peer) -> bool:
            return self.allow(peer) or (also_allow is not None and also_allow(peer))

        return IpcServer(
            service=SERVICE,
            allow=allow,
            handle=self.handler,
            limits=Limits(
                connections=limits.connections,
                connections_per_uid=limits.connections_per_caller,
                idle_seconds=float(limits.idle_seconds) if idle else None,
            ),
        )

    async def close(self) -> None:
        """Give up what is at work toward the cloud."""
        await self.service.close()
        await self.http.close()


def build(
    config: Config,
    *,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    credential: CredentialSource | None = None,
    sessions: Sessions | None = None,
    network: httpx.AsyncBaseTransport | None = None,
) -> Wired:
    """Check everything that can be checked now. Raises ConfigurationError.

    A credential that is not there yet is no reason not to start (`not_enrolled`); one that is
    there and not safe is.
    """
    clock, entropy = clock or SystemClock(), entropy or SystemEntropy()
    http = CloudHttp(
        config.cloud, ca=None if config.ca is None else Path(config.ca), transport=network
    )
    source = _guarded(credential or _file(Path(config.credential)), http.address)
    source()
    service = _service(config, http, source, clock, entropy)
    return Wired(
        config=config,
        allow=read_allow_list(config.allow, sessions or host_sessions()),
        service=service,
        handler=RequestHandler(service),
        http=http,
        clock=clock,
        entropy=entropy,
    )


def _service(
    config: Config, http: CloudHttp, source: CredentialSource, clock: Clock, entropy: Entropy
) -> AccessRequester:
    limits = config.limits
    return AccessRequester(
        cloud=CloudTokens(http, clock=clock, entropy=entropy),
        cloud_address=http.address,
        credential=source,
        rate=RateLimit(per_minute=limits.requests_per_minute, burst=limits.burst, clock=clock),
        cloud_requests=limits.cloud_requests,
        version=version("keyin"),
        clock=clock,
        entropy=entropy,
    )


def _file(path: Path) -> CredentialSource:
    def read() -> InstallationCredential | None:
        return read_credential(path)

    return read


def _guarded(source: CredentialSource, cloud: str) -> CredentialSource:
    """Refuse the credentials that everybody knows, except toward this very computer (O13)."""

    def read() -> InstallationCredential | None:
        credential = source()
        if credential is not None and is_published(credential) and not is_local(cloud):
            raise ConfigurationError(
                "the credential is one that was published with the original's test data",
                next_step="ask whoever runs the cloud for a credential of this computer's own",
            )
        return credential

    return read
