"""Rows of accounts and sessions: each table's columns stand here once, in one order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.domain.environment import Millis
from keyin.domain.records import Digest, RecordId, Status
from keyin.oauth.accounts import Account, PasswordHash, Session
from keyin.oauth.second_factor_ports import SecondFactor

if TYPE_CHECKING:
    from keyin.stores.rows import Row

ACCOUNT: Final = (
    *("id", "name", "name_key", "password", "status", "epoch", "created", "updated"),
    *("email", "language"),
)
SESSION: Final = ("digest", "account_id", "account_epoch", "signed_in", "seen", "expires")


def account_row(record: Account) -> Row:
    """Return the row of an account."""
    return tuple(getattr(record, name) for name in ACCOUNT)


def session_row(record: Session) -> Row:
    """Return the row of a session."""
    return tuple(getattr(record, name) for name in SESSION)


def account(row: Row) -> Account:
    """Return the account in a row of `ACCOUNT`."""
    return Account(
        id=RecordId(row[0]),
        name=row[1],
        name_key=row[2],
        password=PasswordHash(row[3]),
        status=Status(row[4]),
        epoch=row[5],
        created=Millis(row[6]),
        updated=None if row[7] is None else Millis(row[7]),
        email=row[8],
        language=row[9],
    )


def session(row: Row) -> Session:
    """Return the session in a row of `SESSION`."""
    return Session(
        digest=Digest(row[0]),
        account_id=RecordId(row[1]),
        account_epoch=row[2],
        signed_in=Millis(row[3]),
        seen=Millis(row[4]),
        expires=Millis(row[5]),
    )


def second_factor(row: Row) -> SecondFactor:
    """Return the second factor in a row, with how many recovery codes are left behind it."""
    return SecondFactor(
        account_id=RecordId(row[0]),
        sealed=row[1],
        confirmed=bool(row[2]),
        last_step=row[3],
        created=Millis(row[4]),
        recovery_left=row[5],
    )
