"""Buckets and sets of the limits as a process holds them: bounded, and cheap to ask.

A bucket that is full and a set whose time is over are forgotten; so is what lies longest untouched
where somebody makes up names faster than that. Remembers what changed, for a store to write down.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.environment import Millis

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from keyin.domain.limits import Bucket

MOST: Final = 20_000
"""Buckets, and sets. An attacker who gets others forgotten has failed 20,000 times under as many
names, each of which was counted for the attacker's own address."""
_LONG_AGO: Final = Millis(0)


class _Set(msgspec.Struct):
    until: Millis
    members: set[str] = msgspec.field(default_factory=set)


class Changes(msgspec.Struct):
    """What was counted since somebody last took this."""

    buckets: dict[str, Millis] = msgspec.field(default_factory=dict)
    members: list[tuple[str, str, Millis]] = msgspec.field(default_factory=list)
    forgotten: list[str] = msgspec.field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.buckets or self.members or self.forgotten)


class QuotaState:
    """See `oauth.throttle_ports.Quotas` for what each does."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, Millis] = OrderedDict()
        self._sets: OrderedDict[str, _Set] = OrderedDict()
        self._changes = Changes()

    def load(
        self, buckets: Iterable[tuple[str, int]], members: Iterable[tuple[str, str, int]]
    ) -> None:
        """Take what was written down before."""
        self._buckets.update((name, Millis(full_at)) for name, full_at in buckets)
        for name, member, until in members:
            self._sets.setdefault(name, _Set(Millis(until))).members.add(member)

    def take_changes(self) -> Changes:
        """Return what is to be written down, once."""
        taken, self._changes = self._changes, Changes()
        return taken

    def put_back(self, changes: Changes) -> None:
        """Take changes again that could not be written; what came since wins."""
        later, gone = self._changes, set(self._changes.forgotten)
        earlier = {name: end for name, end in changes.buckets.items() if name not in gone}
        members = [one for one in changes.members if one[0] not in gone]
        self._changes = Changes(
            earlier | later.buckets, members + later.members, changes.forgotten + later.forgotten
        )

    def wait(self, asked: Sequence[tuple[str, Bucket]], now: Millis) -> int:
        """Return the longest wait."""
        longest = 0
        for name, bucket in asked:
            full_at = self._buckets.get(name)
            if full_at is not None and full_at > now:
                longest = max(longest, bucket.wait(full_at, now))
                if bucket.is_ahead(full_at, now):
                    self.charge(name, bucket, 1, now)
        return longest

    def charge(self, name: str, bucket: Bucket, cost: int, now: Millis) -> bool:
        """Take units out."""
        if cost == 0:
            return False
        before = self._buckets.get(name, _LONG_AGO)
        after = bucket.charged(before, now, cost)
        self._buckets[name] = self._changes.buckets[name] = after
        self._buckets.move_to_end(name)
        if len(self._buckets) > MOST:
            self._make_room(now)
        return bucket.wait(before, now) == 0 < bucket.wait(after, now)

    def note(self, name: str, member: str, until: Millis, most: int, now: Millis) -> int | None:
        """Put a member into a set."""
        found = self._sets.get(name)
        if found is not None and member in found.members and found.until > now:
            return 0
        if found is None or found.until <= now:
            found = self._sets[name] = _Set(until)
            if len(self._sets) > MOST:
                self._sets.popitem(last=False)
        if len(found.members) >= most:
            return None
        found.members.add(member)
        self._changes.members.append((name, member, until))
        return len(found.members)

    def noted(self, name: str, member: str, now: Millis) -> bool:
        """Look for a member."""
        found = self._sets.get(name)
        return found is not None and found.until > now and member in found.members

    def forget(self, names: Iterable[str]) -> None:
        """Drop buckets and sets, and what was to be written of them."""
        gone = [name for name in names if name in self._buckets or name in self._sets]
        for name in gone:
            self._buckets.pop(name, None)
            self._sets.pop(name, None)
            self._changes.buckets.pop(name, None)
            self._changes.forgotten.append(name)
        self._changes.members = [one for one in self._changes.members if one[0] not in gone]

    def sweep(self, now: Millis) -> None:
        """Forget what says nothing any more."""
        for name in [name for name, full_at in self._buckets.items() if full_at <= now]:
            del self._buckets[name]
        for name in [name for name, one in self._sets.items() if one.until <= now]:
            del self._sets[name]

    def _make_room(self, now: Millis) -> None:
        self.sweep(now)
        while len(self._buckets) > MOST:
            self._buckets.popitem(last=False)
