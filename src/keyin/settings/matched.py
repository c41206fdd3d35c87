"""What matching a safe with a device came to, remembered for the next time they meet.

The same person keys in at the same computer again and again, and each save seals the safe anew
under a new random nonce. So safe and nonce name one state of the preferences: a changed safe is
seen at once, and nothing has to be forgotten. A registry is named by the digest of its text.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from keyin.domain.records import Safe

REMEMBERED: Final = 1024
MOST_BYTES: Final = 64 * 1024
"""Of one meeting: what is larger is worked out anew, or one client could fill the memory."""

MOST_IN_ALL: Final = 16 * 1024 * 1024
"""Of all meetings together."""

_NONCE_END: Final = 32
"""The head of a sealed safe, which holds the nonce (`stores.secrets_directory`)."""

Meeting: TypeAlias = tuple[str, bytes, bytes, str | None]


class Matched(NamedTuple):
    """Two members of the answer, as JSON."""

    preferences: bytes
    output: bytes


NOTHING: Final = Matched(b"", b"")


class Meetings:
    """The last so many; the one longest unused goes first."""

    def __init__(self) -> None:
        self._known: OrderedDict[Meeting, Matched] = OrderedDict()
        self._bytes = 0

    @property
    def bytes(self) -> int:
        """Say how much is kept."""
        return self._bytes

    def find(self, meeting: Meeting) -> Matched | None:
        """Return what was remembered."""
        found = self._known.get(meeting)
        if found is not None:
            self._known.move_to_end(meeting)
        return found

    def remember(self, meeting: Meeting, matched: Matched) -> None:
        """Keep it, within the bounds."""
        if _size(matched) > MOST_BYTES:
            return
        self._bytes += _size(matched) - _size(self._known.pop(meeting, NOTHING))
        self._known[meeting] = matched
        while len(self._known) > REMEMBERED or self._bytes > MOST_IN_ALL:
            _, longest_unused = self._known.popitem(last=False)
            self._bytes -= _size(longest_unused)


def meeting(safe: Safe, report: bytes, registry: str | None) -> Meeting:
    """Name this state of a safe, this device and its registry, these two by their digests."""
    return safe.id, safe.sealed[:_NONCE_END], report, registry


def _size(matched: Matched) -> int:
    return len(matched.preferences) + len(matched.output)
