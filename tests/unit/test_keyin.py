"""The key-in state machine: the recorded bounce table, and what is decided when a turn comes."""

from __future__ import annotations

from typing import Any

import pytest

from keyin.domain.environment import Millis
from keyin.domain.errors import Refused
from keyin.domain.keyin import (
    NO_USER,
    RESET,
    KeyEvent,
    KeyInState,
    Kind,
    LogonChange,
    Step,
    admit,
    begun,
    ended,
    failed,
    is_bounce,
    plan,
)
from keyin.domain.secret import GpiiKey
from tests.local_cases import cases
from tests.shared_data import needs_shared

ALICE, BOB = GpiiKey("alice"), GpiiKey("bob")


def change(recorded: dict[str, Any]) -> LogonChange:
    return LogonChange(
        kind=Kind(recorded["type"]),
        key=GpiiKey(recorded["gpiiKey"]),
        at=Millis(recorded["timeStamp"]),
        in_progress=recorded.get("inProgress", False),
    )


@needs_shared
@pytest.mark.parametrize("case", cases("debounce"))
def test_recorded_bounces(case: dict[str, Any]) -> None:
    for row in case["rows"]:
        state = KeyInState(
            change=change(row["logonChange"]), person=change(row["currentUserLogon"])
        )
        found = is_bounce(state, GpiiKey(row["key"]), Millis(row["now"]))
        assert found is row["expected"], row["title"]


def state_of(key: GpiiKey | None, at: int = 0) -> KeyInState:
    if key is None:
        return KeyInState()
    return ended(begun(KeyInState(), Kind.LOGIN, key, Millis(at)), Kind.LOGIN, key, Millis(at))


def event(kind: Kind, key: GpiiKey | None, at: int = 10_000) -> KeyEvent:
    return KeyEvent(kind=kind, key=key, arrived=Millis(at))


@pytest.mark.parametrize(
    ("active", "kind", "key", "steps"),
    [
        (None, Kind.LOGIN, ALICE, (Step.KEY_IN,)),
        (NO_USER, Kind.LOGIN, ALICE, (Step.KEY_IN,)),
        (BOB, Kind.LOGIN, ALICE, (Step.KEY_OUT, Step.KEY_IN)),
        (ALICE, Kind.LOGIN, ALICE, (Step.KEY_OUT, Step.KEY_IN)),
        (ALICE, Kind.LOGOUT, ALICE, (Step.KEY_OUT,)),
        (ALICE, Kind.LOGOUT, None, (Step.KEY_OUT,)),
        (ALICE, Kind.PROXIMITY, ALICE, (Step.KEY_OUT,)),
        (ALICE, Kind.PROXIMITY, BOB, (Step.KEY_OUT, Step.KEY_IN)),
        (NO_USER, Kind.PROXIMITY, BOB, (Step.KEY_IN,)),
        (ALICE, Kind.LOGIN, RESET, (Step.KEY_OUT,)),
        (ALICE, Kind.LOGOUT, RESET, (Step.KEY_OUT,)),
        (NO_USER, Kind.LOGIN, RESET, ()),
    ],
)
def test_what_an_event_does(
    active: GpiiKey | None, kind: Kind, key: GpiiKey | None, steps: tuple[Step, ...]
) -> None:
    assert plan(state_of(active), event(kind, key)).steps == steps


@pytest.mark.parametrize(
    ("active", "key", "code"),
    [
        (NO_USER, ALICE, "nobody_active"),
        (NO_USER, NO_USER, "nobody_active"),
        (NO_USER, None, "nobody_active"),
        (None, None, "nobody_active"),
        (ALICE, BOB, "other_active"),
    ],
)
def test_a_logout_of_somebody_who_is_not_in(
    active: GpiiKey | None, key: GpiiKey | None, code: str
) -> None:
    with pytest.raises(Refused) as caught:
        plan(state_of(active), event(Kind.LOGOUT, key))
    assert caught.value.code == code


def test_a_login_that_came_true_while_it_waited_does_nothing() -> None:
    state = state_of(ALICE, at=20_000)
    assert plan(state, event(Kind.LOGIN, ALICE, at=15_000)).steps == ()
    assert plan(state, event(Kind.LOGIN, BOB, at=15_000)).steps == (Step.KEY_OUT, Step.KEY_IN)


@pytest.mark.parametrize("key", ["restore", "readSetting", ""])
def test_words_that_are_no_keys(key: str) -> None:
    with pytest.raises(Refused, match="keeps for itself"):
        admit(KeyInState(), event(Kind.LOGIN, GpiiKey(key)))


def test_after_a_failure_nobody_is_in_and_nothing_bounces() -> None:
    state = failed(begun(KeyInState(), Kind.LOGIN, ALICE, Millis(0)), Millis(5), active=None)
    assert state.active is None
    admit(state, event(Kind.PROXIMITY, ALICE, at=6))
