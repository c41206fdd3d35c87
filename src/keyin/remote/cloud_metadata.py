"""What the cloud says of its authorization server (RFC 8414): looked at once, believed a little.

It must call itself exactly as this computer's configuration calls it, byte by byte (RFC 8414 §3.3);
and its endpoints count only where they lie below that name, so that no answer can send a person's
key to another place (P67).
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.errors import msgid
from keyin.remote.cloud_http import unreachable

if TYPE_CHECKING:
    from keyin.domain.errors import CloudUnreachable
    from keyin.remote.cloud_http import CloudHttp

_WELL_KNOWN: Final = "/.well-known/oauth-authorization-server"
_MAX_ANSWER: Final = 65_536
_PATH: Final = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")
"""Plain segments: none that is empty or begins with a dot, nothing to decode."""


class _Document(msgspec.Struct, frozen=True):
    issuer: str
    token_endpoint: str
    revocation_endpoint: str | None = None
    authorization_endpoint: str | None = None
    pushed_authorization_request_endpoint: str | None = None
    device_authorization_endpoint: str | None = None
    registration_endpoint: str | None = None
    jwks_uri: str | None = None


class Endpoints(msgspec.Struct, frozen=True, kw_only=True):
    """Paths below the issuer; None: it has none, or none there."""

    token: str
    revocation: str | None
    authorization: str | None = None
    pushed: str | None = None
    device: str | None = None
    registration: str | None = None
    keys: str | None = None


class CloudMetadata:
    """Asks at the first need, and remembers until told that it was wrong."""

    def __init__(self, http: CloudHttp) -> None:
        self._http = http
        self._known: Endpoints | None = None

    async def endpoints(self, *, request_id: str) -> Endpoints:
        """Return where to ask. Raises CloudUnreachable where the cloud is not the one meant."""
        if self._known is None:
            self._known = await self._asked(request_id)
        return self._known

    def forget(self) -> None:
        """Ask again the next time: an endpoint was not where it should be."""
        self._known = None

    async def _asked(self, request_id: str) -> Endpoints:
        answer = await self._http.exchange(
            "GET",
            _WELL_KNOWN,
            headers={"x-request-id": request_id},
            limit=_MAX_ANSWER,
            at_root=True,
        )
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise unreachable(msgid("it is out of order"))
        if answer.status != HTTPStatus.OK:
            raise unreachable(msgid("what answers at its address is no cloud with an --issuer"))
        try:
            document = msgspec.json.decode(answer.body, type=_Document)
        except (msgspec.MsgspecError, RecursionError):
            raise _strange() from None
        if document.issuer != self._http.issuer:
            raise unreachable(
                msgid("it calls itself otherwise: its --issuer is not this computer's `cloud`")
            )
        token = self._below(document.token_endpoint)
        if token is None:
            raise _strange()
        return Endpoints(
            token=token,
            revocation=self._below(document.revocation_endpoint),
            authorization=self._below(document.authorization_endpoint),
            pushed=self._below(document.pushed_authorization_request_endpoint),
            device=self._below(document.device_authorization_endpoint),
            registration=self._below(document.registration_endpoint),
            keys=self._below(document.jwks_uri),
        )

    def _below(self, endpoint: str | None) -> str | None:
        return None if endpoint is None else path_below(self._http.issuer, endpoint)


def path_below(issuer: str, address: str) -> str | None:
    """Return an address's path below the issuer; None where it is not a plain one there."""
    path = address.removeprefix(issuer)
    return path if path != address and _PATH.fullmatch(path) else None


def _strange() -> CloudUnreachable:
    return unreachable(msgid("what it says of itself is not what it should be"))
