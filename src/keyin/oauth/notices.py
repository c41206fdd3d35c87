"""Making notices: what the owner of a computer should know (P92)."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

from keyin.domain.enrolment import InitialAccessKind, Notice, NoticeKind
from keyin.domain.records import RecordId
from keyin.wire.jose import wrapped

if TYPE_CHECKING:
    from keyin.domain.enrolment import InitialAccess
    from keyin.domain.environment import Entropy, Millis
    from keyin.domain.events import Event
    from keyin.domain.records import Client, Digest

ID_PREFIX: Final = "n_"
_ID_BYTES: Final = 16
_CARRIED: Final = frozenset(
    {InitialAccessKind.CODE, InitialAccessKind.FILE, InitialAccessKind.BUNDLE}
)


def new_notice(  # noqa: PLR0913 - what is told, to whom, of what
    kind: NoticeKind,
    account_id: RecordId,
    *,
    at: Millis,
    entropy: Entropy,
    client_id: RecordId | None = None,
    initial_access_id: RecordId | None = None,
    name: str | None = None,
    address: str | None = None,
) -> Notice:
    """Return a notice with a new id, for a unit of work or for `Notices.add_notices`."""
    return Notice(
        id=_id(entropy.token_bytes(_ID_BYTES)),
        account_id=account_id,
        kind=kind,
        client_id=client_id,
        initial_access_id=initial_access_id,
        at=at,
        name=name,
        address=address,
    )


def notice_id_of(thing: str) -> RecordId:
    """Return the id of the one notice about a thing, however often that happens."""
    return _id(sha256(b"keyin notice\0" + thing.encode()).digest()[:_ID_BYTES])


def of_revocation(client: Client, event: Event) -> tuple[Notice, ...]:
    """Tell the owner of a computer that somebody else revoked it."""
    owner = client.lineage.owner
    if owner is None or owner == event.actor:
        return ()
    notice = Notice(
        id=notice_id_of(f"{event.act}\0{client.id}\0{client.epoch}"),
        account_id=RecordId(owner),
        kind=NoticeKind.REVOKED,
        client_id=client.id,
        initial_access_id=None,
        at=event.at,
        name=client.name,
        address=event.address,
    )
    return (notice,)


def of_making(record: InitialAccess, event: Event) -> tuple[Notice, ...]:
    """Tell whose it is that a token for carrying about was made: it may not have been them."""
    if record.owner is None or record.kind not in _CARRIED:
        return ()
    notice = Notice(
        id=notice_id_of(record.id),
        account_id=RecordId(record.owner),
        kind=NoticeKind.TOKEN_MADE,
        client_id=None,
        initial_access_id=record.id,
        at=event.at,
        name=record.label,
        address=event.address,
    )
    return (notice,)


def of_report(question: Digest, name: str | None, address: str | None, event: Event) -> Notice:
    """Keep for a person what they reported: what asked in their name, and from where."""
    return Notice(
        id=notice_id_of(f"{event.act}\0{question}"),
        account_id=RecordId(event.actor),
        kind=NoticeKind.REPORTED,
        client_id=None,
        initial_access_id=None,
        at=event.at,
        name=name,
        address=address,
    )


def _id(content: bytes) -> RecordId:
    return RecordId(ID_PREFIX + wrapped(content))
