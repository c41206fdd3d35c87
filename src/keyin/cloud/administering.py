"""The administrator's service put together, for the cloud's process and for the command alike.

`operations` is the closed list: what stands there can be asked, by the account that owns the data
directory and by root.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from keyin.oauth.accounts import Accounts
from keyin.oauth.admin_accounts import AccountOperations
from keyin.oauth.admin_applications import ApplicationOperations
from keyin.oauth.admin_client_keys import ClientKeyOperations
from keyin.oauth.admin_client_keys import Store as ClientKeyStore
from keyin.oauth.admin_clients import ClientOperations
from keyin.oauth.admin_keys import KeyOperations
from keyin.oauth.admin_keys import Secrets as KeySecrets
from keyin.oauth.admin_keys import Store as KeyStore
from keyin.oauth.admin_legacy import LegacyOperations
from keyin.oauth.admin_members import MemberOperations
from keyin.oauth.admin_sites import SiteOperations, SoftwareOperations
from keyin.oauth.admin_sites import Store as SiteStore
from keyin.oauth.admin_tokens import Store as TokenStore
from keyin.oauth.admin_tokens import TokenOperations
from keyin.oauth.administration import Administration
from keyin.oauth.audit_ports import Trail
from keyin.oauth.membership_ports import Memberships
from keyin.oauth.second_factor_ports import SecondFactors
from keyin.stores.passwords import Argon2Passwords, common_passwords

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.environment import Entropy
    from keyin.oauth.administration import Operations
    from keyin.wire.signing_key import SigningKey


class Store(
    TokenStore,
    ClientKeyStore,
    SiteStore,
    Accounts,
    Memberships,
    SecondFactors,
    KeyStore,
    Trail,
    Protocol,
):
    """What the ops read and write."""


class Secrets(KeySecrets, Protocol):
    """Peppers, data keys, and the keys that the cloud signs with."""

    @property
    def signing_keys(self) -> Sequence[SigningKey]:
        """Return them, newest first."""
        ...


def administration(
    store: Store, secrets: Secrets, entropy: Entropy, *, issuer: str | None = None
) -> Administration:
    """Put the service together; `issuer` is what files that it signs are for."""
    return Administration(operations(store, secrets, entropy, issuer), trail=store)


def operations(
    store: Store, secrets: Secrets, entropy: Entropy, issuer: str | None = None
) -> Sequence[Operations]:
    """Return every family of ops."""
    return (
        TokenOperations(
            store=store,
            peppers=secrets,
            entropy=entropy,
            signing_keys=secrets.signing_keys,
            issuer=issuer,
        ).operations(),
        ClientOperations(store=store, peppers=secrets, entropy=entropy).operations(),
        LegacyOperations(store=store).operations(),
        ClientKeyOperations(store=store, peppers=secrets).operations(),
        KeyOperations(store=store, secrets=secrets, entropy=entropy).operations(),
        ApplicationOperations(store=store, peppers=secrets, entropy=entropy).operations(),
        SiteOperations(store=store).operations(),
        MemberOperations(store=store).operations(),
        SoftwareOperations(store=store).operations(),
        AccountOperations(
            store=store,
            passwords=Argon2Passwords(entropy=entropy),
            entropy=entropy,
            common=common_passwords(),
        ).operations(),
    )
