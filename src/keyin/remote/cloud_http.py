"""HTTPS to the cloud, as every local process does it: verified, bounded, nothing followed.

Certificates are checked against `--ca FILE`, else the system's; there is no switch that turns the
check off (P22). Plain HTTP is for loopback literals only. Proxies, netrc, authorities and
key logs named in the environment are ignored. Bodies are never logged, and nothing is sent twice.
"""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
import zlib
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

import httpx
import msgspec

from keyin.domain.environment import Millis
from keyin.domain.errors import CloudUnreachable, ConfigurationError, msgid
from keyin.remote.tls import tls_context

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_TIMEOUT: Final = httpx.Timeout(10.0, connect=5.0)
_WHOLE_EXCHANGE_SECONDS: Final = 20.0
_CONNECTIONS: Final = httpx.Limits(max_connections=16, max_keepalive_connections=4)
_GZIP: Final = 16 + zlib.MAX_WBITS  # zlib's word for: a gzip header, and no other
_NEXT_STEP: Final = "check the network and the cloud's address, then try again"

# OpenSSL's verify codes (x509_vfy.h) in plain words
_CERTIFICATE_FAULTS: Final = {
    9: msgid("its certificate is not valid yet; is this computer's clock right?"),
    10: msgid("its certificate has expired; or is this computer's clock wrong?"),
    18: msgid("its certificate is signed by nobody but itself"),
    19: msgid("its certificate comes from an authority that this computer does not trust"),
    20: msgid("its certificate comes from an authority that this computer does not trust"),
    21: msgid("its certificate comes from an authority that this computer does not trust"),
    23: msgid("its certificate was revoked"),
    62: msgid("its certificate is for another name"),
    64: msgid("its certificate is for another address"),
}


class CloudAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer of the cloud."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def date(self) -> Millis | None:
        """The cloud's clock (`Date`), if it said."""
        try:
            return Millis(int(parsedate_to_datetime(self.headers["date"]).timestamp() * 1000))
        except (KeyError, ValueError, OverflowError):
            return None

    @property
    def retry_after(self) -> int | None:
        """Seconds (`Retry-After` as a number), if it said."""
        text = self.headers.get("retry-after", "")
        return min(int(text), 86_400) if text.isascii() and text.isdigit() else None


def cloud_address(text: str) -> str:
    """Return the cloud's base URL without a slash at the end.

    Raises ConfigurationError unless it is https, or http to a loopback literal, and no more than
    scheme, host, port and path.
    """
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        url = httpx.URL()
    plain = not (url.userinfo or url.query or url.fragment) and url.host
    if plain and (url.scheme == "https" or (url.scheme == "http" and is_loopback(url.host))):
        return str(url).rstrip("/")
    raise ConfigurationError(
        "the cloud's address must be https://HOST (or http:// to 127.0.0.1 or [::1] for a test)",
        next_step="write the address as whoever runs the cloud gave it",
    )


def is_loopback(host: str) -> bool:
    """Tell whether this is a loopback literal; a name such as `localhost` is none."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_local(address: str) -> bool:
    """Tell whether an address that `cloud_address` returned is on this computer."""
    return is_loopback(httpx.URL(address).host)


class CloudHttp:
    """Keep-alive HTTP/1.1 connections to one cloud."""

    def __init__(
        self,
        cloud: str,
        *,
        ca: Path | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`transport` stands in for the network in a simulation. Raises ConfigurationError."""
        self.address = cloud_address(cloud)
        self.issuer = cloud.rstrip("/")
        """The address as it was written: what the cloud must call itself, byte by byte."""
        self._client = httpx.AsyncClient(
            verify=tls_context(ca),
            transport=transport,
            trust_env=False,
            follow_redirects=False,
            timeout=_TIMEOUT,
            limits=_CONNECTIONS,
            headers={
                "accept": "application/json",
                "accept-encoding": "identity",
                "user-agent": "keyin",
            },
        )

    async def exchange(  # noqa: PLR0913 - what a request is, by name
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        content: bytes | None = None,
        limit: int,
        packed: bool = False,
        at_root: bool = False,
    ) -> CloudAnswer:
        """Send one request, once; return the whole answer, whatever its status.

        `path` is appended to the cloud's address as it is, or, `at_root`, put before that
        address's own path (RFC 8414 §3.1). `limit` is in bytes of the answer, unpacked. With
        `packed` the cloud may send it in gzip. Raises CloudUnreachable.
        """
        url = self._at_root(path) if at_root else self.address + path
        if packed:
            headers = {**headers, "accept-encoding": "gzip"}
        try:
            async with (
                asyncio.timeout(_WHOLE_EXCHANGE_SECONDS),
                self._client.stream(method, url, headers=headers, content=content) as response,
            ):
                body = await _bounded(response, limit, packed=packed)
                return CloudAnswer(
                    status=response.status_code, headers=dict(response.headers), body=body
                )
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, TimeoutError, OSError) as exc:
            # without its cause: httpx's errors carry the request, and with it keys and secrets
            raise unreachable(_explain(exc)) from None

    def _at_root(self, path: str) -> str:
        own = httpx.URL(self.address).raw_path.decode().rstrip("/")
        return self.address.removesuffix(own) + path + own

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()


def unreachable(reason: str) -> CloudUnreachable:
    """Return the error for a cloud that did not answer as it should."""
    return CloudUnreachable(
        "the cloud cannot be reached: %(reason)s", next_step=_NEXT_STEP, reason=reason
    )


async def _bounded(response: httpx.Response, limit: int, *, packed: bool) -> bytes:
    encoding = response.headers.get("content-encoding", "identity")
    if encoding != "identity" and not (packed and encoding == "gzip"):
        raise unreachable(msgid("its answer is packed, which was not asked for"))
    # unpacked here, and not by httpx: it would make room for all that a chunk says it is
    unpacking = zlib.decompressobj(_GZIP) if encoding == "gzip" else None
    body = bytearray()
    try:
        async for chunk in response.aiter_raw():
            body += unpacking.decompress(chunk, limit + 1 - len(body)) if unpacking else chunk
            if len(body) > limit:
                raise unreachable(msgid("its answer is too long"))
    except zlib.error:
        raise unreachable(msgid("its answer is packed wrongly")) from None
    if unpacking and not unpacking.eof:
        raise unreachable(msgid("its answer is packed wrongly"))
    return bytes(body)


def _explain(error: BaseException) -> str:
    """Say in plain words what went wrong; never with a URL, which may hold a key."""
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return msgid("it did not answer in time")
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            fault = _CERTIFICATE_FAULTS.get(cause.verify_code)
            return fault or msgid("its certificate cannot be verified")
        if isinstance(cause, ssl.SSLError):
            return msgid("no secure connection could be agreed on (TLS)")
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.ConnectError):
        return msgid("no connection can be made; nobody answers there, or there is no network")
    return msgid("the connection broke, or what answers there does not speak HTTP")
