"""The limits put together: what the configuration says, the store that counts, who is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import msgspec
import structlog

from keyin.oauth import key_door, throttle
from keyin.oauth.key_door import KeyDoor
from keyin.oauth.pin_tries import PinTries
from keyin.oauth.throttle import Throttle

if TYPE_CHECKING:
    from keyin.cloud.config import LimitsConfig
    from keyin.cloud.metrics import Metrics
    from keyin.oauth.ports import Peppers

_log: Final = structlog.get_logger()


class Store(key_door.Store, throttle.Store, Protocol):
    """What the limits read and write."""


class OperatorsAlarms(msgspec.Struct, frozen=True):
    """Counts for `/metrics`; what somebody should look at goes to the log as well."""

    metrics: Metrics

    def limit_reached(self, limit: str) -> None:
        """See oauth.throttle_ports.Alarms."""
        self.metrics.note("limit_reached", limit)
        _log.warning("limit_reached", reason=limit)

    def refused(self, limit: str) -> None:
        """See oauth.throttle_ports.Alarms."""
        self.metrics.note("limited", limit)

    def suspended(self, count: int) -> None:
        """See oauth.throttle_ports.Alarms. Whose it is, says the audit log."""
        self.metrics.note("suspended", "distinct_keys")
        _log.error("client_suspended", reason="distinct_keys", count=count)

    def signature_checked(self) -> None:
        """See oauth.throttle_ports.Alarms."""
        self.metrics.note("signatures", "client_assertion")


class Limiting(msgspec.Struct, frozen=True):
    """What the token endpoints ask."""

    throttle: Throttle
    door: KeyDoor


def limiting(config: LimitsConfig, store: Store, peppers: Peppers, metrics: Metrics) -> Limiting:
    """Put the limits of one cloud together."""
    alarms = OperatorsAlarms(metrics)
    made = Throttle(store=store, alarms=alarms, rules=config.rules())
    pins = PinTries(quotas=store, alarms=alarms)
    return Limiting(made, KeyDoor(store=store, peppers=peppers, throttle=made, pins=pins))
