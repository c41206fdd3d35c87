"""The administrator's ops on clients: list, show, register, suspend, resume, revoke."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from keyin.domain.environment import Millis
from keyin.domain.errors import Refused, msgid
from keyin.domain.events import Act
from keyin.domain.networks import malformed
from keyin.domain.records import UNRESTRICTED, Status, Unrestricted
from keyin.oauth import administration_ports as ports
from keyin.oauth.client_pictures import fitting, key_lines, line, registration_shown
from keyin.oauth.managing import own_status
from keyin.oauth.notices import of_revocation
from keyin.oauth.proven_client import NOBODYS
from keyin.oauth.registration import Wish, register, register_legacy
from keyin.wire import admin_clients as wire
from keyin.wire.admin import Changed
from keyin.wire.jose import InvalidSignature, PublicKey, canonical_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.domain.environment import Entropy
    from keyin.domain.events import Event
    from keyin.domain.records import ClientKey
    from keyin.oauth.administration import Acting, Operations
    from keyin.oauth.administration_ports import ClientPicture
    from keyin.oauth.enrolment_ports import Registered
    from keyin.oauth.ports import Enrolment, Peppers

NOT_REVOKED: Final = frozenset(Status) - {Status.REVOKED}


class Store(ports.ClientRegister, ports.Sites, Protocol):
    """What this reads and writes."""

    async def find_client_key(self, kid: str) -> ClientKey | None:
        """See oauth.ports.ClientKeys."""
        ...

    async def enrol(self, records: Enrolment, *, event: Event) -> Mapping[str, int]:
        """See oauth.ports.Enrolments."""
        ...

    async def registered(self, oauth2_client_id: str) -> Registered | None:
        """See oauth.enrolment_ports.Registering."""
        ...


class ClientOperations(msgspec.Struct, frozen=True, kw_only=True):
    """Answers about clients."""

    store: Store
    peppers: Peppers
    entropy: Entropy

    def operations(self) -> Operations:
        """Return what answers each op."""
        return {
            wire.ListClients: self.page,
            wire.ShowClient: self.show,
            wire.RegisterClient: self.register,
            wire.SuspendClient: self.suspend,
            wire.ResumeClient: self.resume,
            wire.RevokeClient: self.revoke,
        }

    async def page(self, op: wire.ListClients, _: Acting) -> wire.ClientPage:
        """Name some."""
        status = None if op.status is None else status_named(op.status)
        found = await self.store.client_pictures(
            after=op.after, most=op.most + 1, site=op.site, status=status
        )
        lines = fitting([line(picture) for picture in found[: op.most]])
        more = len(lines) < len(found)
        return wire.ClientPage(
            clients=lines, after=found[len(lines) - 1].number if more and lines else None
        )

    async def show(self, op: wire.ShowClient, _: Acting) -> wire.ClientShown:
        """Show one."""
        picture = await the_client(self.store, op.client)
        client = picture.client
        policy = picture.credentials[0].policy if picture.credentials else None
        return wire.ClientShown(
            client=line(picture),
            keys=key_lines(picture.keys),
            networks=_limits(policy.networks) if policy else (),
            writable=_limits(policy.writable) if policy else (),
            owner=client.lineage.owner,
            origin=client.lineage.origin,
            legacy_until=client.legacy_until,
            registration=await self._registration(picture),
        )

    async def _registration(self, picture: ClientPicture) -> wire.RegistrationShown | None:
        names = [one.oauth2_client_id for one in picture.credentials]
        found = await self.store.registered(names[0]) if len(names) == 1 else None
        return registration_shown(found.registration) if found else None

    async def register(self, op: wire.RegisterClient, acting: Acting) -> wire.ClientRegistered:
        """Take a new one in."""
        check_networks(op.networks or ())
        await check_site(self.store, op.site)
        wish = Wish(
            name=op.name,
            site=op.site,
            software=op.software,
            computer_type=op.computer_type,
            networks=UNRESTRICTED if op.networks is None else op.networks,
            writable=op.writable,
        )
        if op.public_key is None:
            return await self._register_legacy(op, wish, acting)
        key = acceptable(op.public_key)
        await check_unused(self.store, key)
        client_id, records = register(key, wish, entropy=self.entropy, now=acting.at)
        await self._write(records, acting, kid=key.thumbprint)
        return wire.ClientRegistered(client_id=client_id, kid=key.thumbprint)

    async def _register_legacy(
        self, op: wire.RegisterClient, wish: Wish, acting: Acting
    ) -> wire.ClientRegistered:
        until = Millis(op.legacy_until or 0)
        if until <= acting.at:
            raise Refused(
                "date_is_past",
                msgid("the day until which the old route is open is past"),
                next_step=msgid("Give a day to come with --legacy-until; a year is long."),
            )
        client_id, secret, records = register_legacy(
            wish, until=until, peppers=self.peppers, entropy=self.entropy, now=acting.at
        )
        await self._write(records, acting, legacy_until=str(until))
        return wire.ClientRegistered(client_id=client_id, client_secret=secret.reveal())

    async def _write(self, records: Enrolment, acting: Acting, **detail: str) -> None:
        client = records.clients[0]
        event = acting.event(
            Act.CLIENT_REGISTERED, client=client.id, site=client.lineage.site, detail=detail
        )
        await self.store.enrol(records, event=event)

    async def suspend(self, op: wire.SuspendClient, acting: Acting) -> Changed:
        """Stop one for now."""
        picture = await the_client(self.store, op.client)
        event = _event(acting, Act.CLIENT_SUSPENDED, picture, op.reason)
        word = ports.Word(status=Status.SUSPENDED, reason=op.reason, now=acting.at, event=event)
        return await self._say(picture, word, frozenset({Status.ACTIVE}))

    async def resume(self, op: wire.ResumeClient, acting: Acting) -> Changed:
        """Let one that was stopped ask again."""
        picture = await the_client(self.store, op.client)
        event = _event(acting, Act.CLIENT_RESUMED, picture, None)
        word = ports.Word(status=Status.ACTIVE, reason=None, now=acting.at, event=event)
        return await self._say(picture, word, frozenset({Status.SUSPENDED}))

    async def revoke(self, op: wire.RevokeClient, acting: Acting) -> Changed:
        """Stop one for ever."""
        picture = await the_client(self.store, op.client)
        event = _event(acting, Act.CLIENT_REVOKED, picture, op.reason)
        word = ports.Word(
            status=Status.REVOKED,
            reason=op.reason,
            now=acting.at,
            event=event,
            notices=of_revocation(picture.client, event),
        )
        return await self._say(picture, word, NOT_REVOKED)

    async def _say(
        self, picture: ClientPicture, word: ports.Word, only_from: frozenset[Status]
    ) -> Changed:
        id_ = picture.client.id
        changed = await self.store.set_client_status(id_, word, only_from=only_from)
        there = await self.store.client_picture(id_)
        status = word.status if there is None else there.client.status
        if not changed and (there is None or own_status(there) is not word.status):
            raise cannot_become(own_status(there) if there else Status.REVOKED)
        return Changed(changed=changed, status=status, clients=1)


async def check_site(store: ports.Sites, site: str | None) -> None:
    """Refuse a site that is stopped."""
    record, _ = await store.find_site(site) if site else (None, 0)
    if record is not None and record.status is not Status.ACTIVE:
        raise Refused(
            "site_not_active",
            msgid("the site %(site)s is %(status)s"),
            next_step=msgid("Resume the site first, or name another one."),
            site=record.name,
            status=record.status.value,
        )


async def the_client(store: ports.ClientRegister, name: str) -> ClientPicture:
    """Return the one client of this name. Raises Refused: there is none, or there are several."""
    ids = await store.clients_named(name)
    if len(ids) > 1:
        raise Refused(
            "several_clients",
            msgid("several clients have the client_id %(client)s: %(ids)s"),
            next_step=msgid("Name the one that you mean by its own id."),
            client=name,
            ids=", ".join(ids[:10]),
        )
    picture = await store.client_picture(ids[0]) if ids else None
    if picture is None:
        raise Refused(
            "unknown_client",
            msgid("there is no client %(client)s"),
            next_step=msgid("`keyin client list` names them all."),
            client=name,
        )
    return picture


def cannot_become(status: Status) -> Refused:
    """Refuse to change what is over."""
    return Refused(
        "not_from_here",
        msgid("it is %(status)s, and that cannot be changed so"),
        next_step=msgid("What was revoked stays so; register it anew."),
        status=status.value,
    )


def acceptable(jwk: str) -> PublicKey:
    """Return the key. Raises Refused: it is none of ours, or its private half is published."""
    try:
        key = canonical_key(jwk.encode())
        if key.jwk != NOBODYS:
            return key
    except InvalidSignature:
        pass
    raise Refused(
        "bad_key",
        msgid("this is no public key of P-256 or Ed25519 that could be a client's own"),
        next_step=msgid("Make a new key pair: each computer has its own."),
    )


async def check_unused(store: Store, key: PublicKey) -> None:
    """Refuse a key that is registered."""
    if await store.find_client_key(key.thumbprint) is not None:
        raise key_there()


def key_there() -> Refused:
    """Refuse a key that is registered."""
    return Refused(
        "key_there",
        msgid("this key is registered already"),
        next_step=msgid("Make a new key pair: each computer has its own."),
    )


def status_named(name: str) -> Status:
    """Return the status. Raises Refused."""
    try:
        return Status(name)
    except ValueError:
        raise Refused(
            "bad_request",
            msgid("there is no status %(status)s"),
            next_step=msgid("The statuses are active, suspended, revoked, pending, expired."),
            status=name,
        ) from None


def check_networks(networks: tuple[str, ...]) -> None:
    """Refuse what is no network."""
    for network in malformed(networks):
        raise Refused(
            "bad_network",
            msgid("%(network)s is no network"),
            next_step=msgid("Write it as in 192.0.2.0/24 or 2001:db8::/32."),
            network=network,
        )


def _event(acting: Acting, act: Act, picture: ClientPicture, reason: str | None) -> Event:
    client = picture.client
    return acting.event(act, client=client.id, site=client.lineage.site, reason=reason)


def _limits(allowed: tuple[str, ...] | Unrestricted) -> tuple[str, ...] | None:
    return None if isinstance(allowed, Unrestricted) else allowed
