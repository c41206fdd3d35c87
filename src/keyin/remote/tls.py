"""How a local process reaches the cloud: TLS that fails closed, or plain HTTP to this computer.

There is no switch that turns checking off: a bad chain, name or date is a failed connection.
"""

from __future__ import annotations

import ipaddress
import ssl
from typing import TYPE_CHECKING, Final

import httpx

from keyin.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 20.0


def check_cloud_url(url: str) -> str:
    """Return the URL without a trailing slash. Raises ConfigurationError.

    `https://...`, or `http://` with a loopback literal; no user, query or fragment.
    """
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as exc:
        raise _bad_url(url) from exc
    plain = parsed.scheme == "http" and _is_loopback_literal(parsed.host)
    if not (plain or (parsed.scheme == "https" and parsed.host)):
        raise _bad_url(url)
    if parsed.userinfo or parsed.query or parsed.fragment:
        raise _bad_url(url)
    return url.rstrip("/")


def client_context(ca: Path | None) -> ssl.SSLContext:
    """Return a context that checks chain, name and date; `ca` (PEM) replaces the system's roots.

    Raises ConfigurationError where the file is no certificate.
    """
    try:
        context = ssl.create_default_context(cafile=str(ca) if ca else None)
    except (OSError, ssl.SSLError) as exc:
        raise ConfigurationError(
            "the certificate file %(path)s cannot be used",
            next_step="give a PEM file with the certificate authority that signed the cloud's",
            path=str(ca),
        ) from exc
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def cloud_client(ca: Path | None) -> httpx.AsyncClient:
    """Return a client for the cloud: no proxies from the environment, no redirects, bounded."""
    return httpx.AsyncClient(
        verify=client_context(ca),
        timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
        trust_env=False,
        follow_redirects=False,
    )


def _is_loopback_literal(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _bad_url(url: str) -> ConfigurationError:
    return ConfigurationError(
        "%(url)s is no address of a cloud",
        next_step="give https://HOST[:PORT], or http:// with 127.0.0.1 or [::1]",
        url=url.partition("?")[0] if "@" not in url else "the address given",
    )
