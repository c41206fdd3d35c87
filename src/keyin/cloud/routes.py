"""The table of routes: every way in, and what it asks of who comes (P1 reads this table)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from keyin.cloud.request import captured

if TYPE_CHECKING:
    from collections.abc import Iterable

KIB: Final = 1024


class Access(Enum):
    """What a route asks of who comes."""

    PUBLIC = auto()
    CLIENT = auto()
    """A client's own credential, in the body."""
    BEARER = auto()
    """A token for the key in the path."""
    OPERATOR = auto()
    """Only on the operators' listener."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A template such as `/{key}/settings/{device}` under one method."""

    method: str
    template: str
    access: Access
    body_limit: int = 0
    """Bytes; no body is read where it is 0."""


TOKEN: Final = Route(
    method="POST", template="/access_token", access=Access.CLIENT, body_limit=64 * KIB
)
TOKEN_OPTIONS: Final = Route(method="OPTIONS", template="/access_token", access=Access.PUBLIC)
QUERY: Final = Route(method="GET", template="/{key}/settings/{device}", access=Access.BEARER)
SAVE: Final = Route(
    method="PUT", template="/{key}/settings", access=Access.BEARER, body_limit=KIB * KIB
)
HEALTH: Final = Route(method="GET", template="/health", access=Access.PUBLIC)
READY: Final = Route(method="GET", template="/ready", access=Access.PUBLIC)
REVISION: Final = Route(method="GET", template="/revision", access=Access.OPERATOR)
METRICS: Final = Route(method="GET", template="/metrics", access=Access.OPERATOR)

PUBLIC: Final = (TOKEN, TOKEN_OPTIONS, QUERY, SAVE, HEALTH, READY)
OPERATORS: Final = (HEALTH, READY, REVISION, METRICS)


class BadEscape(Exception):  # noqa: N818 - names the thing
    """What a route captured is not percent-encoded UTF-8."""


class RouteTable:
    """Finds a route: literals in any case, captured values as they are (cloud-wire §2.2)."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._by_shape: dict[tuple[str, int], list[tuple[Route, tuple[bytes | None, ...]]]] = {}
        for route in routes:
            parts = tuple(
                None if part.startswith("{") else part.encode()
                for part in route.template.split("/")[1:]
            )
            self._by_shape.setdefault((route.method, len(parts)), []).append((route, parts))

    def find(self, method: str, segments: list[bytes]) -> tuple[Route, list[str]] | None:
        """Return the route and what it captured. Raises BadEscape."""
        for route, parts in self._by_shape.get((method, len(segments)), ()):
            if _fits(parts, segments):
                return route, _captured(parts, segments)
        return None


def _fits(parts: tuple[bytes | None, ...], segments: list[bytes]) -> bool:
    return all(
        bool(segment) if part is None else part == segment.lower()
        for part, segment in zip(parts, segments, strict=True)
    )


def _captured(parts: tuple[bytes | None, ...], segments: list[bytes]) -> list[str]:
    values = []
    for part, segment in zip(parts, segments, strict=True):
        if part is None:
            value = captured(segment)
            if value is None:
                raise BadEscape
            values.append(value)
    return values
