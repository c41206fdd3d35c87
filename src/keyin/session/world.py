"""What a session works on, and what it reports back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from keyin.session.records import SessionId

if TYPE_CHECKING:
    from keyin.domain.absent import Absent, Value
    from keyin.domain.environment import Clock, Entropy
    from keyin.session.ports import Actions, FileKeeper, Handlers, Journal
    from keyin.session.steps import Resolve


class World(msgspec.Struct, frozen=True, kw_only=True):
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


class Pretended(msgspec.Struct, frozen=True, kw_only=True):
    """A computer that only pretends: later reads see what was written, and nothing else does."""

    handlers: Handlers
    files: FileKeeper


class Passed(msgspec.Struct, frozen=True, kw_only=True):
    """A step that nothing on this computer could take."""

    solution: str
    step: str
    type: str


class Applied(msgspec.Struct, kw_only=True):
    """What a key-in did."""

    settings: dict[str, int] = msgspec.field(default_factory=dict)
    """How many settings changed, by solution."""
    passed: list[Passed] = msgspec.field(default_factory=list)


class Stuck(msgspec.Struct, frozen=True, kw_only=True):
    """A step of a restoration that failed."""

    solution: str
    step: str


class Restored(msgspec.Struct, kw_only=True):
    """What a key-out did; `stuck` is empty if everything is as it was."""

    solutions: list[str] = msgspec.field(default_factory=list)
    stuck: list[Stuck] = msgspec.field(default_factory=list)


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One setting that a key-in would change."""

    solution: str
    setting: str
    now: Value | Absent
    then: Value | Absent
