"""What the cloud is asked to register with, kept from before until the answer lies here.

A one-time token counts once, and the cloud gives a lost answer again to the same key alone: with
another key the token would be taken for stolen. So whoever is killed in between, or types the same
code again, asks with what lies here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from keyin.access_requester.keys import signing, to_keep
from keyin.access_requester.own_identity import seen
from keyin.domain.identity import is_copy
from keyin.domain.secret import equal
from keyin.remote.proven_requests import Presented
from keyin.stores.credential_file import Asking, CredentialFile
from keyin.wire.enrolment_code import InitialAccessToken, is_initial_access_token

if TYPE_CHECKING:
    from keyin.access_requester.own_identity import OwnIdentity
    from keyin.wire.signing_key import SigningKey


class Asked(msgspec.Struct, frozen=True):
    """The key that is to be registered, and with what."""

    key: SigningKey
    presented: Presented


class AskedBefore:
    """The one question that may be open."""

    def __init__(self, identity: OwnIdentity) -> None:
        self._identity = identity

    def open(self, issuer: str) -> Asked | None:
        """Return what this cloud was asked with, and not answered. Raises ConfigurationError."""
        lies = self._identity.files.asking()
        if lies is None or lies.asking is None or lies.asking.cloud != issuer:
            return None
        if is_copy(seen(lies), self._identity.installation_id):
            return None
        presented = Presented(InitialAccessToken(lies.asking.token), lies.asking.scheme)
        return Asked(signing(lies.private_key), presented)

    def same(self, asked: Asked, issuer: str) -> Asked:
        """Return what this cloud was asked with, if that was with the same token; else this.

        Raises ConfigurationError.
        """
        before = self.open(issuer)
        if before is None:
            return asked
        tokens = before.presented.token.reveal(), asked.presented.token.reveal()
        return before if equal(*tokens) else asked

    def keep(self, asked: Asked, issuer: str) -> bool:
        """Write it down; False for what a computer comes back with. Raises ConfigurationError."""
        if not is_initial_access_token(asked.presented.token.reveal()):
            return False
        asking = Asking(
            cloud=issuer,
            installation_id=self._identity.machine.installation_id(),
            token=asked.presented.token.reveal(),
            scheme=asked.presented.scheme,
        )
        self._identity.files.write_asking(
            CredentialFile(
                client_id=None,
                private_key=to_keep(asked.key),
                public=asked.key.public,
                asking=asking,
            )
        )
        return True

    def forget(self) -> None:
        """Forget it. Raises ConfigurationError."""
        self._identity.files.drop_asking()
