"""The cloud put together: the one place that knows which adapter stands behind which port.

`build` takes everything from outside, so that tests and simulations put in a store in memory, a
virtual clock and seeded chance; importing this module does nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

import msgspec

from keyin.cloud.access_log import AccessLog
from keyin.cloud.app import CloudApp, Limits, Surroundings
from keyin.cloud.edge import Edge, Pilot
from keyin.cloud.enrolment_wiring import Secrets as EnrolmentSecrets
from keyin.cloud.enrolment_wiring import Store as EnrolmentStore
from keyin.cloud.enrolment_wiring import registration_routes
from keyin.cloud.flow_wiring import Flows
from keyin.cloud.flow_wiring import Store as FlowStore
from keyin.cloud.gate import Gate
from keyin.cloud.guard import Guard
from keyin.cloud.legacy_token_routes import LegacyTokenRoutes
from keyin.cloud.limiting import Limiting, limiting
from keyin.cloud.limiting import Store as LimitingStore
from keyin.cloud.listeners import parse_listener
from keyin.cloud.metrics import Metrics
from keyin.cloud.oauth_routes import Authorization
from keyin.cloud.ops import HealthRoutes, OpsApp
from keyin.cloud.page_wiring import Means, page_routes
from keyin.cloud.settings_routes import SettingsRoutes
from keyin.cloud.settings_wiring import preferences_app, settings_services
from keyin.cloud.solutions_routes import SolutionsRoutes
from keyin.oauth.bearer import Bearer
from keyin.oauth.dpop import Dpop
from keyin.oauth.grant_endpoint import GrantEndpoint
from keyin.oauth.grants import token_exchange
from keyin.oauth.grants.password import PasswordGrant
from keyin.oauth.known_networks import KnownNetworks
from keyin.oauth.managing import Store as ManagingStore
from keyin.oauth.notice_ports import Notices
from keyin.oauth.proven_client import ClientAuthentication
from keyin.oauth.proven_sender import ProvenSenders
from keyin.oauth.second_factor_ports import SecondFactors
from keyin.oauth.sign_in import Store as SignInStore
from keyin.oauth.software_statements import Statements
from keyin.oauth.token_endpoint import TokenEndpoint
from keyin.oauth.token_status import TokenStatus
from keyin.settings.ports import Registries as StoredRegistries
from keyin.settings.ports import Safes, Vault
from keyin.stores.host import SystemClock, SystemEntropy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.cloud.config import CloudConfig
    from keyin.cloud.exchange import Handler
    from keyin.cloud.page_wiring import PagesOf
    from keyin.cloud.routes import Route
    from keyin.cloud.settings_wiring import SettingsServices
    from keyin.domain.environment import Clock, Entropy
    from keyin.oauth.granting import Grant
    from keyin.oauth.key_door import KeyDoor
    from keyin.oauth.ports import Peppers

UNIX: Final = "unix"
ANSWER_S: Final = 10.0
"""For all looks at a database that one request takes: each has its own limit, and they add up."""


class Store(
    EnrolmentStore,
    FlowStore,
    SignInStore,
    ManagingStore,
    Notices,
    SecondFactors,
    LimitingStore,
    Safes,
    StoredRegistries,
    Protocol,
):
    """Every port that the cloud needs; one object implements them all."""


class Secrets(EnrolmentSecrets, Vault, Protocol):
    """Peppers, data keys, and the keys that the cloud signs with."""


class Cloud(msgspec.Struct, frozen=True):
    """The applications of the two listeners."""

    app: CloudApp
    ops: OpsApp
    access_log: AccessLog
    metrics: Metrics
    preferences: CloudApp | None = None
    """The preferences server, where there is one; alone, it is the public one too."""

    @property
    def routes(self) -> tuple[Route, ...]:
        """Return every way in, but the operators'."""
        return (*self.app.routes, *(self.preferences.routes if self.preferences else ()))


async def build(  # noqa: PLR0913 - every one of them is replaced by some test
    config: CloudConfig,
    *,
    store: Store,
    secrets: Secrets,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    limits: Limits | None = None,
    access_log: AccessLog | None = None,
    pages: PagesOf | None = None,
    gate: Gate | None = None,
) -> Cloud:
    """Put the cloud together. Raises ConfigurationError, InvalidDocument, StoreUnavailable."""
    around = Surroundings(
        edge=edge(config),
        clock=clock or SystemClock(),
        entropy=entropy or SystemEntropy(),
        metrics=Metrics(),
        access_log=access_log or AccessLog(),
        gate=gate or Gate(),
    )
    settings = await settings_services(config, store=store, secrets=secrets, entropy=around.entropy)
    answering = handlers(
        config,
        settings,
        store=store,
        secrets=secrets,
        entropy=around.entropy,
        limited=limiting(config.limits, store, secrets, around.metrics),
        pages=pages,
    )
    preferences = preferences_app(settings, around, limits := limits or own_limits(config))
    alone = preferences if config.preferences_only else None
    return Cloud(
        access_log=around.access_log,
        metrics=around.metrics,
        app=alone or CloudApp(answering, around, limits=limits),
        preferences=preferences,
        ops=ops_app(config, store, around.metrics),
    )


