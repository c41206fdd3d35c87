"""The second step of a sign-in: a code from a telephone, or one of ten codes on paper (P101).

A code is good for one sign-in (RFC 6238 §5.2). The secret is under seal, since codes must be
computed from it; recovery codes have 80 bits and are kept as keyed digests.
"""

from __future__ import annotations

from base64 import b32encode
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain import one_time_codes
from keyin.domain.membership import CHANGING
from keyin.domain.secret import Secret, equal
from keyin.oauth.auditing import account_changed
from keyin.oauth.second_factor_ports import SecondFactor

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from keyin.domain.environment import Entropy, Millis
    from keyin.domain.membership import Membership
    from keyin.domain.records import Digest
    from keyin.oauth.accounts import Account
    from keyin.oauth.ports import Peppers
    from keyin.oauth.second_factor_ports import Sealing, SecondFactors
    from keyin.oauth.sign_in import SignedIn, Visit

RECOVERY_CODES: Final = 10
RECOVERY_BYTES: Final = 10
PURPOSE: Final = "recovery"


class Rule(StrEnum):
    """Of whom a second step is asked before something is given away or ended."""

    OPTIONAL = "optional"
    MANAGERS = "managers"
    """Of who changes what belongs to a site."""
    EVERYBODY = "everybody"


class TotpSecret(Secret):
    """What a telephone makes codes from, in base32."""


class RecoveryCode(Secret):
    """One code on paper."""


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """A factor that was begun: what the telephone is to be told."""

    secret: TotpSecret
    address: Secret


class SecondSteps(msgspec.Struct, frozen=True, kw_only=True):
    """See above. Each method raises StoreUnavailable."""

    store: SecondFactors
    vault: Sealing
    peppers: Peppers
    entropy: Entropy
    service: str
    """The name under which a telephone lists it."""

    async def of(self, account: Account) -> SecondFactor | None:
        """Return the account's factor, if it counts."""
        found = await self.store.second_factor(account.id)
        return found if found is not None and found.confirmed else None

    async def begin(self, account: Account, now: Millis) -> bool:
        """Make a secret, to be confirmed; False: there is one that counts."""
        secret = self.entropy.token_bytes(one_time_codes.SECRET_BYTES)
        factor = SecondFactor(
            account_id=account.id,
            sealed=self.vault.seal(secret, _context(account)),
            confirmed=False,
            last_step=0,
            created=now,
        )
        return await self.store.begin_second_factor(factor)

    async def pending(self, account: Account) -> Pending | None:
        """Return what the telephone is to be told, while nobody has confirmed it."""
        found = await self.store.second_factor(account.id)
        if found is None or found.confirmed:
            return None
        secret = self._opened(found, account)
        told = one_time_codes.address(secret, account=account.name, service=self.service)
        return Pending(secret=TotpSecret(one_time_codes.secret_text(secret)), address=Secret(told))

    async def confirm(
        self, who: SignedIn, code: str, visit: Visit
    ) -> Sequence[RecoveryCode] | None:
        """Let the factor count, now that its code was shown; return codes for paper, this once."""
        found = await self.store.second_factor(who.account.id)
        if found is None or found.confirmed:
            return None
        step = self._step(found, who.account, code, visit.now)
        if step is None:
            return None
        codes = [_written(self.entropy.token_bytes(RECOVERY_BYTES)) for _ in range(RECOVERY_CODES)]
        digests = [self._digests(who.account, one.reveal())[0] for one in codes]
        event = account_changed(who.account, visit, "second_factor")
        counts = await self.store.confirm_second_factor(
            who.account.id, step, digests, session=who.session.digest, event=event
        )
        return codes if counts else None

    async def check(self, account: Account, factor: SecondFactor, code: str, now: Millis) -> bool:
        """Tell whether a code is right, and use it up."""
        plain = _plain(code)
        if one_time_codes.is_code(plain):
            step = self._step(factor, account, plain, now)
            return step is not None and await self.store.use_second_factor(account.id, step=step)
        digests = self._digests(account, plain)
        return await self.store.use_second_factor(account.id, step=None, recovery=digests)

    async def end(self, account: Account, visit: Visit) -> bool:
        """Ask for no second step any more."""
        event = account_changed(account, visit, "no_second_factor")
        return await self.store.end_second_factor(account.id, event=event)

    def _step(self, factor: SecondFactor, account: Account, code: str, now: Millis) -> int | None:
        """Return the half minute to which a code belongs; looks at all."""
        secret, found = self._opened(factor, account), None
        for step, right in one_time_codes.codes_around(secret, now):
            if equal(_plain(code), right):
                found = step
        return found

    def _opened(self, factor: SecondFactor, account: Account) -> bytes:
        return self.vault.unseal(factor.sealed, _context(account))

    def _digests(self, account: Account, code: str) -> Sequence[Digest]:
        return self.peppers.digests(PURPOSE, f"{account.id}\0{_plain(code)}")


def is_asked(rule: Rule, memberships: Iterable[Membership]) -> bool:
    """Tell whether a second step is asked of who has these memberships."""
    if rule is Rule.MANAGERS:
        return any(one.role in CHANGING for one in memberships)
    return rule is Rule.EVERYBODY


def _written(random: bytes) -> RecoveryCode:
    text = b32encode(random).decode().lower()
    return RecoveryCode("-".join(text[at : at + 4] for at in range(0, len(text), 4)))


def _plain(code: str) -> str:
    """Return a code as it counts: no spaces and dashes, and capitals do not matter."""
    return "".join(code.split()).replace("-", "").lower()[:64]


def _context(account: Account) -> str:
    return f"second factor {account.id}"
