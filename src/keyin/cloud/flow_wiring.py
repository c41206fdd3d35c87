"""The grants and routes of applications, put together with the services behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from keyin.cloud.api_routes import ApiRoutes
from keyin.cloud.flow_routes import FlowRoutes
from keyin.domain.applications import AUTHORIZATION_CODE, CLIENT_CREDENTIALS, DEVICE_CODE
from keyin.oauth.account_access import AccountAccess
from keyin.oauth.device import DeviceAuthorization
from keyin.oauth.enrolment_ports import InitialAccesses
from keyin.oauth.flow_ports import Authorizations, Codes, DeviceRequests
from keyin.oauth.grants.authorization_code import AuthorizationCodeGrant
from keyin.oauth.grants.client_credentials import ClientCredentials
from keyin.oauth.grants.computer_grants import ComputerGrants
from keyin.oauth.grants.device_code import DeviceCodeGrant
from keyin.oauth.initial_access import InitialAccessService
from keyin.oauth.notice_ports import ClientNetworks
from keyin.oauth.proven_client import Store as ClientStore
from keyin.oauth.pushed_requests import PushedRequests
from keyin.oauth.site_installations import Pictures, SiteInstallations
from keyin.oauth.token_status import Store as TokenStore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.cloud.guard import Guard
    from keyin.cloud.oauth_routes import Authorization
    from keyin.domain.environment import Entropy
    from keyin.oauth.granting import Grant
    from keyin.oauth.ports import Peppers
    from keyin.oauth.software_statements import Statements


class Store(
    Authorizations,
    ClientNetworks,
    ClientStore,
    Codes,
    DeviceRequests,
    InitialAccesses,
    Pictures,
    TokenStore,
    Protocol,
):
    """What stands behind the flows."""


class Flows(msgspec.Struct, frozen=True, kw_only=True):
    """What of the flows is switched on, and what they need."""

    store: Store
    peppers: Peppers
    entropy: Entropy
    issuer: str
    statements: Statements
    """Of publishers whose word about software counts."""
    pages: bool
    """Whether there are pages on which a person can say yes."""
    devices: bool
    """Whether devices without a browser may ask (RFC 8628)."""
    only_near_devices: bool = False
    """Whether only such as ask from the person's own network."""

    def grants(self) -> Mapping[str, Grant]:
        """Name each grant of applications that is switched on."""
        made: dict[str, Grant] = {
            CLIENT_CREDENTIALS: ClientCredentials(
                store=self.store, peppers=self.peppers, entropy=self.entropy, issuer=self.issuer
            )
        }
        if self.pages:
            made[AUTHORIZATION_CODE] = AuthorizationCodeGrant(
                store=self.store,
                peppers=self.peppers,
                entropy=self.entropy,
                computers=self.computers,
            )
        if self.pages and self.devices:
            made[DEVICE_CODE] = DeviceCodeGrant(
                store=self.store,
                peppers=self.peppers,
                entropy=self.entropy,
                computers=self.computers,
            )
        return made

    @property
    def computers(self) -> ComputerGrants:
        """Return what gives a computer its initial access token."""
        return ComputerGrants(
            access=InitialAccessService(
                store=self.store, peppers=self.peppers, entropy=self.entropy
            )
        )

    def families(self, authorization: Authorization, guard: Guard) -> tuple[FlowRoutes, ApiRoutes]:
        """Return the routes."""
        senders = authorization.endpoint.senders
        pushed = PushedRequests(
            senders=senders,
            store=self.store,
            peppers=self.peppers,
            entropy=self.entropy,
            issuer=self.issuer,
            statements=self.statements,
        )
        devices = DeviceAuthorization(
            senders=senders,
            store=self.store,
            peppers=self.peppers,
            entropy=self.entropy,
            issuer=self.issuer,
            statements=self.statements,
        )
        return (
            FlowRoutes(
                authorization=authorization,
                pushed=pushed if self.pages else None,
                devices=devices if self.pages and self.devices else None,
            ),
            ApiRoutes(
                guard=guard,
                accounts=AccountAccess(store=self.store),
                installations=SiteInstallations(store=self.store),
            ),
        )
