"""A value that must not be seen: it refuses to print, format, pickle or compare by accident."""

from __future__ import annotations

import hmac
from typing import Never, Self


class Secret:
    """Text that only `reveal()` shows.

    `str()`, f-strings, `%s`, pickling and copying to another process raise `TypeError`;
    `repr()` is a fixed word, since debuggers and test reports call it unasked.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the text. Every call is a place to look at in a review."""
        return self._value

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __str__(self) -> Never:
        raise TypeError(
            f"a {type(self).__name__} does not print; call reveal() where it must leave"
        )

    def __format__(self, spec: str) -> Never:
        raise TypeError(f"a {type(self).__name__} does not format")

    def __reduce_ex__(self, protocol: object) -> Never:
        raise TypeError(f"a {type(self).__name__} does not pickle")

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return equal(self._value, other._value)

    __hash__ = None  # type: ignore[assignment]  # a secret in a dict would be compared in parts

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self


class GpiiKey(Secret):
    """What a person carries: it opens their preferences, so it is a bearer credential."""


class Pin(Secret):
    """What some people type beside their key: a key that has one opens with it alone."""


class AccessToken(Secret):
    """An opaque reference to a grant (RFC 6749 §1.4)."""


class ClientSecret(Secret):
    """What a legacy or a web client proves itself with at the token endpoint."""


class PrivateKey(Secret):
    """What an installation proves itself with: the private half of its key pair, as JWK text."""


def equal(left: str, right: str) -> bool:
    """Compare in constant time; the one place where secrets and MACs are compared (P18)."""
    return hmac.compare_digest(
        left.encode("utf-8", "surrogatepass"), right.encode("utf-8", "surrogatepass")
    )
