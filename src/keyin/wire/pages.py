"""A page and the request for it: what passes between the server and the pages, both ways."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.domain.environment import Millis
    from keyin.domain.networks import Address

Header = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """What a browser sent, within the server's limits."""

    method: str
    path: str
    query: Mapping[str, str] | None = field(repr=False)
    """None: a parameter came twice, or is no text (P99)."""
    form: Mapping[str, str] | None = field(repr=False)
    """None: there is no form, or as above."""
    cookies: Mapping[str, str] = field(repr=False)
    fetch_site: str | None
    """`Sec-Fetch-Site`."""
    origin: str | None
    languages: str
    """`Accept-Language`."""
    address: Address | None
    now: Millis
    request_id: str
    named: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What stands in the place of each `{name}` of the path, decoded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What goes back, whole."""

    status: int
    headers: tuple[Header, ...]
    body: bytes
    reason: str | None = None
    """For the log only."""


class Pages(Protocol):
    """Whoever makes pages."""

    async def answer(self, request: PageRequest) -> Page:
        """Answer a request for one of the pages' paths. Raises StoreUnavailable."""
        ...

    def failed(self, request: PageRequest, status: int) -> Page:
        """Say in a page that the request could not be answered."""
        ...
