"""A cloud with people who look after computers, and computers of several owners and sites."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keyin.domain.enrolment import (
    Flag,
    InitialAccess,
    InitialAccessKind,
    Notice,
    NoticeKind,
    Registration,
    Template,
)
from keyin.domain.environment import Millis
from keyin.domain.events import Act, Event
from keyin.domain.membership import Membership, Role
from keyin.domain.records import (
    NO_SECRET,
    UNRESTRICTED,
    Client,
    ClientKey,
    ClientKind,
    Credential,
    CredentialPolicy,
    Digest,
    Lineage,
    Origin,
    RecordId,
    Status,
)
from keyin.oauth.accounts import name_key
from keyin.oauth.enrolment_ports import Born, Question
from keyin.stores.host import SystemClock, SystemEntropy
from keyin.stores.opening import open_data
from keyin.wire.signing_key import new_key
from tests.page_place import NAME, Place, make_account, page_place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from keyin.stores.opening import OpenedStore

MARKUP: Final = '<script>alert(1)</script><b onmouseover="x()">\u202eevil</b>\'"&'
LIBRARY, ANNEXE, CELLAR = "Main library", "Annexe", "Cellar"
OTHER: Final = "ben"
COMPUTERS: Final = {
    "own": (NAME, None),
    "managed": (None, LIBRARY),
    "viewed": (None, ANNEXE),
    "bens": (OTHER, CELLAR),
    "nobodys": (None, None),
    "waiting": (NAME, LIBRARY),
    "also_waiting": (NAME, None),
    "own_too": (NAME, None),
    "viewed_waiting": (None, ANNEXE),
    "bens_waiting": (OTHER, CELLAR),
    "odd": (NAME, MARKUP),
}
"""By name: whose it is, and where it stands. Ada manages the library and looks at the annexe."""
FILES: Final = {
    "own": (NAME, None),
    "managed": (None, LIBRARY),
    "viewed": (None, ANNEXE),
    "bens": (OTHER, CELLAR),
    "nobodys": (None, None),
    "odd": (NAME, None),
}


@dataclass(frozen=True, kw_only=True)
class ManagedPlace:
    """The cloud, and the ids of what is in it."""

    place: Place
    computers: Mapping[str, str]
    files: Mapping[str, str]
    keys: Mapping[str, str]
    """The thumbprint of each computer's key."""

    def status(self, name: str) -> str:
        query = "SELECT status FROM clients WHERE id = ?"
        return str(self.place.query(query, self.computers[name])[0][0])

    def file_status(self, name: str) -> str:
        query = "SELECT status FROM initial_access WHERE id = ?"
        return str(self.place.query(query, self.files[name])[0][0])

    def everything(self) -> list[object]:
        """Return all that an act of a person could change, but for the log and sessions."""
        tables = ("clients", "credentials", "client_keys", "initial_access", "registrations")
        return [
            self.place.query(f"SELECT * FROM {table}")  # noqa: S608 - our own names
            for table in (*tables, "notices", "memberships", "sites")
        ]


@contextmanager
def managed_place(folder: Path, *, second_factor: str = "optional") -> Iterator[ManagedPlace]:
    data = folder / "data"
    make_account(data)
    make_account(data, OTHER)
    with ThreadPoolExecutor(1) as elsewhere:  # a browser's driver may have a loop in this thread
        computers, files, keys = elsewhere.submit(asyncio.run, _fill(data)).result()
    with page_place(folder, second_factor=f'"{second_factor}"') as place:
        yield ManagedPlace(place=place, computers=computers, files=files, keys=keys)


async def _fill(data: Path) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    opened = open_data(data, None, exclusive=True)
    try:
        return await _filled(opened, SystemClock().now())
    finally:
        opened.close()


