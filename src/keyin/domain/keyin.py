"""The key-in state machine: who is keyed in, and what one key event makes of that.

Decisions only, taken when an event's turn comes and not when it arrives: the original decides at
arrival and fails when two logins of one key overlap. Nothing here touches a setting or a clock.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from keyin.domain.errors import Refused
from keyin.domain.secret import GpiiKey

if TYPE_CHECKING:
    from keyin.domain.environment import Millis

NO_USER: Final = GpiiKey("noUser")
"""Nobody: an empty configuration; the cloud is never asked."""

RESET: Final = GpiiKey("reset")
"""Not a person: whoever is keyed in is keyed out."""

_INTERNAL: Final = (GpiiKey("restore"), GpiiKey("readSetting"))

BOUNCE_WINDOW_MS: Final = 1500


class Kind(StrEnum):
    """What a key event asks for."""

    LOGIN = "login"
    LOGOUT = "logout"
    PROXIMITY = "proximity"


class KeyEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One request. A logout without a key means whoever is keyed in."""

    kind: Kind
    key: GpiiKey | None
    arrived: Millis


class LogonChange(msgspec.Struct, frozen=True, kw_only=True):
    """A login or logout that is running or was the last to end; `key` is None after a failure."""

    kind: Kind
    key: GpiiKey | None
    at: Millis
    in_progress: bool


class KeyInState(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the decisions look at. `person` is the last event about a real key."""

    active: GpiiKey | None = None
    change: LogonChange | None = None
    person: LogonChange | None = None


class Step(StrEnum):
    """What is to be done for one event, in this order at most."""

    KEY_OUT = "key out"
    KEY_IN = "key in"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The steps for one event; none where what it asks for is already so."""

    steps: tuple[Step, ...]
    answer: Kind
    key: GpiiKey


def is_bounce(state: KeyInState, key: GpiiKey, now: Millis) -> bool:
    """Tell whether a proximity event is the same card still lying there.

    The same card within 1.5 s of its login or logout, or while its login runs; another never.
    """
    change, person = state.change, state.person
    if change is None:
        return False
    if change.kind is Kind.LOGIN and change.key == NO_USER and not change.in_progress:
        return person is not None and person.key == key and now - person.at < BOUNCE_WINDOW_MS
    if change.key != key:
        return False
    return change.in_progress or now - change.at < BOUNCE_WINDOW_MS


def admit(state: KeyInState, event: KeyEvent) -> None:
    """Refuse on arrival what may not wait in line. Raises Refused."""
    key = event.key
    if key is not None and (not key or any(key == name for name in _INTERNAL)):
        raise Refused(
            "reserved_key",
            "this key is a word that keyin keeps for itself",
            next_step="use the key on your own card or token",
        )
    if event.kind is Kind.PROXIMITY and key is not None and is_bounce(state, key, event.arrived):
        raise Refused(
            "bounce",
            "the same key was used a moment ago",
            next_step="wait two seconds and hold the key there again",
        )


def plan(state: KeyInState, event: KeyEvent) -> Plan:
    """Decide what an event does, now that its turn has come. Raises Refused."""
    kind, key = event.kind, event.key if event.key is not None else state.active or NO_USER
    if key == RESET:
        return Plan(steps=_key_out_if_anybody(state), answer=kind, key=key)
    if kind is Kind.PROXIMITY:
        kind = Kind.LOGOUT if state.active == key else Kind.LOGIN
    if kind is Kind.LOGOUT:
        return _plan_logout(state, key)
    if state.active == key and _came_true_while_waiting(state, event):
        return Plan(steps=(), answer=Kind.LOGIN, key=key)
    return Plan(steps=(*_key_out_if_anybody(state), Step.KEY_IN), answer=Kind.LOGIN, key=key)


def _plan_logout(state: KeyInState, key: GpiiKey) -> Plan:
    if key == NO_USER or state.active != key:
        nobody = state.active is None or state.active == NO_USER
        raise Refused(
            "nobody_active" if nobody else "other_active",
            "nobody is keyed in" if nobody else "somebody else is keyed in",
            next_step="see who is keyed in with: keyin status",
        )
    return Plan(steps=(Step.KEY_OUT,), answer=Kind.LOGOUT, key=key)


def _key_out_if_anybody(state: KeyInState) -> tuple[Step, ...]:
    if state.active is None or state.active == NO_USER:
        return ()
    return (Step.KEY_OUT,)


def _came_true_while_waiting(state: KeyInState, event: KeyEvent) -> bool:
    # Two logins of one key that overlap: the second one finds its wish fulfilled.
    change = state.change
    return change is not None and change.kind is Kind.LOGIN and change.at >= event.arrived


def begun(state: KeyInState, kind: Kind, key: GpiiKey, now: Millis) -> KeyInState:
    """Return the state once a login or logout has begun."""
    change = LogonChange(kind=kind, key=key, at=now, in_progress=True)
    return replace(state, change=change, person=state.person if key == NO_USER else change)


def ended(state: KeyInState, kind: Kind, key: GpiiKey, now: Millis) -> KeyInState:
    """Return the state once it has succeeded."""
    change = LogonChange(kind=kind, key=key, at=now, in_progress=False)
    return replace(state, change=change, active=key if kind is Kind.LOGIN else None)


def failed(state: KeyInState, now: Millis, *, active: GpiiKey | None) -> KeyInState:
    """Return the state once it has failed; `active` is who is keyed in all the same."""
    change = LogonChange(kind=Kind.LOGOUT, key=None, at=now, in_progress=False)
    return replace(state, change=change, active=active)
