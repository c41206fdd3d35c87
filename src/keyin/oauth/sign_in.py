"""Signing in and out, and who somebody is meanwhile.

Whoever asks with a wrong password learns nothing of the account: unknown, suspended and wrong are
one answer after the same work. Wrong ones slow down what follows, kept over restarts: soonest for
one name from one address, later for an address, last for a name, so that nobody can lock out the
person who has the name (P42, P43).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from keyin.domain.environment import Millis
from keyin.domain.events import Act
from keyin.domain.networks import HOUSEHOLD_BITS, IPV4_BITS, household
from keyin.domain.records import Status
from keyin.domain.secret import Secret
from keyin.oauth.accounts import (
    ABSOLUTE,
    FORGOTTEN,
    MINUTE,
    Account,
    AccountChange,
    Accounts,
    Attempts,
    Session,
    Sessions,
    is_live,
    name_key,
)
from keyin.oauth.auditing import account_changed, account_event
from keyin.oauth.new_clients import random_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.environment import Entropy
    from keyin.domain.networks import Address
    from keyin.domain.records import Digest, RecordId
    from keyin.oauth.accounts import Failures, Passwords
    from keyin.oauth.ports import Peppers
    from keyin.oauth.second_factor import SecondSteps

TOKEN_BYTES: Final = 32  # 256 bits (ASVS 7.2.3)
LONGEST_WAIT: Final = Millis(15 * MINUTE)
_FREE: Final = (5, 30, 50)
"""Wrong passwords that cost no wait: one name from one address, an address, a name."""


class Store(Accounts, Sessions, Attempts, Protocol):
    """What this service reads and writes."""


class SessionToken(Secret):
    """What a browser shows to be known again."""


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """Where a request comes from, for the audit log and the back-off."""

    address: Address | None
    now: Millis
    request_id: str


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody is known."""

    token: SessionToken
    session: Session
    account: Account


class NotSignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """A wrong name or password; or one that was not looked at for so many milliseconds yet."""

    wait: Millis | None = None


class Halfway(msgspec.Struct, frozen=True, kw_only=True):
    """The password is right, and this account asks for a second step."""

    account: Account


