"""The pages of one issuer, put together with the services behind them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from keyin.cloud.page_routes import PageRoutes
from keyin.oauth.authorization import AuthorizationEndpoint
from keyin.oauth.authorization import Store as AuthorizationStore
from keyin.oauth.device import DevicePage
from keyin.oauth.device import PageStore as DeviceStore
from keyin.oauth.page_services import PageServices
from keyin.oauth.sign_in import SignIn
from keyin.oauth.sign_in import Store as SignInStore
from keyin.stores.passwords import Argon2Passwords
from keyin.wire.pages import Pages

if TYPE_CHECKING:
    from keyin.cloud.flow_wiring import Flows

PagesOf = Callable[[PageServices], Pages]
"""Makes the pages: given from outside, since the server knows none (ADR 1)."""


class Store(AuthorizationStore, DeviceStore, SignInStore, Protocol):
    """What stands behind the pages."""


def page_routes(pages_of: PagesOf, flows: Flows, store: Store) -> PageRoutes:
    """Return the routes that people see."""
    peppers, entropy = flows.peppers, flows.entropy
    services = PageServices(
        issuer=flows.issuer,
        sign_in=SignIn(
            store=store,
            passwords=Argon2Passwords(entropy=entropy),
            peppers=peppers,
            entropy=entropy,
        ),
        authorization=AuthorizationEndpoint(
            store=store, peppers=peppers, entropy=entropy, issuer=flows.issuer
        ),
        devices=_device_page(flows, store) if flows.devices else None,
        peppers=peppers,
        entropy=entropy,
    )
    return PageRoutes(pages_of(services), devices=flows.devices)


def _device_page(flows: Flows, store: Store) -> DevicePage:
    return DevicePage(store=store, peppers=flows.peppers, only_same_network=flows.only_near_devices)
