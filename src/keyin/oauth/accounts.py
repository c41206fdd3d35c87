"""People's accounts and their sessions: the records, and what they ask of the world.

An account is for managing and approving; a GPII key is none, and no token for settings comes from
here. A session dies with its account's epoch, so that signing out everywhere is one number.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final, NewType, Protocol

import msgspec

from keyin.domain.environment import Millis
from keyin.domain.records import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.events import Event
    from keyin.domain.records import Digest, RecordId
    from keyin.domain.secret import Secret

LONGEST_NAME: Final = 100
MINUTE: Final = 60 * 1000
IDLE: Final = Millis(60 * MINUTE)
"""A session that nobody uses for so long is over (ASVS 7.3.1)."""
ABSOLUTE: Final = Millis(12 * 60 * MINUTE)
"""No session is older (ASVS 7.3.2)."""
FRESH: Final = Millis(5 * MINUTE)
"""How old a sign-in may be where something is given away (P55)."""

FORGOTTEN: Final = Millis(24 * 60 * MINUTE)
"""So long after the last wrong password there was none."""

_EMAIL: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,189}")

PasswordHash = NewType("PasswordHash", str)
"""An Argon2id hash with its parameters, as PHC text; slow to guess from, impossible to present."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A person who may sign in."""

    id: RecordId
    name: str
    """As the person writes it; shown to them, and to nobody who did not sign in."""
    name_key: str
    """See `name_key`: one account each."""
    password: PasswordHash
    status: Status
    epoch: int
    """Moves on where every session must end."""
    created: Millis
    updated: Millis | None
    email: str | None = None
    """Where notices are mailed to; nobody signs in with it."""
    language: str | None = None
    """Of that mail; None: as the cloud is configured."""

    def __repr__(self) -> str:
        return f"Account(id={self.id!r})"


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One browser in which a person has signed in."""

    digest: Digest
    account_id: RecordId
    account_epoch: int
    signed_in: Millis
    """When the password was given last."""
    seen: Millis
    """When it was used last, to the minute."""
    expires: Millis


class Failures(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of wrong passwords under one name or from one address."""

    count: int
    last: Millis


class AccountChange(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be changed; None leaves it."""

    password: PasswordHash | None = None
    instead_of: PasswordHash | None = None
    """Change only while this is the password: it may have been changed meanwhile."""
    status: Status | None = None
    end_sessions: bool = False
    email: str | None = None
    """"": none any more."""
    language: str | None = None
    """"": as the cloud is configured."""

    def __repr__(self) -> str:
        return "<AccountChange>"


class Accounts(Protocol):
    """Accounts. Each raises StoreUnavailable."""

    async def add_account(self, account: Account, *, event: Event) -> bool:
        """Remember an account, durably, unless its name is taken; say whether it was free."""
        ...

    async def find_account(self, name_key: str) -> Account | None:
        """Return the account of this name."""
        ...

    async def account(self, id_: RecordId) -> Account | None:
        """Return the account with this id."""
        ...

    async def change_account(
        self, id_: RecordId, change: AccountChange, *, now: Millis, event: Event
    ) -> bool:
        """Change an account, durably; say whether there was one to change."""
        ...

    async def accounts_after(self, name_key: str, *, most: int) -> Sequence[Account]:
        """Return accounts whose names come after this one, in their order."""
        ...


class Sessions(Protocol):
    """Sessions. Each raises StoreUnavailable."""

    async def open_session(
        self, session: Session, *, instead_of: Sequence[Digest], event: Event
    ) -> None:
        """Remember a session, durably, in the place of another; forget those that are over."""
        ...

    async def find_session(self, digests: Sequence[Digest]) -> tuple[Session, Account] | None:
        """Return the session with one of these digests, and whose it is, live or not."""
        ...

    async def note_seen(self, digest: Digest, *, now: Millis) -> None:
        """Remember when a session was used last."""
        ...

    async def close_session(self, digests: Sequence[Digest], *, event: Event) -> bool:
        """Forget a session, durably; say whether there was one."""
        ...


class Attempts(Protocol):
    """Wrong passwords, kept over restarts (P42). Each raises StoreUnavailable."""

    async def failures(self, buckets: Sequence[Digest]) -> Sequence[Failures | None]:
        """Return what is remembered of each bucket."""
        ...

    async def note_failure(
        self, buckets: Sequence[Digest], *, now: Millis, forget_before: Millis, event: Event | None
    ) -> None:
        """Count one more in each bucket, durably, anew where its last was before then.

        What nobody added to for a day is forgotten meanwhile.
        """
        ...

    async def forget_failures(self, buckets: Sequence[Digest]) -> None:
        """Begin anew with these."""
        ...


class Checked(msgspec.Struct, frozen=True):
    """What came of a password."""

    right: bool
    outdated: bool = False
    """It is right, and its hash was made with parameters of another time."""


class Passwords(Protocol):
    """The slow hash of what people choose (P32). Raises StoreUnavailable where too many ask."""

    async def hash(self, password: Secret) -> PasswordHash:
        """Return a new hash."""
        ...

    async def check(self, password: Secret, stored: PasswordHash | None) -> Checked:
        """Compare, with the same work where there is no such account."""
        ...


def name_key(name: str) -> str:
    """Return what two spellings of one name have in common (NFKC, any case)."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return " ".join(folded.split())


def is_name(name: str) -> bool:
    """Tell whether an account may have this name: short, and of characters that can be seen."""
    return 0 < len(name_key(name)) <= LONGEST_NAME and name.isprintable()


def is_email(text: str) -> bool:
    """Tell whether letters can go there: as HTML's input has it, without what must be quoted."""
    return _EMAIL.fullmatch(text) is not None


def is_live(session: Session, account: Account, now: Millis) -> bool:
    """Tell whether a session still opens anything."""
    return (
        account.status is Status.ACTIVE
        and session.account_epoch == account.epoch
        and session.signed_in <= now + MINUTE  # a clock that was set back lends no time (P86)
        and now < session.expires
        and now < session.seen + IDLE
    )


def is_fresh(session: Session, now: Millis) -> bool:
    """Tell whether the sign-in is so recent that something may be given away (P55)."""
    return now - session.signed_in <= FRESH