class SignIn(msgspec.Struct, frozen=True, kw_only=True):
    """See above. Each method raises StoreUnavailable."""

    store: Store
    passwords: Passwords
    steps: SecondSteps
    peppers: Peppers
    entropy: Entropy

    async def sign_in(
        self, name: str, password: Secret, *, before: SessionToken | None, visit: Visit
    ) -> SignedIn | Halfway | NotSignedIn:
        """Check the password; return a new session that takes the place of the one before."""
        buckets = self._buckets("", name_key(name), visit.address)
        wait = _wait(await self.store.failures(buckets), visit.now)
        if wait > 0:
            return NotSignedIn(wait=Millis(wait))
        account = await self.store.find_account(name_key(name))
        checked = await self.passwords.check(password, account.password if account else None)
        if account is None or not checked.right or account.status is not Status.ACTIVE:
            await self._refuse(account, buckets, visit)
            return NotSignedIn()
        if checked.outdated:
            await self._hash_anew(account, password, visit)
        if await self.steps.of(account) is not None:
            return Halfway(account=account)
        signed_in = await self._open(account, before, visit)
        await self.store.forget_failures(buckets[:1])
        return signed_in

    async def finish(
        self, half: tuple[RecordId, int], code: str, *, before: SessionToken | None, visit: Visit
    ) -> SignedIn | NotSignedIn:
        """Take the second step of who gave the password of this account, at this epoch."""
        buckets = self._buckets("second ", half[0], visit.address)
        wait = _wait(await self.store.failures(buckets), visit.now)
        if wait > 0:
            return NotSignedIn(wait=Millis(wait))
        account = await self.store.account(half[0])
        if account is None or account.status is not Status.ACTIVE or account.epoch != half[1]:
            return NotSignedIn()
        factor = await self.steps.of(account)
        if factor is None or not await self.steps.check(account, factor, code, visit.now):
            await self._refuse(account, buckets, visit)
            return NotSignedIn()
        signed_in = await self._open(account, before, visit)
        names = self._buckets("", account.name_key, visit.address)
        await self.store.forget_failures([buckets[0], names[0]])
        return signed_in

    async def who(self, token: SessionToken, now: Millis) -> SignedIn | None:
        """Return whose browser this is, if its session still opens anything."""
        found = await self.store.find_session(self.digests(token))
        if found is None or not is_live(*found, now):
            return None
        session, account = found
        if now >= session.seen + MINUTE:
            await self.store.note_seen(session.digest, now=now)
        return SignedIn(token=token, session=session, account=account)

    async def sign_out(self, who: SignedIn, visit: Visit) -> None:
        """End this session."""
        event = account_event(Act.SIGNED_OUT, who.account, visit)
        await self.store.close_session([who.session.digest], event=event)

    async def sign_out_everywhere(self, who: SignedIn, visit: Visit) -> None:
        """End every session of this person."""
        event = account_event(Act.SIGNED_OUT, who.account, visit, what="everywhere")
        change = AccountChange(end_sessions=True)
        await self.store.change_account(who.account.id, change, now=visit.now, event=event)

    def digests(self, token: SessionToken) -> Sequence[Digest]:
        """Return what the store knows of a session's token."""
        return self.peppers.digests("session", token.reveal())

    async def _open(self, account: Account, before: SessionToken | None, visit: Visit) -> SignedIn:
        token = SessionToken(random_text(self.entropy, TOKEN_BYTES))
        session = Session(
            digest=self.digests(token)[0],
            account_id=account.id,
            account_epoch=account.epoch,
            signed_in=visit.now,
            seen=visit.now,
            expires=Millis(visit.now + ABSOLUTE),
        )
        event = account_event(Act.SIGNED_IN, account, visit)
        replaced = self.digests(before) if before else ()
        await self.store.open_session(session, instead_of=replaced, event=event)
        return SignedIn(token=token, session=session, account=account)

    async def _refuse(
        self, account: Account | None, buckets: Sequence[Digest], visit: Visit
    ) -> None:
        event = account_event(Act.SIGN_IN_REFUSED, account, visit) if account else None
        forget_before = Millis(visit.now - FORGOTTEN)
        await self.store.note_failure(
            buckets, now=visit.now, forget_before=forget_before, event=event
        )

    async def _hash_anew(self, account: Account, password: Secret, visit: Visit) -> None:
        change = AccountChange(
            password=await self.passwords.hash(password), instead_of=account.password
        )
        event = account_changed(account, visit, "hash")
        await self.store.change_account(account.id, change, now=visit.now, event=event)

    def _buckets(self, step: str, who: str, address: Address | None) -> Sequence[Digest]:
        """Return where wrong ones are counted; as digests, for a name may be a password."""
        where = _network(address)
        return [
            self.peppers.digests("sign-in", "\0".join((step + parts[0], *parts[1:])))[0]
            for parts in (("both", where, who), ("address", where), ("name", who))
        ]


def _wait(failures: Sequence[Failures | None], now: Millis) -> int:
    """Return the milliseconds until the next password is looked at: doubled by each wrong one."""
    waits = [0]
    for free, failed in zip(_FREE, failures, strict=True):
        if failed is not None and free <= failed.count and now < failed.last + FORGOTTEN:
            delay = min(LONGEST_WAIT, 1000 << min(failed.count - free, 20))
            waits.append(min(LONGEST_WAIT, failed.last + delay - now))
    return max(waits)


def _network(address: Address | None) -> str:
    """Return the address, of IPv6 the half that a household has (RFC 6177)."""
    if address is None:
        return "?"
    own = household(address)
    return f"{own.value:x}" if own.bits == IPV4_BITS else f"{own.value >> HOUSEHOLD_BITS:x}/6"
