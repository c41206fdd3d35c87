"""Who asks, over what, and whether they may ask at all: before any route is looked at.

Only declared proxies are believed (P24), plain HTTP from elsewhere than this computer or them gets
nothing (P20), and a host name that is not ours gets the answer of a stranger (P26).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec

from keyin.cloud.errors import MISDIRECTED, NOT_FOUND
from keyin.domain.networks import Address, client_address, inside, parse_address

if TYPE_CHECKING:
    from keyin.cloud.answers import Answer
    from keyin.cloud.request import Request
    from keyin.domain.environment import Millis

NOBODY: Final = "?"
"""A hop that names no address: it parses as none."""

_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:]*)(?::[0-9]{1,5})?", re.ASCII)
_WITH_PORT: Final = re.compile(r"\[(?P<six>[^\]]+)\](?::\w+)?|(?P<four>[0-9.]+)(?::\w+)?", re.ASCII)


class Pilot(msgspec.Struct, frozen=True, kw_only=True):
    """Only these networks see anything, until the date; after it the standard profile holds."""

    networks: tuple[str, ...]
    until: Millis


class Visitor(msgspec.Struct, frozen=True):
    """Somebody who may go on to the routes; `address` None: unknown, inside no network."""

    address: Address | None


class Edge(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator declared about the way in."""

    proxies: tuple[str, ...] = ()
    unix_proxy: bool = False
    """A caller on the Unix socket is a declared proxy."""
    only_proxies: bool = False
    """Plain HTTP beyond this computer: only declared proxies get an answer."""
    secure: bool = False
    """The issuer is https: what a proxy got in plain HTTP is refused."""
    hosts: frozenset[str] | None = None
    """Host names that are ours; None: no issuer was named, so every name is."""
    pilot: Pilot | None = None

    def admit(self, request: Request, now: Millis) -> Visitor | Answer:
        """Let somebody on, or turn them away with a constant answer."""
        believed = self._believed(request)
        if self.only_proxies and not believed:
            return NOT_FOUND
        if not self._host_is_ours(request):
            return MISDIRECTED
        if believed and self.secure and _came_in_plain(request):
            return MISDIRECTED
        hops = forwarded_hops(request) if believed else None
        address = client_address(request.peer, hops, self.proxies)
        if self.pilot and now < self.pilot.until and not inside(address, self.pilot.networks):
            return NOT_FOUND
        return Visitor(address)

    def _believed(self, request: Request) -> bool:
        if request.via_unix_socket:
            return self.unix_proxy
        return bool(self.proxies) and inside(request.peer, self.proxies)

    def _host_is_ours(self, request: Request) -> bool:
        if self.hosts is None:
            return True
        given = request.header(b"host")
        if given is None:  # HTTP/1.0; the protocol lets no two through
            return not request.headers(b"host")
        name, is_address = _named(given)
        return is_address or name in self.hosts


@lru_cache(maxsize=256)
def _named(host: bytes) -> tuple[str, bool]:
    """Return the name in a Host header, and whether it is an address."""
    found = _HOST.fullmatch(host.decode("latin-1").lower())
    name = found[1] if found else NOBODY
    return name, parse_address(name.strip("[]")) is not None


def forwarded_hops(request: Request) -> list[str] | None:
    """Return the hops of `X-Forwarded-For` or `Forwarded` (RFC 7239), oldest first.

    Where both speak they must agree: a proxy that writes the one may let the other through.
    """
    listed = b",".join(request.headers(b"x-forwarded-for")).decode("latin-1")
    elements = b",".join(request.headers(b"forwarded")).decode("latin-1")
    plain = [hop.strip() for hop in listed.split(",")] if listed.strip() else None
    standard = [_for(element) for element in elements.split(",")] if elements.strip() else None
    if plain is not None and standard is not None and plain != standard:
        return [NOBODY]
    return plain if plain is not None else standard


def _for(element: str) -> str:
    """Return the address of one `Forwarded` element's `for`, without brackets and port."""
    for pair in element.split(";"):
        name, _, value = pair.partition("=")
        if name.strip().lower() == "for":
            found = _WITH_PORT.fullmatch(value.strip().strip('"'))
            return (found["six"] or found["four"]) if found else NOBODY
    return NOBODY


def _came_in_plain(request: Request) -> bool:
    given = b",".join(request.headers(b"x-forwarded-proto"))
    return bool(given) and given.split(b",")[-1].strip().lower() != b"https"
