"""How far an enrolment is, and what stands in its way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keyin.wire.requester_admin import Stage

if TYPE_CHECKING:
    from keyin.domain.errors import KeyinError


@dataclass(slots=True)
class Progress:
    """How far the attempt is."""

    stage: Stage = Stage.NONE
    fingerprint: str | None = None
    problem: str | None = None
    fields: dict[str, str | int] = field(default_factory=dict)

    def note(self, error: KeyinError | None) -> None:
        """Remember what stands in the way, or that nothing does."""
        self.problem = None if error is None else error.code
        plain = {} if error is None else error.fields
        self.fields = {n: v for n, v in plain.items() if isinstance(v, str | int)}
