"""Making notices: what the owner of a computer should know (P92)."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from keyin.domain.enrolment import Notice
from keyin.domain.records import RecordId

if TYPE_CHECKING:
    from keyin.domain.enrolment import NoticeKind
    from keyin.domain.environment import Entropy, Millis
    from keyin.domain.records import Digest

ID_PREFIX: Final = "n_"
_ID_BYTES: Final = 16


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


def notice_id_of(digest: Digest) -> RecordId:
    """Return the id of the one notice about a thing, however often that happens."""
    return _id(sha256(b"keyin notice\0" + digest.encode()).digest()[:_ID_BYTES])


def _id(content: bytes) -> RecordId:
    return RecordId(ID_PREFIX + urlsafe_b64encode(content).rstrip(b"=").decode())
