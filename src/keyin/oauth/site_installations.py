"""The installations of one site, as a machine job of that site may list them: no secret, no key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from keyin.domain.records import ClientKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.absent import Value
    from keyin.domain.records import Status
    from keyin.oauth.administration_ports import ClientPicture

MOST: Final = 200
"""In one answer."""


class Pictures(Protocol):
    """What this reads."""

    async def client_pictures(
        self, *, after: int, most: int, site: str | None, status: Status | None
    ) -> Sequence[ClientPicture]:
        """See oauth.administration_ports.ClientRegister."""
        ...


class SiteInstallations(msgspec.Struct, frozen=True, kw_only=True):
    """Lists what stands at a site."""

    store: Pictures

    async def listed(self, site: str | None, *, after: int) -> dict[str, Value]:
        """Return the next installations, and where to go on; a job of no site sees none.

        Raises StoreUnavailable.
        """
        if site is None:
            return {"installations": [], "next": None}
        found = await self.store.client_pictures(after=after, most=MOST, site=site, status=None)
        shown: list[Value] = [
            _told(one) for one in found if one.client.kind is ClientKind.INSTALLATION
        ]
        return {"installations": shown, "next": found[-1].number if len(found) == MOST else None}


def _told(picture: ClientPicture) -> dict[str, Value]:
    client = picture.client
    used = [key.last_used for key in picture.keys if key.last_used is not None]
    return {
        "name": client.name,
        "type": client.computer_type,
        "status": client.status.value,
        "lastUsed": max(used, default=None),
    }
