"""How far an enrolment is, and what stands in its way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from keyin.wire.requester_admin import Stage

if TYPE_CHECKING:
    from keyin.domain.errors import KeyinError


class Progress(msgspec.Struct):
    """How far the attempt is."""

    stage: Stage = Stage.NONE
    fingerprint: str | None = None
    problem: str | None = None
    fields: dict[str, str | int] = msgspec.field(default_factory=dict)

    def note(self, error: KeyinError | None) -> None:
        """Remember what stands in the way, or that nothing does."""
        self.problem = None if error is None else error.code
        self.fields = {} if error is None else told_fields(error)


def told_fields(error: KeyinError) -> dict[str, str | int]:
    """Return what an answer tells of an error beside its code."""
    return {name: value for name, value in error.fields.items() if isinstance(value, str | int)}
