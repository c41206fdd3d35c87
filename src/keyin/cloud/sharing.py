"""Where a server listens, bound once for all of its workers, and what else they have in common."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keyin.cloud.listeners import bind, parse_listener, url

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from keyin.cloud.config import CloudConfig
    from keyin.cloud.gate import Gate
    from keyin.cloud.listeners import Listener
    from keyin.cloud.shared_memory import SharedMemory


@dataclass(frozen=True, slots=True)
class Bound:
    """One place where this server listens."""

    listener: Listener
    socket: socket.socket
    secure: bool
    for_operators: bool


@dataclass(frozen=True, slots=True)
class Share:
    """What one of several processes has in common with the others; alone, nothing."""

    bound: Sequence[Bound] = ()
    number: int = 0
    shared: SharedMemory | None = None
    ready: Callable[[], None] | None = None
    """Called when this process listens; alone, it says so itself."""

    @property
    def first(self) -> bool:
        """Tell whether this process does what one process does for all."""
        return self.number == 0

    def gate(self) -> Gate | None:
        """Return the gate that all share."""
        return None if self.shared is None else self.shared.gate


def bind_all(config: CloudConfig) -> list[Bound]:
    """Bind every place; the public one is the last. Raises ConfigurationError."""
    bound = []
    if config.ops_listen:
        bound.append(_bound(config.ops_listen, secure=False, for_operators=True))
    bound.append(_bound(config.listen, secure=bool(config.tls_cert), for_operators=False))
    return bound


def _bound(place: str, *, secure: bool, for_operators: bool) -> Bound:
    listener = parse_listener(place)
    return Bound(listener, bind(listener), secure, for_operators)


def announce(bound: Sequence[Bound]) -> None:
    """Say where this server listens, to whoever started it."""
    for one in bound:
        sys.stdout.write(f"listening on {url(one.listener, one.socket, secure=one.secure)}\n")
    sys.stdout.flush()
