"""Rows of applications and flows: each table's columns stand here once, in one order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.applications import Application, AuthMethod
from keyin.domain.authorization import (
    AuthorizationRequest,
    Code,
    DeviceRequest,
    PushedRequest,
    Question,
)
from keyin.domain.enrolment import Computer

if TYPE_CHECKING:
    from keyin.stores.rows import Row

APPLICATION: Final = (
    *("credential_id", "auth_method", "native", "redirect_uris", "grant_types", "scopes"),
    *("par_required", "typ_required"),
)
_REQUEST: Final = (
    *("credential_id", "redirect_uri", "scope", "state", "code_challenge", "jkt"),
    *("details", "address"),
)
_REQUEST_END: Final = 1 + len(_REQUEST)
PUSHED: Final = ("digest", *_REQUEST, "expires")
QUESTION: Final = ("digest", *_REQUEST, "account_id", "session", "expires")
CODE: Final = (
    *("digest", *_REQUEST, "account_id", "account_epoch", "expires", "kept_until"),
    *("used", "token", "site"),
)
"""`token` says what it produced: a token, or, for a computer, an initial access token."""
DEVICE: Final = (
    *("digest", "user_code", "credential_id", "scope", "jkt", "address", "interval_s", "polled"),
    *("account_id", "account_epoch", "denied", "expires", "details", "site"),
)
_texts: Final = msgspec.json.Decoder(tuple[str, ...]).decode
_computer: Final = msgspec.json.Decoder(Computer).decode


def application(row: Row) -> Application:
    """Return the application in a row of `APPLICATION`."""
    return Application(
        credential_id=row[0],
        auth_method=AuthMethod(row[1]),
        native=bool(row[2]),
        redirect_uris=_texts(row[3]),
        grant_types=_texts(row[4]),
        scopes=_texts(row[5]),
        par_required=bool(row[6]),
        typ_required=bool(row[7]),
    )


def application_row(record: Application) -> Row:
    """Return the row of an application."""
    lists = (record.redirect_uris, record.grant_types, record.scopes)
    return (
        *(record.credential_id, record.auth_method, record.native),
        *(msgspec.json.encode(texts).decode() for texts in lists),
        *(record.par_required, record.typ_required),
    )


def _request(row: Row) -> AuthorizationRequest:
    credential_id, redirect_uri, scope, state, code_challenge, jkt, *more = row[1:_REQUEST_END]
    details, address = more
    return AuthorizationRequest(
        credential_id=credential_id,
        redirect_uri=redirect_uri,
        scope=scope,
        state=state,
        code_challenge=code_challenge,
        jkt=jkt,
        computer=computer(details),
        address=address,
    )


def _request_row(record: AuthorizationRequest) -> Row:
    return (
        *(record.credential_id, record.redirect_uri, record.scope),
        *(record.state, record.code_challenge, record.jkt),
        *(computer_text(record.computer), record.address),
    )


def computer(text: str | None) -> Computer | None:
    """Return what stands in `details`."""
    return None if text is None else _computer(text)


def computer_text(record: Computer | None) -> str | None:
    """Return what is kept of a computer."""
    return None if record is None else msgspec.json.encode(record).decode()


def pushed(row: Row) -> PushedRequest:
    """Return the pushed request in a row of `PUSHED`."""
    return PushedRequest(digest=row[0], request=_request(row), expires=row[-1])


def pushed_row(record: PushedRequest) -> Row:
    """Return the row of a pushed request."""
    return (record.digest, *_request_row(record.request), record.expires)


def question(row: Row) -> Question:
    """Return the question in a row of `QUESTION`."""
    account_id, session, expires = row[_REQUEST_END:]
    return Question(
        digest=row[0],
        request=_request(row),
        account_id=account_id,
        session=session,
        expires=expires,
    )


def question_row(record: Question) -> Row:
    """Return the row of a question."""
    return (
        *(record.digest, *_request_row(record.request)),
        *(record.account_id, record.session, record.expires),
    )


def code(row: Row) -> Code:
    """Return the code in a row of `CODE`."""
    account_id, account_epoch, expires, kept_until, used, made, site = row[_REQUEST_END:]
    request = _request(row)
    return Code(
        digest=row[0],
        request=request,
        account_id=account_id,
        account_epoch=account_epoch,
        expires=expires,
        kept_until=kept_until,
        used=bool(used),
        token=made if request.computer is None else None,
        site=site,
        initial_access=None if request.computer is None else made,
    )


def code_row(record: Code) -> Row:
    """Return the row of a code."""
    return (
        *(record.digest, *_request_row(record.request), record.account_id, record.account_epoch),
        *(record.expires, record.kept_until, record.used),
        *(record.token or record.initial_access, record.site),
    )


def device(row: Row) -> DeviceRequest:
    """Return the device's request in a row of `DEVICE`."""
    named = dict(zip(DEVICE, row, strict=True))
    details = named.pop("details")
    changes = {"denied": bool(named["denied"]), "computer": computer(details)}
    return DeviceRequest(**{**named, **changes})


def device_row(record: DeviceRequest) -> Row:
    """Return the row of a device's request."""
    details = computer_text(record.computer)
    return tuple(details if name == "details" else getattr(record, name) for name in DEVICE)
