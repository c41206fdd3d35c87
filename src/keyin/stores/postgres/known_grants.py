"""Grants that were found, each with the state it was found in, for the next use of the same token.

A state is the versions (`xmin`) of all rows that the grant rests on, and what is no row of its own:
whether its site or software is stopped, the store's epoch, the number of the registries. Each use
asks the database for the state as it is now, and only where all of it is as it was is the grant
taken from here (P3). A version is never given again to the same row within four thousand million
transactions. After a connection was made anew all is forgotten: it may be another server.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.records import Digest, StoredGrant
    from keyin.stores.rows import Row

REMEMBERED: Final = 4096
MOST_BYTES: Final = 16 * 1024 * 1024
"""Of all safes that came with grants."""


class Known(NamedTuple):
    """A grant, and the state that it is for."""

    grant: StoredGrant
    state: Row


class KnownGrants:
    """The last so many; the one longest unused goes first."""

    def __init__(self) -> None:
        self._known: OrderedDict[Digest, Known] = OrderedDict()
        self._connections = 0
        self.bytes = 0

    def __len__(self) -> int:
        """Say how many there are."""
        return len(self._known)

    def find(self, digests: Sequence[Digest], connections: int) -> Known | None:
        """Return what is known of a token; `connections` says how many were made so far."""
        if connections != self._connections:
            self._known.clear()
            self._connections, self.bytes = connections, 0
        for digest in digests:
            if digest in self._known:
                self._known.move_to_end(digest)
                return self._known[digest]
        return None

    def remember(self, grant: StoredGrant, state: Row) -> None:
        """Keep a grant, within the bounds."""
        before = self._known.pop(grant.token.digest, None)
        self.bytes += _size(grant) - (_size(before.grant) if before else 0)
        self._known[grant.token.digest] = Known(grant, state)
        while len(self._known) > REMEMBERED or self.bytes > MOST_BYTES:
            _, longest_unused = self._known.popitem(last=False)
            self.bytes -= _size(longest_unused.grant)


def _size(grant: StoredGrant) -> int:
    return len(grant.safe.sealed) if grant.safe else 0
