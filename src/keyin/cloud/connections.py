"""How many connections one address may hold, so that no machine uses up all that there are (P82).

Where an address has its share, a new connection takes the place of the oldest that waits for its
client. So who opens thousands and says little shuts nobody out, not even the others behind the same
address (P43). Declared proxies and Unix sockets bring everybody, and are not counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from keyin.domain.networks import Address, household, inside, parse_address

if TYPE_CHECKING:
    from keyin.cloud.metrics import Metrics


class Connection(Protocol):
    """One of those that are counted."""

    @property
    def waits(self) -> bool:
        """Tell whether it is the client's turn: to ask, to go on, or to read."""
        ...

    def drop(self) -> None:
        """End at once; `leave` follows."""
        ...


class Connections:
    """The connections of one listener, by address."""

    def __init__(self, *, most: int, proxies: tuple[str, ...], metrics: Metrics) -> None:
        self._most = most
        self._proxies = proxies
        self._metrics = metrics
        self._held: dict[Address, dict[Connection, None]] = {}

    def enter(self, one: Connection, peer: str) -> bool:
        """Count a connection; False: requests of that address have taken all, and this must go."""
        whose = self._whose(peer)
        if whose is None:
            return True
        held = self._held.setdefault(whose, {})
        oldest = None
        if len(held) >= self._most:
            self._metrics.note("limited", "connections")
            oldest = next((other for other in held if other.waits), None)
            if oldest is None:
                return False
            del held[oldest]
        held[one] = None
        if oldest is not None:
            oldest.drop()
        return True

    def leave(self, one: Connection, peer: str) -> None:
        """Count it no more. May be repeated."""
        whose = self._whose(peer)
        if whose is None:
            return
        held = self._held.get(whose, {})
        held.pop(one, None)
        if not held:
            self._held.pop(whose, None)

    def _whose(self, peer: str) -> Address | None:
        address = parse_address(peer)
        return None if address is None or inside(address, self._proxies) else household(address)
