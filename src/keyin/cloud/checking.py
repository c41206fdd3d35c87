"""What an operator should look at: what is open wider, or weaker, than it has to be.

Looks and changes nothing. What is stopped already is not looked at. Names are ids, which can be
given to the verbs that change it; of a key only its pseudonym, as the audit log has it.
"""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from keyin.domain.applications import AuthMethod
from keyin.domain.enrolment import ENROLMENT_CLIENT
from keyin.domain.events import pseudonym
from keyin.domain.installation import PUBLISHED_CLIENT_IDS
from keyin.domain.networks import malformed, parse_network
from keyin.domain.records import NO_SECRET, ClientKind, Status, Unrestricted
from keyin.domain.secret import equal
from keyin.oauth.administration_ports import ClientRegister
from keyin.oauth.client_pictures import every_picture
from keyin.oauth.flow_ports import Applications
from keyin.oauth.ports import Housekeeping, Inventory

if TYPE_CHECKING:
    from collections.abc import Collection

    from keyin.domain.environment import Millis
    from keyin.domain.records import Client, Credential, Digest
    from keyin.oauth.administration_ports import ClientPicture

MOST_NAMED: Final = 100
"""Of one matter; all are counted."""


class Matter(StrEnum):
    """Everything that is looked for."""

    TEST_CREDENTIALS = "test-credentials"
    """A client id or a secret is published; or one was let in once."""
    KEYS_FROM_ANYWHERE = "keys-from-anywhere"
    """Makes new keys, whatever the network."""
    NETWORKS_UNRESTRICTED = "networks-unrestricted"
    WRITING_UNRESTRICTED = "writing-unrestricted"
    NETWORKS_NEVER_MATCH = "networks-never-match"
    NOWHERE = "nowhere"
    """No address at all may ask."""
    OLD_ROUTE_ENDS_SOON = "old-route-ends-soon"
    OLD_ROUTE_ENDED = "old-route-ended"
    WITHOUT_OWNER = "without-owner"
    """Neither owner nor site: nobody answers for it."""
    WITHOUT_CLIENT = "without-client"
    """A credential whose client is not there."""
    SAME_CLIENT_ID = "same-client-id"
    """Of several active credentials with one client id, only the first is ever found."""
    PUBLIC_APPLICATIONS = "public-applications"
    """Prove nothing, and are not the one that is built in."""
    WEAK_KEYS = "weak-keys"
    """Keys that could be guessed, and open without a PIN."""


class Store(Inventory, ClientRegister, Housekeeping, Applications, Protocol):
    """What this reads."""


class Found(msgspec.Struct):
    """How many, and the first of them."""

    count: int = 0
    named: list[str] = msgspec.field(default_factory=list)

    def add(self, name: str) -> None:
        """Count one."""
        self.count += 1
        if len(self.named) < MOST_NAMED:
            self.named.append(name)


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """Against what is looked: the time, the days before an end, the published secrets' digests."""

    now: Millis
    soon: Millis
    published: Collection[Digest] = ()


async def check(store: Store, against: Checked) -> dict[Matter, Found]:
    """Look through the whole store; return only what was found. Raises StoreUnavailable."""
    found = {matter: Found() for matter in Matter}
    if await store.holds_test_credentials():
        found[Matter.TEST_CREDENTIALS].add("*")
    clients: set[str] = set()
    async for picture in every_picture(store):
        clients.add(picture.client.id)
        for matter, name in (*_of_client(picture, against), *await _public(picture, store)):
            found[matter].add(name)
    names: Counter[str] = Counter()
    async for credential in store.all_credentials():
        if credential.status is Status.ACTIVE:
            names[credential.oauth2_client_id] += 1
            if credential.client_id not in clients:
                found[Matter.WITHOUT_CLIENT].add(credential.oauth2_client_id)
    for name in (name for name, count in names.items() if count > 1):
        found[Matter.SAME_CLIENT_ID].add(name)
    async for key in store.all_keys():
        guarded = key.policy is not None and key.policy.pin is not None
        if key.low_entropy and key.status is Status.ACTIVE and not guarded:
            found[Matter.WEAK_KEYS].add(pseudonym(key.digest))
    return {matter: one for matter, one in found.items() if one.count}


async def _public(picture: ClientPicture, store: Store) -> list[tuple[Matter, str]]:
    """Name an application's credentials that prove nothing; the built-in one has to."""
    client = picture.client
    if client.kind is not ClientKind.APPLICATION or client.status is not Status.ACTIVE:
        return []
    names = []
    for credential in picture.credentials:
        record = await store.find_application(credential.id)
        open_ = record is not None and record.auth_method is AuthMethod.NONE
        if open_ and credential.oauth2_client_id != ENROLMENT_CLIENT:
            names.append((Matter.PUBLIC_APPLICATIONS, credential.oauth2_client_id))
    return names


def _of_client(picture: ClientPicture, against: Checked) -> list[tuple[Matter, str]]:
    client = picture.client
    if client.status is not Status.ACTIVE:
        return []
    active = [one for one in picture.credentials if one.status is Status.ACTIVE]
    told: list[tuple[Matter, str]] = []
    if client.kind is ClientKind.INSTALLATION and active:
        told = [(matter, active[0].oauth2_client_id) for matter in _of_record(picture, against)]
    return told + [
        (matter, credential.oauth2_client_id)
        for credential in active
        for matter in _of_credential(client, credential, against)
    ]


def _of_record(picture: ClientPicture, against: Checked) -> list[Matter]:
    client = picture.client
    matters = []
    if client.lineage.owner is None and client.lineage.site is None:
        matters.append(Matter.WITHOUT_OWNER)
    until = client.legacy_until
    if until is not None and until <= against.now:
        secret = any(not equal(one.secret_digest, NO_SECRET) for one in picture.credentials)
        matters += [Matter.OLD_ROUTE_ENDED] if secret else []
    elif until is not None and until <= against.soon:
        matters.append(Matter.OLD_ROUTE_ENDS_SOON)
    return matters


def _of_credential(client: Client, credential: Credential, against: Checked) -> list[Matter]:
    policy, matters = credential.policy, []
    known = credential.oauth2_client_id in PUBLISHED_CLIENT_IDS
    if known or any(equal(credential.secret_digest, one) for one in against.published):
        matters.append(Matter.TEST_CREDENTIALS)
    anywhere = isinstance(policy.networks, Unrestricted)
    if anywhere and policy.may_create_keys and policy.may_create_safes:
        matters.append(Matter.KEYS_FROM_ANYWHERE)
    if client.kind is not ClientKind.INSTALLATION:
        return matters
    if anywhere:
        matters.append(Matter.NETWORKS_UNRESTRICTED)
    if isinstance(policy.writable, Unrestricted):
        matters.append(Matter.WRITING_UNRESTRICTED)
    if not isinstance(policy.networks, Unrestricted):
        if malformed(policy.networks):
            matters.append(Matter.NETWORKS_NEVER_MATCH)
        if not any(parse_network(entry) for entry in policy.networks):
            matters.append(Matter.NOWHERE)
    return matters
