"""The pages of one issuer, put together with the services behind them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

import msgspec

from keyin.cloud.page_routes import PageRoutes
from keyin.oauth.authorization import AuthorizationEndpoint
from keyin.oauth.authorization import Store as AuthorizationStore
from keyin.oauth.computer_approval import ComputerApproval
from keyin.oauth.device import DevicePage
from keyin.oauth.device import PageStore as DeviceStore
from keyin.oauth.enrolment_ports import InitialAccesses
from keyin.oauth.initial_access import InitialAccessService
from keyin.oauth.managed_files import ManagedFiles
from keyin.oauth.managing import Managing
from keyin.oauth.managing import Store as ManagingStore
from keyin.oauth.membership_ports import Memberships
from keyin.oauth.notice_ports import Notices
from keyin.oauth.own_account import OwnAccount
from keyin.oauth.page_services import PageServices
from keyin.oauth.second_factor import Rule, SecondSteps
from keyin.oauth.second_factor_ports import Sealing, SecondFactors
from keyin.oauth.sign_in import SignIn
from keyin.oauth.sign_in import Store as SignInStore
from keyin.stores.passwords import Argon2Passwords, common_passwords
from keyin.wire.pages import Pages

if TYPE_CHECKING:
    from keyin.cloud.flow_wiring import Flows
    from keyin.wire.enrolment_file import Signs

PagesOf = Callable[[PageServices], Pages]
"""Makes the pages: given from outside, since the server knows none (ADR 1)."""


class Store(
    AuthorizationStore,
    DeviceStore,
    InitialAccesses,
    ManagingStore,
    Memberships,
    Notices,
    SecondFactors,
    SignInStore,
    Protocol,
):
    """What stands behind the pages."""


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """What only pages need."""

    signing: Signs | None
    vault: Sealing
    second_factor: Rule


def page_routes(pages_of: PagesOf, flows: Flows, store: Store, means: Means) -> PageRoutes:
    """Return the routes that people see."""
    peppers, entropy = flows.peppers, flows.entropy
    authorization = AuthorizationEndpoint(
        store=store, peppers=peppers, entropy=entropy, issuer=flows.issuer
    )
    steps = SecondSteps(
        store=store,
        vault=means.vault,
        peppers=peppers,
        entropy=entropy,
        service=urlsplit(flows.issuer).netloc,
    )
    passwords = Argon2Passwords(entropy=entropy)
    services = PageServices(
        issuer=flows.issuer,
        sign_in=SignIn(
            store=store,
            passwords=passwords,
            steps=steps,
            peppers=peppers,
            entropy=entropy,
        ),
        authorization=authorization,
        computers=ComputerApproval(
            answering=authorization.answering, grants=flows.computers, memberships=store
        ),
        devices=_device_page(flows, store) if flows.devices else None,
        managing=Managing(store=store),
        files=ManagedFiles(store=store),
        access=InitialAccessService(store=store, peppers=peppers, entropy=entropy),
        notices=store,
        own=OwnAccount(store=store, passwords=passwords, common=common_passwords()),
        steps=steps,
        rule=means.second_factor,
        signing=means.signing,
        peppers=peppers,
        entropy=entropy,
    )
    return PageRoutes(pages_of(services), devices=flows.devices)


def _device_page(flows: Flows, store: Store) -> DevicePage:
    return DevicePage(store=store, peppers=flows.peppers, only_same_network=flows.only_near_devices)
