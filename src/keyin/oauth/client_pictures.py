"""Clients as the administrator's lists have them: short, and never more than fits into a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from keyin.domain.records import Status
from keyin.wire.admin_clients import ClientLine, KeyLine, RegistrationShown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from keyin.domain.enrolment import Registration
    from keyin.domain.records import ClientKey
    from keyin.oauth.administration_ports import ClientPicture, ClientRegister

MOST_BYTES: Final = 48_000
LONGEST: Final = 200
"""Of a text in a list: imported records may have any."""
_MOST_NAMES: Final = 10

_PAGE: Final = 100

Line = TypeVar("Line", bound=msgspec.Struct)


async def every_picture(store: ClientRegister) -> AsyncIterator[ClientPicture]:
    """Return every client as it counts, a page at a time: one whose site is stopped is stopped."""
    after = 0
    while page := await store.client_pictures(after=after, most=_PAGE, site=None, status=None):
        for picture in page:
            yield picture
        after = page[-1].number


def fitting(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Return as many of the first lines as fit into one answer; the first always does."""
    size, kept = 0, 0
    for one in lines:
        size += len(msgspec.json.encode(one)) + 1
        if size > MOST_BYTES and kept:
            break
        kept += 1
    return tuple(lines[:kept])


def line(picture: ClientPicture) -> ClientLine:
    """Return a client's line."""
    client, lineage = picture.client, picture.client.lineage
    software = " ".join(filter(None, (lineage.software_id, lineage.software_version)))
    uses = [key.last_used for key in picture.keys if key.last_used is not None]
    names = [credential.oauth2_client_id for credential in picture.credentials]
    return ClientLine(
        id=client.id,
        client_ids=tuple(name[:LONGEST] for name in names[:_MOST_NAMES]),
        name=_short(client.name),
        kind=client.kind,
        computer_type=_short(client.computer_type),
        site=_short(lineage.site),
        software=_short(software or None),
        status=Status.ACTIVE if client.stopped_by else client.status,
        stopped_by=client.stopped_by,
        created=client.created,
        last_used=max(uses, default=None),
        keys=sum(key.status is Status.ACTIVE for key in picture.keys),
    )


def key_lines(keys: Sequence[ClientKey]) -> tuple[KeyLine, ...]:
    """Return a line for each key."""
    return tuple(
        KeyLine(
            kid=key.kid,
            algorithm=key.algorithm,
            status=key.status,
            added=key.added,
            last_used=key.last_used,
        )
        for key in keys
    )


def registration_shown(registration: Registration) -> RegistrationShown:
    """Return how a computer came that registered itself."""
    return RegistrationShown(
        initial_access=registration.initial_access_id,
        installation_id=registration.installation_id,
        scopes=registration.scopes,
        flags=tuple(flag.value for flag in registration.flags),
        activate_by=registration.activate_by,
    )


def _short(text: str | None) -> str | None:
    return None if text is None else text[:LONGEST]
