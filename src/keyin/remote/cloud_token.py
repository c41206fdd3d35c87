"""The cloud's authorization server as an installation sees it: keys become tokens, tokens end.

A grant is RFC 8693's token exchange with the GPII key as subject token; the installation proves
itself with a client assertion (`private_key_jwt`, RFC 7523), made for one request and for this
issuer only. The DPoP proof beside it comes from whoever will use the token, and is passed on as it
is. Grants are sent once.

Assertions are dated half a minute back: they live a minute, and a clock that is a little wrong in
either direction still makes good ones.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import msgspec

from keyin.domain.environment import Millis
from keyin.domain.errors import CloudUnreachable, InvalidDocument, Refused, msgid
from keyin.domain.secret import AccessToken
from keyin.remote.cloud_http import unreachable
from keyin.remote.cloud_metadata import CloudMetadata
from keyin.remote.cloud_refusals import out_of_order, skew_of, too_many
from keyin.wire import client_assertions
from keyin.wire.requester import ErrorCode, refusal
from keyin.wire.signing_key import read_private

if TYPE_CHECKING:
    from keyin.domain.environment import Clock, Entropy
    from keyin.domain.installation import InstallationCredential
    from keyin.domain.secret import GpiiKey, Pin
    from keyin.remote.cloud_http import CloudAnswer, CloudHttp

EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
KEY_TYPE: Final = "urn:gpii:params:oauth:token-type:gpii-key"
SCOPE: Final = "settings:read"
_MAX_ANSWER: Final = 16_384
_BACK_MS: Final = 30_000
_JTI_BYTES: Final = 16
_B64TOKEN: Final = re.compile("[A-Za-z0-9._~+/-]{1,4096}=*")  # RFC 6750 §2.1
_NONCE: Final = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,256}")  # RFC 9449 §8.1
_FORM: Final = "application/x-www-form-urlencoded"


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What the cloud gave."""

    token: AccessToken
    token_type: str
    expires_in: int
    """Seconds, counted from before the request was sent."""
    skew_seconds: int
    """This computer's clock minus the cloud's, 0 if they nearly agree."""


class _Success(msgspec.Struct, frozen=True):
    access_token: str
    token_type: str
    expires_in: int


class _Failure(msgspec.Struct, frozen=True):
    error: str = ""


