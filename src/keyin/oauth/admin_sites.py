"""The administrator's ops on sites and on versions of software."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from keyin.domain.errors import Refused, msgid
from keyin.domain.events import Act
from keyin.domain.records import Status
from keyin.oauth import administration_ports as ports
from keyin.oauth.admin_clients import cannot_become
from keyin.oauth.administration_ports import Word
from keyin.oauth.client_pictures import fitting
from keyin.wire import admin_sites as wire
from keyin.wire.admin import Changed

if TYPE_CHECKING:
    from keyin.domain.records import Site, SoftwareVersion
    from keyin.oauth.administration import Acting, Operations


class Store(ports.Sites, ports.Software, Protocol):
    """What this reads and writes."""


class SiteOperations(msgspec.Struct, frozen=True, kw_only=True):
    """Answers about sites."""

    store: Store

    def operations(self) -> Operations:
        """Return what answers each op."""
        return {
            wire.ListSites: self.page,
            wire.CreateSite: self.create,
            wire.SuspendSite: self.suspend,
            wire.ResumeSite: self.resume,
            wire.RevokeSite: self.revoke,
        }

    async def page(self, op: wire.ListSites, _: Acting) -> wire.SitePage:
        """Name some."""
        found = await self.store.sites(after=op.after, most=op.most + 1)
        lines = fitting([_site_line(*one) for one in found[: op.most]])
        return wire.SitePage(sites=lines, more=len(lines) < len(found))

    async def create(self, op: wire.CreateSite, acting: Acting) -> Changed:
        """Note one that nobody has heard of."""
        record, clients = await self.store.find_site(op.site)
        if record is not None:
            return Changed(changed=False, status=record.status, clients=clients)
        if not op.site.isprintable() or op.site != op.site.strip():
            raise Refused(
                "bad_name",
                msgid("a site's name is one line of printable text without space at its ends"),
                next_step=msgid("Choose another name."),
            )
        return await self._say(op.site, acting, Status.ACTIVE, None, ending=False)

    async def suspend(self, op: wire.SuspendSite, acting: Acting) -> Changed:
        """Stop one for now."""
        await site_known(self.store, op.site)
        return await self._say(op.site, acting, Status.SUSPENDED, op.reason, ending=True)

    async def resume(self, op: wire.ResumeSite, acting: Acting) -> Changed:
        """Let one that was stopped go on."""
        if await site_known(self.store, op.site) is None:
            return _unchanged(await self.store.find_site(op.site))
        return await self._say(op.site, acting, Status.ACTIVE, None, ending=False)

    async def revoke(self, op: wire.RevokeSite, acting: Acting) -> Changed:
        """Stop one for ever."""
        await site_known(self.store, op.site)
        return await self._say(op.site, acting, Status.REVOKED, op.reason, ending=True)

    async def _say(
        self, site: str, acting: Acting, status: Status, reason: str | None, *, ending: bool
    ) -> Changed:
        event = acting.event(
            Act.SITE_CHANGED, site=site, reason=reason, detail={"status": status.value}
        )
        word = Word(status=status, reason=reason, now=acting.at, event=event)
        concerned = await self.store.set_site(site, word, ending=ending)
        record, clients = await self.store.find_site(site)
        there = record.status if record else Status.ACTIVE
        if there is not status:
            raise cannot_become(there)
        return Changed(changed=concerned is not None, status=there, clients=clients)


class SoftwareOperations(msgspec.Struct, frozen=True, kw_only=True):
    """Answers about versions of software."""

    store: Store

    def operations(self) -> Operations:
        """Return what answers each op."""
        return {
            wire.ListSoftware: self.page,
            wire.StopSoftware: self.stop,
            wire.ResumeSoftware: self.resume,
        }

    async def page(self, op: wire.ListSoftware, _: Acting) -> wire.SoftwarePage:
        """Name some."""
        found = await self.store.software(after=op.after, most=op.most + 1)
        lines = fitting([_software_line(*one) for one in found[: op.most]])
        return wire.SoftwarePage(software=lines, more=len(lines) < len(found))

    async def stop(self, op: wire.StopSoftware, acting: Acting) -> Changed:
        """Stop a version's clients."""
        if not op.unseen:
            await self._known(op.software, op.version)
        word = _word(op, acting, Status.SUSPENDED, op.reason)
        return await self._say(op, word, ending=True)

    async def resume(self, op: wire.ResumeSoftware, acting: Acting) -> Changed:
        """Let a stopped version's clients go on."""
        if await self._known(op.software, op.version) is None:
            return _unchanged(await self.store.find_software(op.software, op.version))
        return await self._say(op, _word(op, acting, Status.ACTIVE, None), ending=False)

    async def _known(self, id_: str, version: str) -> SoftwareVersion | None:
        record, clients = await self.store.find_software(id_, version)
        if record is None and not clients:
            raise Refused(
                "unknown_software",
                msgid("no client runs version %(version)s of %(id)s"),
                next_step=msgid(
                    "`keyin software list` names them all; --unseen stops one beforehand."
                ),
                id=id_,
                version=version,
            )
        return record

    async def _say(
        self, op: wire.StopSoftware | wire.ResumeSoftware, word: Word, *, ending: bool
    ) -> Changed:
        concerned = await self.store.set_software(op.software, op.version, word, ending=ending)
        record, clients = await self.store.find_software(op.software, op.version)
        there = record.status if record else Status.ACTIVE
        return Changed(changed=concerned is not None, status=there, clients=clients)


async def site_known(store: ports.Sites, site: str) -> Site | None:
    """Return what was said of a site that is there. Raises Refused."""
    record, clients = await store.find_site(site)
    if record is None and not clients:
        raise Refused(
            "unknown_site",
            msgid("there is no site %(site)s"),
            next_step=msgid("`keyin site list` names them all; `keyin site create` makes one."),
            site=site,
        )
    return record


def _unchanged(found: tuple[Site | SoftwareVersion | None, int]) -> Changed:
    record, clients = found
    return Changed(
        changed=False, status=record.status if record else Status.ACTIVE, clients=clients
    )


def _word(
    op: wire.StopSoftware | wire.ResumeSoftware, acting: Acting, status: Status, reason: str | None
) -> Word:
    event = acting.event(
        Act.SOFTWARE_CHANGED,
        reason=reason,
        detail={"software": f"{op.software} {op.version}", "status": status.value},
    )
    return Word(status=status, reason=reason, now=acting.at, event=event)


def _site_line(name: str, record: Site | None, clients: int) -> wire.SiteLine:
    return wire.SiteLine(
        name=name,
        status=record.status if record else Status.ACTIVE,
        reason=record.reason if record else None,
        clients=clients,
        updated=(record.updated or record.created) if record else None,
    )


def _software_line(
    name: tuple[str, str], record: SoftwareVersion | None, clients: int
) -> wire.SoftwareLine:
    return wire.SoftwareLine(
        id=name[0],
        version=name[1],
        status=record.status if record else Status.ACTIVE,
        reason=record.reason if record else None,
        clients=clients,
        updated=(record.updated or record.created) if record else None,
    )
