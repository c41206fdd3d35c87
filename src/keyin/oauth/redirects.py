"""Where an answer may be sent: only to an address that stands in the application's record.

Compared as text, from the first character to the last (RFC 9700 §4.1.3, OAuth 2.1 §2.3.1). One
thing is free: the port of a native application's loopback literal, since the system picks it when
the application runs (RFC 8252 §7.3). A native application may also have a private-use scheme that
is its maker's domain the other way round (§7.1). Nothing here searches with patterns, so no
address, however made, costs more than its length.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keyin.domain.applications import Application

LONGEST: Final = 2000
_LOOPBACK: Final = ("http://127.0.0.1", "http://[::1]")
_SECURE: Final = "https://"
_LONGEST_PORT: Final = 5
_HIGHEST_PORT: Final = 65535
_UNRESERVED: Final = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
)
_NEVER: Final = frozenset('"#<>\\^`{|}*')
"""Not in an address (RFC 3986 §2), a fragment, or a wildcard where none is known."""
_IN_SCHEMES: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


def may_be_registered(uri: str, *, native: bool) -> bool:
    """Tell whether an administrator may name this address: https, or what is a native's own."""
    if len(uri) > LONGEST or not all("!" <= letter <= "~" for letter in uri) or _NEVER & set(uri):
        return False
    if native and (_loopback(uri) is not None or _private_scheme(uri)):
        return True
    host, port, _ = _parts(uri.removeprefix(_SECURE))
    return (
        uri.startswith(_SECURE) and bool(host) and "@" not in host and (port is None or bool(port))
    )


def fits(uri: str, application: Application) -> bool:
    """Tell whether the answer may go to this address."""
    if len(uri) > LONGEST:
        return False
    if uri in application.redirect_uris:
        return True
    asked = _loopback(uri) if application.native else None
    return asked is not None and asked in {_loopback(known) for known in application.redirect_uris}


def host_of(uri: str) -> str:
    """Return the host of an address that fits, or its private-use scheme, to show to a person."""
    return _private_scheme(uri) or _parts(uri.partition("//")[2])[0]


def answer_at(uri: str, answer: Iterable[tuple[str, str | None]]) -> str:
    """Return the address with an answer in its query (RFC 6749 §4.1.2, Appendix B)."""
    query = "&".join(f"{name}={_escaped(value)}" for name, value in answer if value is not None)
    joint = "&" if "?" in uri else "?"
    return f"{uri}{joint}{query}"


def _loopback(uri: str) -> tuple[str, str] | None:
    """Return a loopback literal and all that follows its port; None for anything else."""
    for place in _LOOPBACK:
        if uri.startswith(place):
            host, port, tail = _parts(uri.removeprefix("http://"))
            known = f"http://{host}" == place
            return (place, tail) if known and port != "" else None
    return None


def _private_scheme(uri: str) -> str:
    """Return the scheme of `com.example.app:/back`: a domain, and no host (RFC 8252 §7.1, §8.4)."""
    scheme, _, path = uri.partition(":")
    words = scheme.split(".")
    proper = len(words) > 1 and all(word and set(word) <= _IN_SCHEMES for word in words)
    begins = scheme[:1].isalpha() and path[:1] == "/" and path[:2] != "//"
    return scheme if proper and begins else ""


def _parts(rest: str) -> tuple[str, str | None, str]:
    """Split what follows `//`: host, port (None: not said, "": no proper one), path and query."""
    end = min(place for place in (rest.find("/"), rest.find("?"), len(rest)) if place >= 0)
    authority, tail = rest[:end], rest[end:]
    bracket = authority.rfind("]")
    colon = authority.find(":", bracket + 1)
    if colon < 0:
        return authority, None, tail
    return authority[:colon], _port(authority[colon + 1 :]), tail


def _port(text: str) -> str:
    proper = text.isascii() and text.isdigit() and len(text) <= _LONGEST_PORT
    return text if proper and 0 < int(text) <= _HIGHEST_PORT else ""


def _escaped(text: str) -> str:
    octets = text.encode("utf-8", "replace")
    return "".join(chr(one) if one in _UNRESERVED else f"%{one:02X}" for one in octets)
