"""Where a server listens, bound once for all of its workers, and what else they have in common."""

from __future__ import annotations

import sys
from enum import Enum, auto
from typing import TYPE_CHECKING

import msgspec

from keyin.cloud.listeners import bind, parse_listener, url

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from keyin.cloud.config import CloudConfig
    from keyin.cloud.gate import Gate
    from keyin.cloud.listeners import Listener
    from keyin.cloud.shared_memory import SharedMemory


class Audience(Enum):
    """Whom a listener is for."""

    OPERATORS = auto()
    FLOW_MANAGERS = auto()
    """Who has the preferences server's secret."""
    PUBLIC = auto()


class Bound(msgspec.Struct, frozen=True):
    """One place where this server listens."""

    listener: Listener
    socket: socket.socket
    secure: bool
    audience: Audience


class Share(msgspec.Struct, frozen=True):
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
        bound.append(_bound(config.ops_listen, Audience.OPERATORS, tls=False))
    if config.preferences_listen:
        tls = not parse_listener(config.preferences_listen).local
        bound.append(_bound(config.preferences_listen, Audience.FLOW_MANAGERS, tls=tls))
    if not config.preferences_only:
        bound.append(_bound(config.listen, Audience.PUBLIC, tls=bool(config.tls_cert)))
    return bound


def _bound(place: str, audience: Audience, *, tls: bool) -> Bound:
    listener = parse_listener(place)
    return Bound(listener, bind(listener), tls, audience)


def announce(bound: Sequence[Bound]) -> None:
    """Say where this server listens, to whoever started it."""
    for one in bound:
        sys.stdout.write(f"listening on {url(one.listener, one.socket, secure=one.secure)}\n")
    sys.stdout.flush()