class CloudTokens:
    """Turns keys into tokens with a credential, and ends tokens."""

    def __init__(self, http: CloudHttp, *, clock: Clock, entropy: Entropy) -> None:
        self._http = http
        self._clock = clock
        self._entropy = entropy
        self._metadata = CloudMetadata(http)

    async def grant(
        self,
        credential: InstallationCredential,
        key: GpiiKey,
        *,
        pin: Pin | None,
        proof: str,
        request_id: str,
    ) -> Grant:
        """Ask for a token that is bound to the key of the proof.

        Raises Refused (`key_refused`, `credential_revoked`, `rate_limited`, `clock_skew`,
        `use_dpop_nonce`) or CloudUnreachable.
        """
        endpoint = (await self._metadata.endpoints(request_id=request_id)).token
        form = {
            "grant_type": EXCHANGE,
            "subject_token": key.reveal(),
            "subject_token_type": KEY_TYPE,
            "resource": self._http.issuer,
            "scope": SCOPE,
            **({"pin": pin.reveal()} if pin else {}),
        }
        answer = await self._post(endpoint, form, credential, request_id, proof=proof)
        skew = skew_of(answer, self._clock.now())
        if answer.status == HTTPStatus.OK:
            return _granted(answer, skew)
        raise self._refused(answer, skew, endpoint)

    async def revoke(
        self, credential: InstallationCredential, token: AccessToken, *, request_id: str
    ) -> None:
        """End a token (RFC 7009).

        Raises CloudUnreachable where that may be tried again, Refused where this computer is not
        let, or (`rate_limited`) not yet. A cloud that names no revocation endpoint lets tokens end
        by themselves.
        """
        endpoint = (await self._metadata.endpoints(request_id=request_id)).revocation
        if endpoint is None:
            return
        form = {"token": token.reveal(), "token_type_hint": "access_token"}
        answer = await self._post(endpoint, form, credential, request_id)
        if answer.status in _REFUSALS:
            skew = skew_of(answer, self._clock.now())
            raise _skewed(skew) if skew else refusal(ErrorCode.CREDENTIAL_REVOKED)
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise too_many(answer)
        if answer.status != HTTPStatus.OK:
            raise out_of_order(answer)

    async def prove(self, credential: InstallationCredential, *, request_id: str) -> None:
        """Show the cloud the credential, and ask for nothing: an unknown token is ended.

        RFC 7009 §2.2 answers that with 200, once the client is known. Raises as `revoke`.
        """
        if (await self._metadata.endpoints(request_id=request_id)).revocation is None:
            raise unreachable(msgid("what it says of itself is not what it should be"))
        await self.revoke(credential, AccessToken("none"), request_id=request_id)

    async def _post(
        self,
        endpoint: str,
        form: dict[str, str],
        credential: InstallationCredential,
        request_id: str,
        *,
        proof: str | None = None,
    ) -> CloudAnswer:
        proven = {
            **form,
            "client_assertion_type": client_assertions.ASSERTION_TYPE,
            "client_assertion": self._assertion(credential),
        }
        headers = {"content-type": _FORM, "x-request-id": request_id}
        answer = await self._http.exchange(
            "POST",
            endpoint,
            headers=headers if proof is None else {**headers, "dpop": proof},
            content=_encoded(proven),
            limit=_MAX_ANSWER,
        )
        if answer.status in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}:
            self._metadata.forget()
        return answer

    def _assertion(self, credential: InstallationCredential) -> str:
        return client_assertions.make(
            read_private(credential.private_key.reveal().encode()),
            client_id=credential.client_id,
            issuer=self._http.issuer,
            jti=self._entropy.token_bytes(_JTI_BYTES).hex(),
            now=Millis(self._clock.now() - _BACK_MS),
        )

    def _refused(self, answer: CloudAnswer, skew: int, endpoint: str) -> Refused | CloudUnreachable:
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            return too_many(answer)
        if answer.status not in _REFUSALS:
            return out_of_order(answer)
        code, nonce = _error_code(answer), answer.headers.get("dpop-nonce", "")
        if code == "use_dpop_nonce" or (code == "invalid_dpop_proof" and nonce and not skew):
            return _other_proof(nonce, self._http.issuer + endpoint)
        return _skewed(skew) if skew else _meant(code)


_REFUSALS: Final = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
)
_NOT_SPOKEN: Final = frozenset(
    {"unsupported_grant_type", "invalid_scope", "invalid_target", "invalid_dpop_proof"}
)


def _encoded(form: dict[str, str]) -> bytes:
    try:
        return urlencode(form).encode()
    except UnicodeEncodeError:  # a lone surrogate is in no key; the error would quote it
        raise InvalidDocument("the key is not text") from None


def _granted(answer: CloudAnswer, skew: int) -> Grant:
    try:
        success = msgspec.json.decode(answer.body, type=_Success)
    except (msgspec.MsgspecError, RecursionError):
        raise unreachable(msgid("its answer is no token")) from None
    token = success.access_token
    if not _B64TOKEN.fullmatch(token) or success.token_type.lower() != "dpop":
        raise unreachable(msgid("its answer is no token"))
    return Grant(
        token=AccessToken(token),
        token_type="DPoP",  # noqa: S106 - a type, not a password
        expires_in=max(success.expires_in, 0),
        skew_seconds=skew,
    )


def _other_proof(nonce: str, endpoint: str) -> Refused | CloudUnreachable:
    if not _NONCE.fullmatch(nonce):
        return unreachable(msgid("what it says of itself is not what it should be"))
    return refusal(ErrorCode.USE_DPOP_NONCE, nonce=nonce, token_endpoint=endpoint)


def _skewed(seconds: int) -> Refused:
    return refusal(ErrorCode.CLOCK_SKEW, seconds=seconds)


def _meant(code: str) -> Refused | CloudUnreachable:
    """Translate an error code of RFC 6749 §5.2 and RFC 8693 §2.2.2."""
    if code in {"invalid_client", "unauthorized_client"}:
        return refusal(ErrorCode.CREDENTIAL_REVOKED)
    if code in _NOT_SPOKEN:
        return unreachable(msgid("it does not speak the protocol of this version"))
    return refusal(ErrorCode.KEY_REFUSED)


def _error_code(answer: CloudAnswer) -> str:
    try:
        return msgspec.json.decode(answer.body, type=_Failure).error
    except (msgspec.MsgspecError, RecursionError):
        return ""
