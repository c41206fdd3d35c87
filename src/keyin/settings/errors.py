"""Why the settings service did not do it: a closed list; `cloud.errors` alone renders it."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from keyin.domain.errors import KeyinError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keyin.domain.absent import Value


class Why(Enum):
    """Every way in which a request that was let in can still fail."""

    DEVICE_UNREADABLE = auto()
    QUERY_INVALID = auto()
    BODY_UNREADABLE = auto()
    BODY_INVALID = auto()
    NOT_ALLOWED = auto()
    READ_ONLY = auto()
    SAFE_MISSING = auto()
    NO_KEY = auto()
    TOO_LARGE = auto()


class Rejected(KeyinError):  # noqa: N818 - an answer, not a mistake
    """The service says no, and the store is as it was."""

    def __init__(self, why: Why, violations: Sequence[Mapping[str, Value]] = ()) -> None:
        super().__init__(why.name.lower())
        self.why = why
        self.violations = violations
