"""Which HTTP requests are heard at all: those that a program of the same person made itself.

A web page can make a browser send a GET to this computer; a name that an attacker owns can point
here; another account can connect. None of them may key anybody in or out (requirements: no
unauthenticated use from the web, loopback is no identity).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


def refusal(headers: Sequence[tuple[bytes, bytes]], *, hosts: Collection[str]) -> str | None:
    """Return why a request is not heard, or None. Names of headers are in lower case."""
    named = {name for name, _ in headers}
    if b"origin" in named:
        return "a request that a web page made is not heard"
    sites = [value.strip().lower() for name, value in headers if name == b"sec-fetch-site"]
    if any(site != b"none" for site in sites):
        return "a request that a web page made is not heard"
    host = [value.strip().lower().decode("latin-1") for name, value in headers if name == b"host"]
    if len(host) != 1 or host[0] not in hosts:
        return "the request is for another host"
    return None


def accepted_hosts(literal: str, port: int) -> frozenset[str]:
    """Return the values of `Host` that mean a listener: its literal, and `localhost`."""
    shown = f"[{literal}]" if ":" in literal else literal
    return frozenset({f"{shown}:{port}", f"localhost:{port}"})
