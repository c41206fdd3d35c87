"""Initial access tokens: made by pages, by the administrator and by the grants; listed; taken back.

What a token's clients may do stands in its template from the beginning. A token is for registering
only (P46); its text leaves once, to whoever it was made for, and is kept as a digest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from keyin.domain.enrolment import InitialAccess, InitialAccessKind
from keyin.domain.environment import Entropy, Millis
from keyin.domain.errors import Refused, msgid
from keyin.domain.events import Act, Event
from keyin.domain.networks import malformed
from keyin.domain.records import UNRESTRICTED, RecordId, Status, Unrestricted
from keyin.oauth.enrolment_ports import Ending, InitialAccesses
from keyin.oauth.new_clients import random_text
from keyin.oauth.notices import of_making
from keyin.wire.enrolment_code import (
    RANDOM_BYTES,
    InitialAccessToken,
    new_initial_access_token,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keyin.domain.enrolment import Computer, Template
    from keyin.oauth.enrolment_ports import Listed, Reach
    from keyin.oauth.ports import Peppers

ID_PREFIX: Final = "ia_"
PURPOSE: Final = "initial_access"
"""Of the digests: `Peppers.digests(PURPOSE, token)`."""
CHANNEL_PURPOSE: Final = "channel"
MOST_USES: Final = 10_000
LONGEST_MS: Final = Millis(366 * 24 * 60 * 60_000)
_LARGEST_TEMPLATE: Final = 1900
"""Bytes: it stands in each certificate, which has to stay small enough to be read."""
_ONE_COMPUTER: Final = frozenset(
    {InitialAccessKind.BROWSER, InitialAccessKind.DEVICE, InitialAccessKind.CODE}
)


class By(msgspec.Struct, frozen=True, kw_only=True):
    """Who does something, when, and from where: what an event says of it."""

    actor: str
    """An account's id, or `ADMINISTRATOR`."""
    now: Millis
    address: str | None = None
    request_id: str | None = None

    def event(
        self, act: Act, *, site: str | None, detail: Mapping[str, str], reason: str | None = None
    ) -> Event:
        """Return the event of an act."""
        return Event(
            act=act,
            actor=self.actor,
            at=self.now,
            address=self.address,
            request_id=self.request_id,
            site=site,
            reason=reason,
            detail=detail,
        )


