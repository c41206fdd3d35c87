"""Addresses and their networks as text: for events, counts and people; see `networks`."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TYPE_CHECKING, Final

from keyin.domain.networks import IPV4_BITS, parse_address

if TYPE_CHECKING:
    from keyin.domain.networks import Address

UNKNOWN: Final = "unknown"
"""The network of who has no address."""
_V4_PREFIX: Final = 24
_V6_PREFIX: Final = 48


@lru_cache(maxsize=4096)
def address_text(address: Address | None) -> str | None:
    """Return an address as people write it (RFC 5952); IPv4 where it is a mapped one."""
    if address is None:
        return None
    plain = address.unmapped()
    return str(IPv4Address(plain.value) if plain.bits == IPV4_BITS else IPv6Address(plain.value))


@lru_cache(maxsize=4096)
def network_text(address: Address | None) -> str:
    """Return the network that an address is counted under: /24, or /48 of IPv6."""
    if address is None:
        return UNKNOWN
    plain = address.unmapped()
    if plain.bits == IPV4_BITS:
        return str(IPv4Network((plain.value, _V4_PREFIX), strict=False))
    return str(IPv6Network((plain.value, _V6_PREFIX), strict=False))


def same_network(device: str | None, person: str | None) -> bool | None:
    """Tell whether two addresses are of one network; None: not known."""
    one = parse_address(device) if device else None
    other = parse_address(person) if person else None
    if one is None or other is None:
        return None
    return network_text(one) == network_text(other)
