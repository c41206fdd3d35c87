"""What owners see of one computer's past (P94): what was done, by whom, and from where it was used.

Who acted is told by what they are to the reader, never by name, and networks stand for addresses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.address_text import network_text
from keyin.domain.errors import msgid
from keyin.domain.events import ADMINISTRATOR
from keyin.domain.networks import parse_address
from keyin.pages.manage_texts import ACT, ACTS, REASONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.environment import Millis
    from keyin.domain.events import Event
    from keyin.oauth.managed_ports import History, SeenFrom

MOST: Final = 30
YOU: Final = msgid("you")
ADMIN: Final = msgid("an administrator")
ITSELF: Final = msgid("the computer itself")
SOMEBODY: Final = msgid("somebody else, or the cloud")


class ActView(msgspec.Struct, frozen=True, kw_only=True):
    """An act on a page."""

    text: str
    who: str
    at: Millis
    why: str | None
    network: str


class HistoryView(msgspec.Struct, frozen=True, kw_only=True):
    """A computer's past on a page."""

    acts: Sequence[ActView]
    networks: Sequence[SeenFrom]


def history_view(history: History, *, reader: str, own: Sequence[str]) -> HistoryView:
    """Return what the account `reader` is shown; `own` are the computer's names in events."""
    acts = [_act(event, reader, own) for event in history.events]
    return HistoryView(acts=acts, networks=history.networks)


def _act(event: Event, reader: str, own: Sequence[str]) -> ActView:
    who = {ADMINISTRATOR: ADMIN, reader: YOU, **dict.fromkeys(own, ITSELF)}
    address = parse_address(event.address) if event.address else None
    return ActView(
        text=ACTS.get(event.act, ACT),
        who=who.get(event.actor, SOMEBODY),
        at=event.at,
        why=REASONS.get(event.reason or ""),
        network=network_text(address) if address else "",
    )
