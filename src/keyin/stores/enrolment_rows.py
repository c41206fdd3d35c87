"""Rows of initial access tokens and registrations: the columns stand here once, in one order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.enrolment import (
    Computer,
    Flag,
    InitialAccess,
    InitialAccessKind,
    Registration,
    Template,
)
from keyin.domain.records import Status, Unrestricted

if TYPE_CHECKING:
    from keyin.stores.rows import Row

ACCESS: Final = (
    *("id", "digest", "kind", "owner", "site", "label", "template", "computer"),
    *("max_uses", "uses", "not_before", "expires", "networks", "software_ids", "bound_jkt"),
    *("status", "revoked_reason", "created", "last_used"),
)
REGISTRATION: Final = (
    *("client_id", "credential_id", "token_digest", "initial_access_id", "channel_id"),
    *("installation_id", "scopes", "activate_by", "version", "flags", "created"),
)
STANDS: Final = "('active', 'pending', 'suspended')"
"""As SQL: see domain.enrolment.STANDING."""
_template: Final = msgspec.json.Decoder(Template).decode
_computer: Final = msgspec.json.Decoder(Computer).decode
_limits: Final = msgspec.json.Decoder(tuple[str, ...] | Unrestricted).decode
_texts: Final = msgspec.json.Decoder(tuple[str, ...]).decode
_flags: Final = msgspec.json.Decoder(tuple[Flag, ...]).decode


def access(row: Row) -> InitialAccess:
    """Return the token in a row of `ACCESS`."""
    named = dict(zip(ACCESS, row, strict=True))
    return InitialAccess(
        **{
            **named,
            "kind": InitialAccessKind(named["kind"]),
            "template": _template(named["template"]),
            "computer": None if named["computer"] is None else _computer(named["computer"]),
            "networks": _limits(named["networks"]),
            "software_ids": _limits(named["software_ids"]),
            "status": Status(named["status"]),
        }
    )


def access_row(record: InitialAccess) -> Row:
    """Return the row of a token."""
    named = {
        **{name: getattr(record, name) for name in ACCESS},
        "template": template_text(record.template),
        "computer": None if record.computer is None else _text(record.computer),
        "networks": _text(record.networks),
        "software_ids": _text(record.software_ids),
    }
    return tuple(named[name] for name in ACCESS)


def registration(row: Row) -> Registration:
    """Return the registration in a row of `REGISTRATION`."""
    named = dict(zip(REGISTRATION, row, strict=True))
    return Registration(
        **{**named, "scopes": _texts(named["scopes"]), "flags": _flags(named["flags"])}
    )


def registration_row(record: Registration) -> Row:
    """Return the row of a registration."""
    named = {
        **{name: getattr(record, name) for name in REGISTRATION},
        "scopes": _text(record.scopes),
        "flags": _text(record.flags),
    }
    return tuple(named[name] for name in REGISTRATION)


def template_text(template: Template) -> str:
    """Write a template as the same JSON each time."""
    return _text(template)


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
