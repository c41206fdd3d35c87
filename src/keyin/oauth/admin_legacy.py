"""The administrator's op on the day on which the old token route ends for a client (P102)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from keyin.domain.environment import Millis
from keyin.domain.errors import Refused, msgid
from keyin.domain.events import Act
from keyin.domain.records import NO_SECRET, ClientKind, Status
from keyin.domain.secret import equal
from keyin.oauth.admin_clients import cannot_become, the_client
from keyin.oauth.managing import own_status
from keyin.wire import admin_clients as wire
from keyin.wire.admin import Changed

if TYPE_CHECKING:
    from keyin.oauth.administration import Acting, Operations
    from keyin.oauth.administration_ports import ClientPicture, ClientRegister


class LegacyOperations(msgspec.Struct, frozen=True, kw_only=True):
    """Answers about the old route's end."""

    store: ClientRegister

    def operations(self) -> Operations:
        """Return what answers each op."""
        return {wire.MoveLegacyEnd: self.move}

    async def move(self, op: wire.MoveLegacyEnd, acting: Acting) -> Changed:
        """Move the day. Tokens that are out live on for the hour that they have at most."""
        picture = await the_client(self.store, op.client)
        client = picture.client
        if client.status is Status.REVOKED:
            raise cannot_become(Status.REVOKED)
        if not _has_secret(picture):
            raise Refused(
                "no_secret_here",
                msgid("this client has no secret, and so no use for the old token route"),
                next_step=msgid("Programs that need one: keyin client create --legacy-until."),
            )
        until = Millis(op.until)
        event = acting.event(
            Act.POLICY_CHANGED,
            client=client.id,
            site=client.lineage.site,
            detail={"legacy_until": str(until)},
        )
        changed = await self.store.set_legacy_until(client.id, until, now=acting.at, event=event)
        return Changed(changed=changed, status=own_status(picture), clients=1)


def _has_secret(picture: ClientPicture) -> bool:
    return picture.client.kind is ClientKind.INSTALLATION and any(
        not equal(one.secret_digest, NO_SECRET) for one in picture.credentials
    )
