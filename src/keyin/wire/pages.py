"""A page and the request for it: what passes between the server and the pages, both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.domain.environment import Millis
    from keyin.domain.networks import Address

Header = tuple[bytes, bytes]


class PageRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a browser sent, within the server's limits."""

    method: str
    path: str
    query: Mapping[str, str] | None
    """None: a parameter came twice, or is no text (P99)."""
    form: Mapping[str, str] | None
    """None: there is no form, or as above."""
    cookies: Mapping[str, str]
    fetch_site: str | None
    """`Sec-Fetch-Site`."""
    origin: str | None
    languages: str
    """`Accept-Language`."""
    address: Address | None
    now: Millis
    request_id: str
    named: Mapping[str, str] = msgspec.field(default_factory=dict)
    """What stands in the place of each `{name}` of the path, decoded."""

    def __repr__(self) -> str:
        return f"PageRequest(request_id={self.request_id!r})"


class Page(msgspec.Struct, frozen=True, kw_only=True):
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
