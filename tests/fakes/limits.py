"""The limits over any store, with alarms that are only noted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from keyin.oauth.key_door import KeyDoor
from keyin.oauth.pin_tries import PinTries
from keyin.oauth.throttle import Rules, Throttle


@dataclass
class Alarms:
    noted: Counter[str] = field(default_factory=Counter)

    def limit_reached(self, limit: str) -> None:
        self.noted[f"reached {limit}"] += 1

    def refused(self, limit: str) -> None:
        self.noted[f"refused {limit}"] += 1

    def suspended(self, count: int) -> None:
        self.noted[f"suspended after {count}"] += 1

    def signature_checked(self) -> None:
        self.noted["signature"] += 1


@dataclass
class Limits:
    """What wiring makes of a store, its peppers and the rules."""

    store: Any
    peppers: Any
    rules: Rules = field(default_factory=Rules)
    alarms: Alarms = field(default_factory=Alarms)

    @property
    def throttle(self) -> Throttle:
        return Throttle(store=self.store, alarms=self.alarms, rules=self.rules)

    @property
    def door(self) -> KeyDoor:
        return KeyDoor(
            store=self.store,
            peppers=self.peppers,
            throttle=self.throttle,
            pins=PinTries(quotas=self.store, alarms=self.alarms),
        )
