"""Tells the cloud once which software this computer runs now: an upgrade needs no visit.

So a version that was stopped stops nobody who left it behind. What does not work now is tried
again, ever more seldom; meanwhile this computer goes on as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

from keyin.domain.errors import CloudUnreachable, KeyinError, Refused
from keyin.domain.identity import pause
from keyin.wire.requester import ErrorCode
from keyin.wire.requester_trouble import Trouble

if TYPE_CHECKING:
    from keyin.access_requester.own_identity import OwnIdentity
    from keyin.access_requester.registering import Registering
    from keyin.access_requester.rotation import Rotation
    from keyin.domain.environment import Clock, Entropy

_log = structlog.get_logger()
_TOLD_ELSEWHERE: Final = frozenset(
    {ErrorCode.CLOCK_SKEW, ErrorCode.RATE_LIMITED, Trouble.NOT_TAKEN}
)
"""What is found out by showing the identity as well, and is complained of then."""


class Telling:
    """Asked by the keeper."""

    def __init__(
        self,
        *,
        identity: OwnIdentity,
        registering: Registering,
        rotation: Rotation,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._identity = identity
        self._registering = registering
        self._rotation = rotation
        self._clock = clock
        self._entropy = entropy
        self._failures = 0
        self._not_before = 0.0
        self.problem: KeyinError | None = None
        """Why the cloud has not taken it, where somebody can do something about that."""

    def afresh(self) -> None:
        """Try again at once: something has changed."""
        self._failures, self._not_before = 0, 0.0

    def is_due(self) -> bool:
        """Tell whether there is something to tell now. Raises ConfigurationError."""
        held = self._identity.files.held()
        if held is None or held.registered is None or self._is_known(held.registered.told):
            self.problem = None
            return False
        return self._clock.monotonic() >= self._not_before

    async def tell(self) -> bool:
        """Tell it; False: the cloud has not taken it, and is told again later.

        Whoever hears True sees to everything `afresh`.
        """
        try:
            await self._rotation.tell_software()
        except KeyinError as exc:
            self._failures += 1
            chance = self._entropy.token_bytes(1)[0]
            self._not_before = self._clock.monotonic() + pause(self._failures, chance)
            elsewhere = isinstance(exc, CloudUnreachable) or exc.code in _TOLD_ELSEWHERE
            self.problem = None if elsewhere else exc
            _log.warning("software_not_told", code=exc.code)
            return False
        return True

    def _is_known(self, told: str | None) -> bool:
        try:
            return told == self._registering.software().told
        except Refused:
            return False
