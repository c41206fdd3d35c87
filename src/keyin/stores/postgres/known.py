"""What was found or written last, each with the versions of what it is.

Nothing is believed for being here (P3): whoever takes it asks the database in the same request
whether the versions are still those, or writes only where they are. A row's version (`xmin`) is
never given again to the same row within four thousand million transactions. After a connection was
made anew all is forgotten: it may be another server.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.records import Digest, StoredGrant
    from keyin.settings.ports import KeyAndSafe
    from keyin.stores.postgres.connection import Server
    from keyin.stores.rows import Row

REMEMBERED: Final = 4096
MOST_BYTES: Final = 16 * 1024 * 1024
"""Of all safes in it."""


class KnownGrant(NamedTuple):
    """A grant, by its token's digest.

    Its state is the number that moves on with all that grants rest on (`grants_changed`), and the
    version of its safe.
    """

    grant: StoredGrant
    state: Row

    @property
    def size(self) -> int:
        """Bytes of its safe."""
        return len(self.grant.safe.sealed) if self.grant.safe else 0


class KnownSafe(NamedTuple):
    """A key and its safe, by the key's digest."""

    found: KeyAndSafe
    key_version: int
    safe_version: int

    @property
    def size(self) -> int:
        """Bytes of the safe."""
        return len(self.found.safe.sealed) if self.found.safe else 0


Kind = TypeVar("Kind", KnownGrant, KnownSafe)


class Known(Generic[Kind]):
    """The last so many; the one longest unused goes first."""

    def __init__(self, server: Server) -> None:
        self._known: OrderedDict[Digest, Kind] = OrderedDict()
        self._server = server
        self._moment = server.connections
        self.bytes = 0

    def __len__(self) -> int:
        """Say how many there are."""
        return len(self._known)

    @property
    def moment(self) -> int:
        """Say when this is: what is read or written now counts while this stays the same."""
        return self._server.connections

    def find(self, digests: Sequence[Digest]) -> Kind | None:
        """Return what is known by one of these."""
        self._keep_up()
        for digest in digests:
            if digest in self._known:
                self._known.move_to_end(digest)
                return self._known[digest]
        return None

    def remember(self, digest: Digest, known: Kind, moment: int) -> None:
        """Keep it within the bounds, unless it is from another moment."""
        self._keep_up()
        if moment != self._moment:
            return
        self.forget(digest)
        self.bytes += known.size
        self._known[digest] = known
        while len(self._known) > REMEMBERED or self.bytes > MOST_BYTES:
            self.forget(next(iter(self._known)))

    def forget(self, digest: Digest) -> None:
        """Keep it no longer."""
        known = self._known.pop(digest, None)
        if known is not None:
            self.bytes -= known.size

    def _keep_up(self) -> None:
        if self._moment != self._server.connections:
            self._known.clear()
            self._moment, self.bytes = self._server.connections, 0
