"""Internet addresses and the networks a credential is bound to; every rule written out.

Python's `ipaddress` is not used: it refuses host bits, integer and octal forms, and has mapping
rules of its own (cloud-wire §3.4 lists what stored policies rely on). Nothing here raises: what
cannot be parsed is no address, and no address is inside nothing.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.records import Unrestricted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

IPV4_BITS: Final = 32
IPV6_BITS: Final = 128
HOUSEHOLD_BITS: Final = 64
"""The end of an IPv6 address that its owner chooses freely (RFC 4291 §2.5.1)."""
_GROUPS: Final = 8
_MAPPED: Final = 0xFFFF << IPV4_BITS  # ::ffff:0:0/96 (RFC 4291 §2.5.5.2)
_PART: Final = re.compile(r"0x[0-9a-f]+|[0-9]+", re.IGNORECASE | re.ASCII)
_GROUP: Final = re.compile(r"[0-9a-f]{1,4}", re.IGNORECASE | re.ASCII)
_ZONE: Final = re.compile(r"[0-9a-z]+", re.IGNORECASE | re.ASCII)
_PREFIX: Final = re.compile(r"[0-9]{1,3}", re.ASCII)
_LONGEST: Final = 64  # characters; the longest form with a zone is shorter


class Address(msgspec.Struct, frozen=True):
    """An IPv4 (32 bits) or IPv6 (128 bits) address as a number."""

    bits: int
    value: int

    def unmapped(self) -> Address:
        """Return the IPv4 address inside `::ffff:a.b.c.d`, anything else as it is."""
        if self.bits == IPV6_BITS and self.value >> IPV4_BITS == _MAPPED >> IPV4_BITS:
            return Address(IPV4_BITS, self.value & 0xFFFF_FFFF)
        return self


def _number(text: str) -> int | None:
    """Read a decimal, octal (leading 0) or hexadecimal (leading 0x) number."""
    if not _PART.fullmatch(text):
        return None
    if text[:2] in ("0x", "0X"):
        return int(text, 16)
    if text[0] == "0" and len(text) > 1:
        return int(text, 8) if text.isdigit() and not set(text) & {"8", "9"} else None
    return int(text)


def _ipv4(text: str) -> int | None:
    """Four parts of a byte each, or one number; `10.1` is neither."""
    parts = [_number(part) for part in text.split(".")]
    if len(parts) == 1:
        whole = parts[0]
        return whole if whole is not None and whole < 1 << IPV4_BITS else None
    if len(parts) != 4:  # noqa: PLR2004 - an IPv4 address has four parts
        return None
    value = 0
    for part in parts:
        if part is None or part > 0xFF:  # noqa: PLR2004 - a byte
            return None
        value = value << 8 | part
    return value


def _groups(text: str) -> list[int] | None:
    """Read the colon-separated groups of one side of `::`; a dotted tail counts as two."""
    if not text:
        return []
    groups: list[int] = []
    parts = text.split(":")
    for place, part in enumerate(parts):
        if "." in part and place == len(parts) - 1:
            tail = _ipv4(part)
            if tail is None:
                return None
            groups += [tail >> 16, tail & 0xFFFF]
        elif _GROUP.fullmatch(part):
            groups.append(int(part, 16))
        else:
            return None
    return groups


def _ipv6(text: str) -> int | None:
    text, percent, zone = text.partition("%")
    if percent and not _ZONE.fullmatch(zone):
        return None
    head, gap, tail = text.partition("::")
    left, right = _groups(head), _groups(tail)
    if left is None or right is None or (gap and "." in head):
        return None
    missing = _GROUPS - len(left) - len(right)
    if (missing < 1) if gap else (missing != 0):
        return None
    value = 0
    for group in [*left, *[0] * missing, *right]:
        value = value << 16 | group
    return value


@lru_cache(maxsize=4096)
def parse_address(text: str) -> Address | None:
    """Read one address in any form that stored policies use; None where it is none."""
    if len(text) > _LONGEST:
        return None
    if ":" in text:
        value = _ipv6(text)
        return None if value is None else Address(IPV6_BITS, value)
    value = _ipv4(text)
    return None if value is None else Address(IPV4_BITS, value)


class Network(msgspec.Struct, frozen=True):
    """The addresses that share the leading `prefix` bits of `start`."""

    start: Address
    prefix: int

    def __contains__(self, address: Address) -> bool:
        """Tell whether the address is inside; the families never mix."""
        shift = self.start.bits - self.prefix
        return (
            address.bits == self.start.bits and address.value >> shift == self.start.value >> shift
        )


def parse_network(entry: str) -> Network | None:
    """Read `address/prefix` or a single address; host bits are ignored; None where it is none."""
    text, slash, length = entry.partition("/")
    start = parse_address(text)
    if start is None:
        return None
    if not slash:
        return Network(start, start.bits)
    if not _PREFIX.fullmatch(length) or int(length) > start.bits:
        return None
    return Network(start, int(length))


@lru_cache(maxsize=4096)
def _networks(entries: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(network for entry in entries if (network := parse_network(entry)))


def inside(address: Address | None, entries: tuple[str, ...]) -> bool:
    """Tell whether any entry holds the address, reduced to IPv4 where it is a mapped one."""
    if address is None:
        return False
    reduced = address.unmapped()
    return any(reduced in network for network in _networks(entries))


def allowed(address: Address | None, networks: tuple[str, ...] | Unrestricted) -> bool:
    """Apply a credential's policy: an empty list lets nobody pass (cloud-wire §3.4)."""
    return isinstance(networks, Unrestricted) or inside(address, networks)


@lru_cache(maxsize=4096)
def household(address: Address) -> Address:
    """Return what one owner has: an IPv4 address, or the /64 of an IPv6 one (RFC 6177)."""
    plain = address.unmapped()
    if plain.bits == IPV4_BITS:
        return plain
    return Address(IPV6_BITS, plain.value >> HOUSEHOLD_BITS << HOUSEHOLD_BITS)


def malformed(entries: Iterable[str]) -> list[str]:
    """Name the entries that can never match; they are refused where a policy is written (P25)."""
    return [entry for entry in entries if parse_network(entry) is None]


def client_address(
    peer: Address | None, hops: Sequence[str] | None, proxies: tuple[str, ...]
) -> Address | None:
    """Return who really asks: the peer, or the right-most hop that is no declared proxy (P24).

    `hops`: what a declared proxy's headers say, oldest first; None where nobody may be believed.
    A hop that cannot be parsed ends in None: no address, which no restricted credential accepts.
    So does a chain in which the peer names itself: one proxy cannot stand twice in a chain, so
    somebody else wrote that list.
    """
    if hops is None:
        return peer
    own = peer.unmapped() if peer else None
    address: Address | None = None
    for hop in reversed(hops):
        address = parse_address(hop)
        if address is None or (len(hops) > 1 and address.unmapped() == own):
            return None
        if not inside(address, proxies):
            break
    return address
