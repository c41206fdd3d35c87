"""The administrator's op on applications: register. All else is as with any client."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from keyin.domain.applications import AuthMethod
from keyin.domain.errors import Refused, msgid
from keyin.domain.events import Act
from keyin.domain.records import UNRESTRICTED
from keyin.oauth.admin_clients import Store, acceptable, check_networks, check_site, check_unused
from keyin.oauth.application_registration import ApplicationWish, register_application
from keyin.wire.admin_applications import ApplicationRegistered, RegisterApplication

if TYPE_CHECKING:
    from keyin.domain.environment import Entropy
    from keyin.oauth.administration import Acting, Operations
    from keyin.oauth.ports import Peppers


class ApplicationOperations(msgspec.Struct, frozen=True, kw_only=True):
    """Answers about applications."""

    store: Store
    peppers: Peppers
    entropy: Entropy

    def operations(self) -> Operations:
        """Return what answers each op."""
        return {RegisterApplication: self.register}

    async def register(self, op: RegisterApplication, acting: Acting) -> ApplicationRegistered:
        """Take a new one in."""
        check_networks(op.networks or ())
        await check_site(self.store, op.site)
        key = acceptable(op.public_key) if op.public_key is not None else None
        if key is not None:
            await check_unused(self.store, key)
        wish = ApplicationWish(
            name=op.name,
            auth_method=_method(op.auth_method),
            grant_types=op.grant_types,
            scopes=op.scopes,
            redirect_uris=op.redirect_uris,
            native=op.native,
            key=key,
            site=op.site,
            networks=UNRESTRICTED if op.networks is None else op.networks,
            par_required=op.par_required,
            typ_required=op.typ_required,
        )
        made = register_application(wish, peppers=self.peppers, entropy=self.entropy, now=acting.at)
        client = made.records.clients[0]
        event = acting.event(
            Act.CLIENT_REGISTERED,
            client=client.id,
            site=client.lineage.site,
            detail={"application": made.client_id, "method": wish.auth_method},
        )
        await self.store.enrol(made.records, event=event)
        return ApplicationRegistered(
            client_id=made.client_id,
            kid=key.thumbprint if key else None,
            client_secret=made.secret.reveal() if made.secret else None,
        )


def _method(name: str) -> AuthMethod:
    try:
        return AuthMethod(name)
    except ValueError:
        raise Refused(
            "bad_request",
            msgid("there is no authentication method %(method)s"),
            next_step=msgid("`keyin application create --help` names them."),
            method=name,
        ) from None
