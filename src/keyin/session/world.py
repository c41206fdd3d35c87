"""What a session works on, and what it reports back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keyin.session.records import SessionId

if TYPE_CHECKING:
    from keyin.domain.absent import Absent, Value
    from keyin.domain.environment import Clock, Entropy
    from keyin.session.ports import Actions, FileKeeper, Handlers, Journal
    from keyin.session.steps import Resolve


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The computer, seen from a session. `resolve` replaces variables in registry strings."""

    handlers: Handlers
    actions: Actions
    files: FileKeeper
    journal: Journal
    clock: Clock
    entropy: Entropy
    resolve: Resolve

    def new_session(self) -> SessionId:
        """Name a session so that names sort by age."""
        return SessionId(f"{self.clock.now():013d}-{self.entropy.token_bytes(8).hex()}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """A step that nothing on this computer could take."""

    solution: str
    step: str
    type: str


@dataclass(slots=True, kw_only=True)
class Applied:
    """What a key-in did."""

    settings: dict[str, int] = field(default_factory=dict)
    """How many settings were written, by solution."""
    passed: list[Passed] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stuck:
    """A step of a restoration that failed."""

    solution: str
    step: str


@dataclass(slots=True, kw_only=True)
class Restored:
    """What a key-out did; `stuck` is empty if everything is as it was."""

    solutions: list[str] = field(default_factory=list)
    stuck: list[Stuck] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One setting that a key-in would change."""

    solution: str
    setting: str
    now: Value | Absent
    then: Value | Absent
