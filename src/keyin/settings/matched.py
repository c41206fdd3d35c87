"""What matching a safe with a device came to, remembered for the next time they meet.

The same person keys in at the same computer again and again, and each save seals the safe anew
under a new random nonce. So safe and nonce name one state of the preferences: a changed safe is
seen at once, and nothing has to be forgotten. Registries live as long as the process.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from keyin.domain.records import Safe

REMEMBERED: Final = 1024
MOST_BYTES: Final = 64 * 1024
"""Of one meeting: what is larger is worked out anew, or one client could fill the memory."""

_NONCE_END: Final = 32
"""The head of a sealed safe, which holds the nonce (`stores.secrets_directory`)."""

Meeting: TypeAlias = tuple[str, bytes, bytes]


class Matched(NamedTuple):
    """Two members of the answer, as JSON."""

    preferences: bytes
    output: bytes


class Meetings:
    """The last so many; the one longest unused goes first."""

    def __init__(self) -> None:
        self._known: OrderedDict[Meeting, Matched] = OrderedDict()

    def find(self, meeting: Meeting) -> Matched | None:
        """Return what was remembered."""
        found = self._known.get(meeting)
        if found is not None:
            self._known.move_to_end(meeting)
        return found

    def remember(self, meeting: Meeting, matched: Matched) -> None:
        """Keep it, within the bounds."""
        if len(matched.preferences) + len(matched.output) > MOST_BYTES:
            return
        self._known[meeting] = matched
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)


def meeting(safe: Safe, report: bytes) -> Meeting:
    """Name this state of a safe and this device, by the digest of its report."""
    return safe.id, safe.sealed[:_NONCE_END], report
