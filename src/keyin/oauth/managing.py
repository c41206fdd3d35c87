"""A person looks after computers: those they own, and those of the sites they look after (P96).

What is not within reach is answered as what is not there. A viewer of a site sees and changes
nothing. Each act is one unit of work with its event, by the account that did it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from keyin.domain.address_text import address_text
from keyin.domain.events import Act, Event
from keyin.domain.membership import reach_of
from keyin.domain.records import Status
from keyin.oauth import managed_ports
from keyin.oauth.administration_ports import Word
from keyin.oauth.approval import approved
from keyin.oauth.editing import edited
from keyin.oauth.enrolment_ports import Registering
from keyin.oauth.managed_ports import Acted, Wanted
from keyin.oauth.membership_ports import Memberships
from keyin.oauth.notices import of_revocation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keyin.domain.enrolment import InitialAccess, Registration
    from keyin.domain.membership import Reach
    from keyin.domain.records import Lineage, RecordId
    from keyin.oauth.accounts import Account
    from keyin.oauth.administration_ports import ClientPicture
    from keyin.oauth.consent import Choice
    from keyin.oauth.managed_ports import Beginning, History
    from keyin.oauth.sign_in import Visit

_STANDS: Final = frozenset(Status) - {Status.REVOKED, Status.EXPIRED}
_FROM: Final[Mapping[Act, frozenset[Status]]] = {
    Act.CLIENT_SUSPENDED: frozenset({Status.ACTIVE}),
    Act.CLIENT_RESUMED: frozenset({Status.SUSPENDED}),
    Act.CLIENT_REVOKED: _STANDS,
}
_TO: Final[Mapping[Act, Status]] = {
    Act.CLIENT_SUSPENDED: Status.SUSPENDED,
    Act.CLIENT_RESUMED: Status.ACTIVE,
    Act.CLIENT_REVOKED: Status.REVOKED,
}


class Store(
    managed_ports.Beginnings, managed_ports.ManagedClients, Memberships, Registering, Protocol
):
    """What this reads and writes."""

    async def set_client_status(
        self, id_: RecordId, word: Word, *, only_from: frozenset[Status]
    ) -> bool:
        """See oauth.administration_ports.ClientRegister."""
        ...


class Computer(msgspec.Struct, frozen=True, kw_only=True):
    """One computer, as far as the account may know it."""

    picture: ClientPicture
    registration: Registration | None
    """None: an administrator or an import made it."""
    access: InitialAccess | None
    """What it was born from, if that is still known."""
    may_change: bool


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """A page of computers; `before`: where the next begins, if there are more."""

    computers: Sequence[Computer]
    before: int | None


class Managing(msgspec.Struct, frozen=True, kw_only=True):
    """See above. Each method raises StoreUnavailable."""

    store: Store

    async def reach(self, account: Account) -> Reach:
        """Return how far an account reaches."""
        return reach_of(account.id, await self.store.memberships_of(account.id))

    async def sites(self, account: Account) -> list[str]:
        """Name the sites for which the account may make something, as a page can show them."""
        reach = await self.reach(account)
        return sorted(site for site in reach.changed if site.isprintable())

    async def counts(self, account: Account) -> Mapping[tuple[str | None, Status], int]:
        """Count what is within reach, by site and status."""
        return await self.store.managed_counts(account.id)

    async def page(
        self, account: Account, wanted: Wanted, *, before: int | None, most: int
    ) -> Listing:
        """Return some computers within reach."""
        found = await self.store.managed(account.id, wanted, before=before, most=most + 1)
        shown = found[:most]
        return Listing(
            computers=await self._whole(account, shown),
            before=shown[-1].number if len(found) > most else None,
        )

    async def one(self, account: Account, id_: RecordId) -> Computer | None:
        """Return one within reach."""
        picture = await self.store.managed_one(account.id, id_)
        return (await self._whole(account, [picture]))[0] if picture else None

    async def history(self, account: Account, id_: RecordId, *, most: int) -> History | None:
        """Return what was done with one within reach, and from where it was used (P94)."""
        return await self.store.managed_history(account.id, id_, most=most)

    async def suspend(self, account: Account, id_: RecordId, *, reason: str, visit: Visit) -> Acted:
        """Stop one for a while."""
        return await self._say(account, id_, Act.CLIENT_SUSPENDED, reason, visit)

    async def resume(self, account: Account, id_: RecordId, *, visit: Visit) -> Acted:
        """Let a stopped one go on."""
        return await self._say(account, id_, Act.CLIENT_RESUMED, None, visit)

    async def revoke(self, account: Account, id_: RecordId, *, reason: str, visit: Visit) -> Acted:
        """Stop one for ever."""
        return await self._say(account, id_, Act.CLIENT_REVOKED, reason, visit)

    async def born_from(self, account: Account, id_: RecordId, *, most: int) -> Sequence[Computer]:
        """Return computers within reach that came with a file or a code, the newest first."""
        listing = await self.page(account, Wanted(born_from=id_), before=None, most=most)
        return listing.computers

    async def approve(self, account: Account, id_: RecordId, *, visit: Visit) -> Acted:
        """Let one in again that came back and waits for it."""
        found = await self.one(account, id_)
        if found is None or not found.may_change:
            return Acted.NOT_ALLOWED if found else Acted.NOT_THERE
        if found.registration is None:
            return Acted.OVER
        event = _event(Act.CLIENT_ACTIVATED, account, found.picture, None, visit)
        name = found.picture.credentials[0].oauth2_client_id
        return Acted.DONE if await approved(self.store, name, event=event) else Acted.OVER

    async def edit(
        self, account: Account, id_: RecordId, choice: Choice, *, version: int, visit: Visit
    ) -> Acted:
        """Give one another name, type or site: of those that the account looks after."""
        found = await self.one(account, id_)
        if found is None or not found.may_change:
            return Acted.NOT_ALLOWED if found else Acted.NOT_THERE
        lineage = found.picture.client.lineage
        if choice.site != lineage.site and not await self._may_stand(account, lineage, choice.site):
            return Acted.NOT_ALLOWED
        if found.registration is None:
            return Acted.OVER
        to_site = {"to_site": choice.site or "-"}
        event = _event(Act.REGISTRATION_CHANGED, account, found.picture, None, visit, to_site)
        return await edited(
            self.store,
            found.picture.credentials[0].oauth2_client_id,
            choice,
            owner=lineage.owner,
            version=version,
            event=event,
        )

    async def _may_stand(self, account: Account, lineage: Lineage, site: str | None) -> bool:
        """Tell whether a computer may come to stand there; at no site, only its owner's."""
        if site is None:
            return lineage.owner == account.id
        return site in (await self.reach(account)).changed

    async def _say(
        self, account: Account, id_: RecordId, act: Act, reason: str | None, visit: Visit
    ) -> Acted:
        found = await self.one(account, id_)
        if found is None or not found.may_change:
            return Acted.NOT_ALLOWED if found else Acted.NOT_THERE
        event = _event(act, account, found.picture, reason, visit)
        client = found.picture.client
        word = Word(
            status=_TO[act],
            reason=reason,
            now=visit.now,
            event=event,
            notices=of_revocation(client, event) if act is Act.CLIENT_REVOKED else (),
        )
        if await self.store.set_client_status(id_, word, only_from=_FROM[act]):
            return Acted.DONE
        there = await self.one(account, id_)
        so_already = there is not None and own_status(there.picture) is word.status
        return Acted.ALREADY if so_already else Acted.OVER

    async def _whole(self, account: Account, found: Sequence[ClientPicture]) -> Sequence[Computer]:
        """Return pictures with how each computer came; the store is asked once for all of them."""
        reach = await self.reach(account)
        began = await self.store.beginnings([picture.client.id for picture in found])
        return [_computer(one, began.get(one.client.id), reach) for one in found]


def _computer(picture: ClientPicture, began: Beginning | None, reach: Reach) -> Computer:
    lineage = picture.client.lineage
    return Computer(
        picture=picture,
        registration=began.registration if began else None,
        access=began.access if began else None,
        may_change=reach.changes(lineage.owner, lineage.site),
    )


def own_status(picture: ClientPicture) -> Status:
    """Return what the computer's own record says, whatever its site and its software are."""
    return Status.ACTIVE if picture.client.stopped_by else picture.client.status


def _event(
    act: Act,
    account: Account,
    picture: ClientPicture,
    reason: str | None,
    visit: Visit,
    detail: Mapping[str, str] | None = None,
) -> Event:
    return Event(
        act=act,
        at=visit.now,
        actor=account.id,
        address=address_text(visit.address),
        client=picture.client.id,
        detail=detail,
        reason=reason,
        request_id=visit.request_id,
        site=picture.client.lineage.site,
    )