async def _filled(
    opened: OpenedStore, now: Millis
) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    store, ids = opened.store, {}
    event = Event(act=Act.CLIENT_REGISTERED, actor="administrator", at=now)
    for name in (NAME, OTHER):
        account = await store.find_account(name_key(name))
        assert account
        ids[name] = account.id
    for who, site, role in (
        (NAME, LIBRARY, Role.MANAGER),
        (NAME, ANNEXE, Role.VIEWER),
        (OTHER, CELLAR, Role.OWNER),
    ):
        one = Membership(account_id=ids[who], site=site, role=role, added=now)
        await store.put_membership(one, event=event)
    files = {
        name: _file(name, ids.get(owner or ""), site, now) for name, (owner, site) in FILES.items()
    }
    for record in files.values():
        await store.add_initial_access(record, event=event)
    born = {
        name: _born(name, ids.get(owner or ""), site, files[_came_with(name)], now)
        for name, (owner, site) in COMPUTERS.items()
    }
    for computer in born.values():
        await store.register(Question(), lambda _, one=computer: one)  # type: ignore[misc] # a default
    await store.add_notices(
        [
            Notice(
                id=RecordId("n_1"),
                account_id=ids[NAME],
                kind=NoticeKind.AWAITING,
                client_id=born["waiting"].client.id,
                initial_access_id=None,
                at=now,
                name=MARKUP,
                address="192.0.2.7",
            )
        ]
    )
    return (
        {name: one.client.id for name, one in born.items()},
        {name: one.id for name, one in files.items()},
        {name: one.key.kid for name, one in born.items()},
    )


def _came_with(name: str) -> str:
    return (
        name
        if name in FILES
        else {"bens_waiting": "bens", "viewed_waiting": "viewed"}.get(name, "own")
    )


def _file(name: str, owner: str | None, site: str | None, now: Millis) -> InitialAccess:
    kind = InitialAccessKind.CODE if name == "own" else InitialAccessKind.FILE
    return InitialAccess(
        id=RecordId(f"ia_{name}"), digest=Digest(f"{'0' * 8}:{name}"), kind=kind, owner=owner,
        site=site, label=MARKUP if name == "odd" else f"File {name}",
        template=Template(computer_type="public"), computer=None, max_uses=40, uses=1,
        not_before=now, expires=Millis(now + 86_400_000), networks=("192.0.2.0/24",),
        software_ids=UNRESTRICTED, bound_jkt=None, status=Status.ACTIVE, revoked_reason=None,
        created=now, last_used=now,
    )  # fmt: skip


def _born(name: str, owner: str | None, site: str | None, file: InitialAccess, now: Millis) -> Born:
    lineage = Lineage(
        owner=owner, site=site, origin=Origin.REGISTRATION,
        software_id=MARKUP if name == "odd" else "net.keyin.requester", software_version="1.4.2",
    )  # fmt: skip
    waits = name.endswith("waiting")
    client = Client(
        id=RecordId(f"c_{name}"), kind=ClientKind.INSTALLATION,
        name=MARKUP if name == "odd" else f"Desk {name}",
        computer_type=MARKUP if name == "odd" else "public", lineage=lineage,
        status=Status.PENDING if waits else Status.ACTIVE, epoch=0, created=now, updated=None,
        legacy_until=None,
    )  # fmt: skip
    credential = Credential(
        id=RecordId(f"cc_{name}"), client_id=client.id, oauth2_client_id=f"gai_{name}",
        secret_digest=NO_SECRET,
        policy=CredentialPolicy(
            networks=UNRESTRICTED, writable=(), may_create_keys=False, may_create_safes=False
        ),
        lineage=lineage, status=Status.ACTIVE, epoch=0, revoked_reason=None, created=now,
        revoked=None,
    )  # fmt: skip
    public = new_key(SystemEntropy()).public
    return Born(
        client=client,
        credential=credential,
        key=ClientKey(
            kid=public.thumbprint, credential_id=credential.id, jwk=public.jwk, algorithm="ES256",
            status=Status.ACTIVE, epoch=0, added=now, last_used=None,
        ),
        registration=Registration(
            client_id=client.id, credential_id=credential.id, token_digest=Digest(f"p:{name}"),
            initial_access_id=file.id, channel_id=None, installation_id="i" * 43, scopes=(),
            activate_by=None, version=0,
            flags=(Flag.AWAITING,) if waits else (Flag.SAME_INSTALLATION,), created=now,
        ),
        event=Event(act=Act.CLIENT_REGISTERED, actor="gai", at=now),
    )  # fmt: skip
