"""Puts the access requester together; tests and simulations call the same with fakes."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

import msgspec

from keyin.access_requester.administering import Administering
from keyin.access_requester.enrolment import Enrolment
from keyin.access_requester.keeper import Keeper
from keyin.access_requester.own_identity import OwnIdentity
from keyin.access_requester.peer import AllowList, Sessions, host_sessions, read_allow_list
from keyin.access_requester.rate import RateLimit
from keyin.access_requester.reach import Reach, refuse_published
from keyin.access_requester.registering import Registering
from keyin.access_requester.rotation import Rotation
from keyin.access_requester.server import RequestHandler
from keyin.access_requester.service import AccessRequester
from keyin.access_requester.site_file import SiteFiles
from keyin.access_requester.telling import Telling
from keyin.access_requester.ways import Ways
from keyin.domain.errors import Refused
from keyin.remote.ipc import IpcServer, Limits
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


class Wired(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one access requester is made of; no transport listens yet."""

    config: Config
    allow: AllowList
    service: AccessRequester
    handler: RequestHandler
    administering: Administering
    keeper: Keeper
    reach: Reach
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
        await self.administering.close()
        await self.service.close()
        await self.reach.close()


def build(  # noqa: PLR0913 - what a test or a simulation puts in the place of the real thing
    config: Config,
    *,
    again: Callable[[], Config] | None = None,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    credential: CredentialSource | None = None,
    sessions: Sessions | None = None,
    network: httpx.AsyncBaseTransport | None = None,
) -> Wired:
    """Check everything that can be checked now. Raises ConfigurationError.

    A credential that is not there yet is no reason not to start (`not_enrolled`), nor is one that
    is a copy; one that is there and not safe is. `again` reads the configuration anew.
    """
    clock, entropy = clock or SystemClock(), entropy or SystemEntropy()
    reach = Reach(
        config, again=again or (lambda: config), network=network, clock=clock, entropy=entropy
    )
    identity = OwnIdentity(reach)
    source = identity.credential if credential is None else _guarded(credential, reach)
    _try(source)
    service = _service(config, reach, source, clock, entropy)
    keeper, administering = _enrolling(reach, identity, clock, entropy, service)
    return Wired(
        config=config,
        allow=read_allow_list(config.allow, sessions or host_sessions()),
        service=service,
        handler=RequestHandler(service),
        administering=administering,
        keeper=keeper,
        reach=reach,
        clock=clock,
        entropy=entropy,
    )


def _service(
    config: Config, reach: Reach, source: CredentialSource, clock: Clock, entropy: Entropy
) -> AccessRequester:
    limits = config.limits
    return AccessRequester(
        cloud=reach,
        credential=source,
        rate=RateLimit(per_minute=limits.requests_per_minute, burst=limits.burst, clock=clock),
        cloud_requests=limits.cloud_requests,
        version=version("keyin"),
        clock=clock,
        entropy=entropy,
    )


def _enrolling(
    reach: Reach, identity: OwnIdentity, clock: Clock, entropy: Entropy, service: AccessRequester
) -> tuple[Keeper, Administering]:
    registering = Registering(reach=reach, identity=identity, version=version("keyin"))
    rotation = Rotation(reach=reach, identity=identity, registering=registering, entropy=entropy)
    telling = Telling(
        identity=identity, registering=registering, rotation=rotation, clock=clock, entropy=entropy
    )
    site_files = SiteFiles(reach=reach, clock=clock)
    enrolment = Enrolment(
        reach=reach, registering=registering, site_files=site_files, clock=clock, entropy=entropy
    )
    ways = Ways(
        reach=reach,
        identity=identity,
        registering=registering,
        rotation=rotation,
        telling=telling,
        enrolment=enrolment,
        site_files=site_files,
    )
    keeper = Keeper(ways, clock=clock, entropy=entropy)

    def settled() -> None:
        service.settle()
        keeper.wake()

    enrolment.settled, enrolment.failed = settled, keeper.attempt_failed
    service.refused = lambda: keeper.wake(refused=True)
    return keeper, Administering(ways, keeper)


def _guarded(source: CredentialSource, reach: Reach) -> CredentialSource:
    def read() -> InstallationCredential | None:
        credential = source()
        return credential and refuse_published(credential, reach.address)

    return read


def _try(source: CredentialSource) -> None:
    try:
        source()
    except Refused:
        return  # a copy: what it is used for is refused, and it can be enrolled
