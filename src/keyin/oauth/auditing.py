"""The events of a client's acts: who asked, from where, for which key, and what became of it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from keyin.domain.address_text import address_text
from keyin.domain.events import Act, Event, Outcome, pseudonym
from keyin.domain.records import NO_KEY
from keyin.oauth.errors import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.domain.environment import Millis
    from keyin.domain.networks import Address
    from keyin.domain.records import Digest
    from keyin.oauth.accounts import Account
    from keyin.oauth.audit_ports import Trail
    from keyin.oauth.client_auth import Authenticated
    from keyin.oauth.errors import Refusal

_TOO_MANY: Final = 429
_NO_KEYS: Final = frozenset({NO_KEY})
_COUNTED: Final = frozenset({Reason.NO_NONCE})
"""No refusal in earnest: the client is told what to add, and comes again."""


class Occasion(Protocol):
    """Where and when something was asked; `oauth.asked.Asked` is one."""

    @property
    def now(self) -> Millis:
        """The time of the whole request."""
        ...

    @property
    def address(self) -> Address | None:
        """From where, as the edge understood it."""
        ...

    @property
    def request_id(self) -> str | None:
        """What the logs of all processes call it."""
        ...


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """An occasion without anything else."""

    now: Millis
    address: Address | None = None
    request_id: str | None = None


def issued(
    by: Authenticated, on: Occasion, *, key: Digest, grant: str, scope: str, audience: str
) -> Event:
    """Return the event of a new token."""
    client = by.client
    return Event(
        act=Act.TOKEN_ISSUED,
        actor=by.credential.oauth2_client_id,
        address=address_text(on.address),
        at=on.now,
        client=client.id,
        detail=_token_detail(grant, scope, audience),
        key=key_name(key),
        outcome=Outcome.DONE,
        request_id=on.request_id,
        site=client.lineage.site,
    )


def event_of(
    act: Act,
    by: Authenticated,
    on: Occasion,
    *,
    key: Digest | None = None,
    reason: str | None = None,
    detail: Mapping[str, str] | None = None,
) -> Event:
    """Return the event of anything else that a client that proved itself did."""
    return Event(
        act=act,
        actor=by.credential.oauth2_client_id,
        address=address_text(on.address),
        at=on.now,
        client=by.client.id,
        detail=detail,
        key=key_name(key),
        reason=reason,
        request_id=on.request_id,
        site=by.client.lineage.site,
    )


def account_changed(account: Account, on: Occasion, what: str) -> Event:
    """Return the event of what somebody changed about their own account."""
    return account_event(Act.ACCOUNT_CHANGED, account, on, what=what)


def account_event(act: Act, account: Account, on: Occasion, **detail: str) -> Event:
    """Return the event of what a person did, or what was tried in their name."""
    return Event(
        act=act,
        at=on.now,
        actor=account.id,
        address=address_text(on.address),
        request_id=on.request_id,
        detail=detail or None,
    )


def refusal_event(refusal: Refusal, by: Authenticated, on: Occasion) -> Event | None:
    """Return the event of a refusal; None: it is counted only.

    What a limit refuses comes as often as somebody likes, so it gets no row each.
    """
    if refusal.status == _TOO_MANY or refusal.reason in _COUNTED:
        return None
    return event_of(Act.TOKEN_REFUSED, by, on, key=refusal.key, reason=refusal.reason)


async def record_refusal(
    refusal: Refusal, by: Authenticated, on: Occasion, *, trail: Trail
) -> None:
    """Write the event of a refusal, if it gets one, before that is told. StoreUnavailable."""
    event = refusal_event(refusal, by, on)
    if event is not None:
        await trail.record(event)


@lru_cache(maxsize=256)
def _token_detail(grant: str, scope: str, audience: str) -> dict[str, str]:
    """Return one of few, shared: nobody changes them."""
    return {"audience": audience, "grant": grant, "scope": scope}


def key_name(digest: Digest | None) -> str | None:
    """Return the pseudonym of a key; None where a token is for no key."""
    return None if digest is None or digest in _NO_KEYS else pseudonym(digest)