class NewAccess(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants a token to be."""

    kind: InitialAccessKind
    owner: str | None
    site: str | None
    label: str
    template: Template
    lifetime_ms: int
    computer: Computer | None = None
    max_uses: int = 1
    not_before: Millis | None = None
    networks: tuple[str, ...] | Unrestricted = UNRESTRICTED
    software_ids: tuple[str, ...] | Unrestricted = UNRESTRICTED
    bound_jkt: str | None = None


class Minted(msgspec.Struct, frozen=True, kw_only=True):
    """A token and its record, which is not remembered yet."""

    token: InitialAccessToken
    record: InitialAccess


class InitialAccessService(msgspec.Struct, frozen=True, kw_only=True):
    """Makes, finds, lists and ends tokens."""

    store: InitialAccesses
    peppers: Peppers
    entropy: Entropy

    def mint(self, wish: NewAccess, *, now: Millis) -> Minted:
        """Make a token for a unit of work that does more than to remember it (the grants').

        Raises Refused where the wish does not fit together.
        """
        check(wish)
        token = new_initial_access_token(self.entropy.token_bytes(RANDOM_BYTES))
        digest = self.peppers.digests(PURPOSE, token.reveal())[0]
        begins = wish.not_before or now
        record = InitialAccess(
            id=RecordId(ID_PREFIX + random_text(self.entropy)),
            digest=digest,
            kind=wish.kind,
            owner=wish.owner,
            site=wish.site,
            label=wish.label,
            template=wish.template,
            computer=wish.computer,
            max_uses=wish.max_uses,
            uses=0,
            not_before=begins,
            expires=Millis(begins + wish.lifetime_ms),
            networks=wish.networks,
            software_ids=wish.software_ids,
            bound_jkt=wish.bound_jkt,
            status=Status.ACTIVE,
            revoked_reason=None,
            created=now,
            last_used=None,
        )
        return Minted(token=token, record=record)

    async def make(self, wish: NewAccess, by: By) -> Minted:
        """Make a token; it is durable when this returns. Raises Refused, StoreUnavailable."""
        minted = self.mint(wish, now=by.now)
        event = made(minted.record, by)
        told = of_making(minted.record, event)
        await self.store.add_initial_access(minted.record, event=event, notices=told)
        return minted

    async def find(self, token: str) -> InitialAccess | None:
        """Return the record of a token, whatever its status. Raises StoreUnavailable."""
        return await self.store.find_initial_access(self.peppers.digests(PURPOSE, token))

    async def one(self, id_: str, *, reach: Reach | None) -> Listed | None:
        """Return a token that is within reach; None reaches everything. StoreUnavailable."""
        found = await self.store.initial_access(RecordId(id_))
        if found is None or reach is None:
            return found
        return found if reach.holds(found.record.owner, found.record.site) else None

    async def listed(
        self, *, reach: Reach | None, after: int = 0, most: int = 100
    ) -> Sequence[Listed]:
        """Return tokens within reach in the order in which they came. Raises StoreUnavailable."""
        return await self.store.initial_accesses(after=after, most=most, reach=reach)

    async def revoke(
        self,
        id_: str,
        by: By,
        *,
        reach: Reach | None,
        reason: str,
        descendants: bool = False,
    ) -> int | None:
        """End a token, and with `descendants` every client born from it (P34), at once.

        Return how many clients ended. None: there is no such token within reach, or it and what
        was asked for had ended. Raises StoreUnavailable.
        """
        found = await self.one(id_, reach=reach)
        if found is None:
            return None
        ending = Ending(
            reason=reason, now=by.now, event=ended(found.record, by, reason, all_=descendants)
        )
        return await self.store.end_initial_access(found.record.id, ending, descendants=descendants)


class Telling(Protocol):
    """Whoever makes events of what somebody does: `By`, and the administrator's `Acting`."""

    def event(
        self, act: Act, *, site: str | None, detail: Mapping[str, str], reason: str | None = None
    ) -> Event:
        """Return the event of an act."""


def made(record: InitialAccess, by: Telling) -> Event:
    """Return the event of a token's making; for who remembers one together with more."""
    return by.event(
        Act.INITIAL_ACCESS_MADE,
        site=record.site,
        detail={
            "initial_access": record.id,
            "kind": record.kind.value,
            "uses": str(record.max_uses),
        },
    )


def ended(record: InitialAccess, by: Telling, reason: str, *, all_: bool) -> Event:
    """Return the event of a token's end."""
    return by.event(
        Act.INITIAL_ACCESS_REVOKED,
        site=record.site,
        reason=reason,
        detail={"initial_access": record.id, "descendants": "yes" if all_ else "no"},
    )


def check(wish: NewAccess) -> None:
    """Raise Refused for the first thing that does not fit together."""
    one = one_computer(wish.kind)
    networks = (wish.networks, wish.template.networks)
    for holds, why in (
        (wish.label.strip() and wish.label.isprintable(), msgid("it needs a label of one line")),
        (1 <= wish.max_uses <= MOST_USES, msgid("it can be used once to ten thousand times")),
        (not one or wish.max_uses == 1, msgid("what is for one computer is used once")),
        (0 < wish.lifetime_ms <= LONGEST_MS, msgid("it can live for a year at most")),
        (
            wish.kind is not InitialAccessKind.BUNDLE or wish.site,
            msgid("what lies beside a package belongs to one site"),
        ),
        (
            not any(malformed(one) for one in networks if not isinstance(one, Unrestricted)),
            msgid("a network is written as an address with a prefix, as in 192.0.2.0/24"),
        ),
        (
            len(msgspec.json.encode(wish.template)) <= _LARGEST_TEMPLATE,
            msgid(
                "its limits are too many: networks and preferences together must fit into two "
                "kilobytes"
            ),
        ),
    ):
        if not holds:
            raise Refused(
                "bad_token", why, next_step=msgid("`keyin token create --help` says what can be.")
            )


def one_computer(kind: InitialAccessKind) -> bool:
    """Tell whether a token of this kind is for one computer, known to a person beforehand."""
    return kind in _ONE_COMPUTER