def own_limits(config: CloudConfig) -> Limits:
    """Say how much one process takes on, and for how long a shared database may keep it."""
    return Limits(answer_s=ANSWER_S if config.database else None)


def ops_app(config: CloudConfig, store: Store, metrics: Metrics) -> OpsApp:
    """Return what operators ask."""
    revision = Path(config.revision_file) if config.revision_file else None
    return OpsApp(tokens=store, metrics=metrics, revision_file=revision)


def handlers(  # noqa: PLR0913 - what a cloud is made of
    config: CloudConfig,
    settings: SettingsServices,
    *,
    store: Store,
    secrets: Secrets,
    entropy: Entropy,
    limited: Limiting,
    pages: PagesOf | None = None,
) -> Mapping[Route, Handler]:
    """Put the services together; return a handler for each route that is there."""
    flows = flows_of(config, pages, store=store, secrets=secrets, entropy=entropy)
    authorization = authorization_server(flows, limited) if flows else None
    guard = Guard(bearer=bearer(store, secrets), authorization=authorization)
    families = (
        LegacyTokenRoutes(legacy_endpoint(store, secrets, entropy, limited)),
        SettingsRoutes(guard=guard, settings=settings.service),
        SolutionsRoutes(guard, settings.registries, settings.service.look),
        HealthRoutes(store, settings.elsewhere),
        *((authorization,) if authorization else ()),
        *(flows.families(authorization, guard) if flows and authorization else ()),
        *(
            (
                registration_routes(
                    config.enrolment,
                    authorization,
                    store=store,
                    secrets=secrets,
                    entropy=entropy,
                    throttle=limited.throttle,
                    statements=flows.statements,
                ),
            )
            if flows and authorization
            else ()
        ),
        *((page_routes(pages, flows, store, means(config, secrets)),) if flows and pages else ()),
    )
    return {route: handler for family in families for route, handler in family.handlers().items()}


def means(config: CloudConfig, secrets: Secrets) -> Means:
    """Return what pages need besides; the newest key signs, if one was given."""
    return Means(
        signing=next(iter(secrets.signing_keys), None),
        vault=secrets,
        second_factor=config.second_factor,
    )


def legacy_endpoint(
    store: Store, secrets: Secrets, entropy: Entropy, limited: Limiting
) -> TokenEndpoint:
    """Put the endpoint of the old token route together."""
    return TokenEndpoint(
        credentials=store,
        peppers=secrets,
        grant=PasswordGrant(door=limited.door, tokens=store, peppers=secrets, entropy=entropy),
        throttle=limited.throttle,
        trail=store,
    )


def flows_of(
    config: CloudConfig,
    pages: PagesOf | None,
    *,
    store: FlowStore,
    secrets: Secrets,
    entropy: Entropy,
) -> Flows | None:
    """Say which flows are there, where an issuer is named (ADR 14)."""
    if config.issuer is None:
        return None
    return Flows(
        store=store,
        peppers=secrets,
        entropy=entropy,
        issuer=config.issuer.rstrip("/"),
        statements=Statements(publishers=config.enrolment.known_publishers()),
        pages=pages is not None,
        devices=config.device_code,
        only_near_devices=config.device_code_same_network,
    )


def bearer(store: Store, peppers: Peppers) -> Bearer:
    """Put together who looks at tokens."""
    dpop = Dpop(peppers=peppers)
    return Bearer(tokens=store, peppers=peppers, dpop=dpop, replays=store, places=store)


def authorization_server(flows: Flows, limited: Limiting) -> Authorization:
    """Put the authorization server of `/oauth2` together."""
    issuer, store, secrets = flows.issuer, flows.store, flows.peppers
    dpop = Dpop(peppers=secrets)
    clients = ClientAuthentication(
        store=store,
        peppers=secrets,
        issuer=issuer,
        throttle=limited.throttle,
        networks=KnownNetworks(store),
    )
    return Authorization(
        issuer=issuer,
        dpop=dpop,
        status=TokenStatus(clients=clients, store=store, peppers=secrets, issuer=issuer),
        endpoint=GrantEndpoint(
            senders=ProvenSenders(clients=clients, dpop=dpop, store=store),
            grants=grants(flows, limited.door),
        ),
    )


def grants(flows: Flows, door: KeyDoor) -> Mapping[str, Grant]:
    """Name each grant of `/oauth2/token` that is switched on."""
    exchange = token_exchange.TokenExchange(
        door=door,
        tokens=flows.store,
        peppers=flows.peppers,
        entropy=flows.entropy,
        issuer=flows.issuer,
    )
    return {token_exchange.GRANT_TYPE: exchange, **flows.grants()}


def edge(config: CloudConfig) -> Edge:
    """Say who is believed and who is let in, as the configuration declares it."""
    issuer = urlsplit(config.issuer) if config.issuer else None
    pilot = config.pilot
    return Edge(
        proxies=tuple(entry for entry in config.trusted_proxy if entry != UNIX),
        unix_proxy=UNIX in config.trusted_proxy,
        only_proxies=not (parse_listener(config.listen).local or config.tls_cert),
        secure=issuer is not None and issuer.scheme == "https",
        hosts=frozenset({issuer.hostname or "", "localhost"}) if issuer else None,
        pilot=Pilot(networks=pilot.networks, until=pilot.ends()) if pilot else None,
    )
