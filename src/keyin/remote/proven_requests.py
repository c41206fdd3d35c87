"""Requests that prove which key they are about (DPoP, RFC 9449), to one cloud.

Where the cloud wants its nonce in the proof, a request is sent once more; otherwise nothing is sent
twice. What is a secret is never logged and in no address.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import msgspec

from keyin.domain.environment import Millis
from keyin.domain.secret import AccessToken
from keyin.remote.cloud_refusals import refused, skew_of
from keyin.wire import dpop_proofs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keyin.domain.environment import Clock, Entropy
    from keyin.domain.secret import Secret
    from keyin.remote.cloud_http import CloudAnswer, CloudHttp
    from keyin.wire.signing_key import SigningKey

MAX_ANSWER: Final = 65_536
_BACK_MS: Final = 30_000
"""Proofs count for a minute: dated half of it back, a clock that is a little off does no harm."""
_NONCE: Final = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,256}")  # RFC 9449 §8.1
_FORM: Final = "application/x-www-form-urlencoded"
_OK: Final = frozenset({HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT})


class Presented(msgspec.Struct, frozen=True):
    """What a registration is asked for with: a token, and how it is shown."""

    token: Secret
    scheme: str = "DPoP"
    """`Bearer` for a token that was made before this computer's key."""


class ProvenRequests:
    """Remembers the cloud's newest nonce."""

    def __init__(
        self, http: CloudHttp, *, clock: Clock, entropy: Entropy, moved: Callable[[], None]
    ) -> None:
        """Call `moved` when nothing is where it was asked for."""
        self._http = http
        self._clock = clock
        self._entropy = entropy
        self._moved = moved
        self._nonce: str | None = None

    async def form(self, key: SigningKey, place: str, form: Mapping[str, str]) -> CloudAnswer:
        """Post a form. Raises Refused, CloudUnreachable."""
        return await self._proven(
            key, "POST", place, {"content-type": _FORM}, urlencode(form).encode()
        )

    async def json(
        self,
        key: SigningKey,
        method: str,
        place: str,
        presented: Presented,
        content: bytes | None = None,
    ) -> CloudAnswer:
        """Send JSON, or nothing, with a token. Raises Refused, CloudUnreachable."""
        token = presented.token.reveal()
        headers = {"authorization": f"{presented.scheme} {token}"}
        if content is not None:
            headers["content-type"] = "application/json"
        return await self._proven(key, method, place, headers, content, AccessToken(token))

    async def _proven(
        self,
        key: SigningKey,
        method: str,
        place: str,
        headers: Mapping[str, str],
        content: bytes | None,
        token: AccessToken | None = None,
    ) -> CloudAnswer:
        """Send with a proof; again, once, where the cloud wants another nonce in it."""
        known = self._nonce
        answer = await self._sent(key, method, place, headers, content, token)
        if answer.status not in _OK and _wants_nonce(answer) and self._nonce != known:
            answer = await self._sent(key, method, place, headers, content, token)
        if answer.status in _OK:
            return answer
        if answer.status in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}:
            self._moved()
        raise refused(answer, skew_of(answer, self._clock.now()))

    async def _sent(
        self,
        key: SigningKey,
        method: str,
        place: str,
        headers: Mapping[str, str],
        content: bytes | None,
        token: AccessToken | None,
    ) -> CloudAnswer:
        proof = self.proof(key, method, place, token)
        answer = await self._http.exchange(
            method,
            place,
            headers={**headers, "dpop": proof, "x-request-id": self._request_id()},
            content=content,
            limit=MAX_ANSWER,
        )
        self._nonce = _nonce(answer) or self._nonce
        return answer

    def proof(self, key: SigningKey, method: str, place: str, token: AccessToken | None) -> str:
        """Return a proof by a key for one request, with the newest nonce that is known."""
        return dpop_proofs.make(
            key,
            method=method,
            url=self._http.issuer + place,
            jti=self._request_id(),
            now=Millis(self._clock.now() - _BACK_MS),
            token=token,
            nonce=self._nonce,
        )

    def _request_id(self) -> str:
        return self._entropy.token_bytes(16).hex()


def _wants_nonce(answer: CloudAnswer) -> bool:
    told = answer.headers.get("www-authenticate", "").encode("utf-8", "replace") + answer.body
    return b"use_dpop_nonce" in told


def _nonce(answer: CloudAnswer) -> str | None:
    nonce = answer.headers.get("dpop-nonce", "")
    return nonce if _NONCE.fullmatch(nonce) else None
