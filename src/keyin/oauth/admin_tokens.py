"""The administrator's ops on initial access tokens, and on computers that wait for a yes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec
from msgspec.structs import replace

from keyin.domain.enrolment import SETTINGS_SCOPES, Computer, InitialAccessKind, Template
from keyin.domain.errors import Refused, msgid
from keyin.domain.events import Act
from keyin.domain.records import UNRESTRICTED, RecordId, Status, Unrestricted
from keyin.oauth import administration_ports, enrolment_ports
from keyin.oauth.accounts import Accounts, name_key
from keyin.oauth.admin_clients import check_site, the_client
from keyin.oauth.approval import approved
from keyin.oauth.client_pictures import fitting
from keyin.oauth.initial_access import (
    CHANNEL_PURPOSE,
    InitialAccessService,
    NewAccess,
    ended,
    made,
)
from keyin.oauth.notices import of_making
from keyin.wire import admin_tokens as wire
from keyin.wire.admin import Changed
from keyin.wire.enrolment_code import code_of
from keyin.wire.enrolment_file import EnrolmentFile, write
from keyin.wire.utc_text import text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.enrolment import InitialAccess
    from keyin.domain.environment import Entropy
    from keyin.oauth.administration import Acting, Operations
    from keyin.oauth.enrolment_ports import Listed
    from keyin.oauth.initial_access import Minted
    from keyin.oauth.ports import Peppers
    from keyin.wire.signing_key import SigningKey

_KINDS = {kind.value: kind for kind in InitialAccessKind}


class Store(
    administration_ports.ClientRegister,
    administration_ports.Sites,
    enrolment_ports.InitialAccesses,
    enrolment_ports.Registering,
    enrolment_ports.SitePolicies,
    enrolment_ports.Owners,
    Accounts,
    Protocol,
):
    """What this reads and writes."""


class TokenOperations(msgspec.Struct, frozen=True, kw_only=True):
    """Answers about them."""

    store: Store
    peppers: Peppers
    entropy: Entropy
    signing_keys: Sequence[SigningKey]
    issuer: str | None
    """None: nobody said under which address the cloud is known, so no file can be signed."""

    def operations(self) -> Operations:
        """Return what answers each op."""
        return {
            wire.MakeAccess: self.make,
            wire.ListAccess: self.page,
            wire.RevokeAccess: self.revoke,
            wire.ApproveClient: self.approve,
            wire.SetReturns: self.set_returns,
            wire.RevokeOwned: self.revoke_owned,
        }

    async def make(self, op: wire.MakeAccess, acting: Acting) -> wire.AccessMade:
        """Make one."""
        await check_site(self.store, op.site)
        wish = await self._wish(op)
        if wish.kind in {InitialAccessKind.FILE, InitialAccessKind.BUNDLE} and not self._signs():
            raise Refused(
                "no_issuer",
                msgid("nobody said for which address of the cloud the file is"),
                next_step=msgid("Run this while the cloud serves, or give --issuer."),
            )
        minted = self._service().mint(wish, now=acting.at)
        record = minted.record
        if wish.kind is InitialAccessKind.CHANNEL:
            digest = self.peppers.digests(CHANNEL_PURPOSE, wish.label)[0]
            record = replace(record, digest=digest)
        event = made(record, acting)
        told = of_making(record, event)
        if not await self.store.add_initial_access(record, event=event, notices=told):
            raise Refused(
                "name_taken",
                msgid("there is a channel of this name"),
                next_step=msgid("Choose another name; a revoked one does not come back."),
            )
        return self._made(minted, record)

    def _service(self) -> InitialAccessService:
        return InitialAccessService(store=self.store, peppers=self.peppers, entropy=self.entropy)

    def _signs(self) -> bool:
        return self.issuer is not None and bool(self.signing_keys)

    async def _wish(self, op: wire.MakeAccess) -> NewAccess:
        owner = None
        if op.owner is not None:
            account = await self.store.find_account(name_key(op.owner))
            if account is None or account.status is not Status.ACTIVE:
                raise Refused(
                    "unknown_account",
                    msgid("there is no active account of this name"),
                    next_step=msgid("`keyin account list` names them."),
                )
            owner = account.id
        return NewAccess(
            kind=_KINDS[op.kind],
            owner=owner,
            site=op.site,
            label=op.label,
            template=Template(
                computer_type=op.computer_type,
                scopes=SETTINGS_SCOPES[:1] if op.read_only else SETTINGS_SCOPES,
                networks=_limit(op.computer_networks),
                writable=op.writable,
            ),
            lifetime_ms=op.lifetime_s * 1000,
            computer=Computer(name=op.label) if op.kind == "code" else None,
            max_uses=op.uses,
            networks=_limit(op.networks),
            software_ids=_limit(op.software_ids),
        )

    def _made(self, minted: Minted, record: InitialAccess) -> wire.AccessMade:
        code = code_of(minted.token).reveal() if record.kind is InitialAccessKind.CODE else None
        file = None
        if record.kind in {InitialAccessKind.FILE, InitialAccessKind.BUNDLE}:
            content = EnrolmentFile(
                issuer=self.issuer or "",
                iat=minted.token.reveal(),
                site=record.site,
                label=record.label,
                expires_at=text_of(record.expires),
                max_uses=record.max_uses,
            )
            file = write(content, self.signing_keys[0]).decode()
        return wire.AccessMade(id=record.id, expires=record.expires, code=code, file=file)

    async def page(self, op: wire.ListAccess, _: Acting) -> wire.AccessPage:
        """Name some."""
        found = await self.store.initial_accesses(after=op.after, most=op.most + 1, reach=None)
        lines = fitting([_line(one) for one in found[: op.most]])
        more = len(lines) < len(found)
        return wire.AccessPage(tokens=lines, after=lines[-1].number if more and lines else None)

    async def revoke(self, op: wire.RevokeAccess, acting: Acting) -> Changed:
        """End one, and its descendants if that is wanted."""
        found = await self.store.initial_access(RecordId(op.token))
        if found is None:
            raise Refused(
                "unknown_token",
                msgid("there is no initial access token with this id"),
                next_step=msgid("`keyin token list` names them."),
            )
        event = ended(found.record, acting, op.reason, all_=op.with_descendants)
        ending = enrolment_ports.Ending(reason=op.reason, now=acting.at, event=event)
        clients = await self.store.end_initial_access(
            found.record.id, ending, descendants=op.with_descendants
        )
        return Changed(changed=clients is not None, status=Status.REVOKED, clients=clients)

    async def approve(self, op: wire.ApproveClient, acting: Acting) -> Changed:
        """Let a computer count that waits for a person's yes."""
        picture = await the_client(self.store, op.client)
        client_id = picture.credentials[0].oauth2_client_id if picture.credentials else ""
        event = acting.event(
            Act.CLIENT_ACTIVATED, client=picture.client.id, site=picture.client.lineage.site
        )
        changed = await approved(self.store, client_id, event=event)
        return Changed(changed=changed, status=Status.ACTIVE if changed else picture.client.status)

    async def revoke_owned(self, op: wire.RevokeOwned, acting: Acting) -> Changed:
        """End everything that an account answers for."""
        found = await self.store.find_account(name_key(op.account))
        account = found or await self.store.account(RecordId(op.account))
        if account is None:
            raise Refused(
                "unknown_account",
                msgid("there is no account of this name"),
                next_step=msgid("`keyin account list` names them."),
            )
        event = acting.event(
            Act.INITIAL_ACCESS_REVOKED,
            reason=op.reason,
            detail={"account": account.id, "descendants": "yes"},
        )
        ending = enrolment_ports.Ending(reason=op.reason, now=acting.at, event=event)
        clients = await self.store.end_owned(account.id, ending)
        return Changed(changed=clients is not None, status=Status.REVOKED, clients=clients)

    async def set_returns(self, op: wire.SetReturns, acting: Acting) -> Changed:
        """Say whether a site's computers come back by themselves."""
        await check_site(self.store, op.site)
        event = acting.event(
            Act.SITE_CHANGED,
            site=op.site,
            detail={"returns": "automatic" if op.by_itself else "asked"},
        )
        changed = await self.store.set_returns(op.site, by_itself=op.by_itself, event=event)
        return Changed(changed=changed, status="automatic" if op.by_itself else "asked")


def _limit(entries: tuple[str, ...] | None) -> tuple[str, ...] | Unrestricted:
    return UNRESTRICTED if entries is None else entries


def _line(one: Listed) -> wire.AccessLine:
    record = one.record
    return wire.AccessLine(
        id=record.id,
        kind=record.kind.value,
        label=record.label,
        owner=record.owner,
        site=record.site,
        computer_type=record.template.computer_type,
        status=record.status.value,
        uses=record.uses,
        max_uses=record.max_uses,
        clients=one.clients,
        expires=record.expires,
        last_used=record.last_used,
        number=one.number,
    )
