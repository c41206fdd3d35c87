"""The cloud's token endpoint as an installation's credential sees it: `POST /access_token`.

The request is the original client's JSON body. The route answers 401 `server_error` alike for a
wrong credential, an unknown key and a foreign network; but it authenticates the client before it
looks at the grant type, so that a second request with a grant type that nobody has tells them
apart: 501 means that the credential is good. That question is asked at most once a minute, and
never instead of a grant. Grants themselves are sent once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.errors import CloudUnreachable, InvalidDocument, msgid
from keyin.domain.secret import AccessToken
from keyin.remote.cloud_http import unreachable
from keyin.wire.requester import ErrorCode, refusal

if TYPE_CHECKING:
    from keyin.domain.environment import Clock
    from keyin.domain.installation import InstallationCredential
    from keyin.domain.secret import GpiiKey
    from keyin.remote.cloud_http import CloudAnswer, CloudHttp

_MAX_ANSWER: Final = 16_384
_MAX_SKEW_MS: Final = 5 * 60 * 1000
_PROBE_GRANT: Final = "urn:keyin:none"
_PROBE_EVERY_SECONDS: Final = 60.0
_B64TOKEN: Final = re.compile("[A-Za-z0-9._~+/-]{1,4096}=*")  # RFC 6750 §2.1
_DEFAULT_RETRY: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What the cloud gave."""

    token: AccessToken
    token_type: str
    expires_in: int
    """Seconds, counted from before the request was sent."""
    skew_seconds: int
    """This computer's clock minus the cloud's, 0 if within five minutes."""


class _Success(msgspec.Struct, frozen=True):
    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - a type, not a password
    expires_in: int | None = None
    expiresIn: int | None = None  # noqa: N815 - the original's name on the wire


class _Failure(msgspec.Struct, frozen=True):
    error: str = ""


class CloudTokens:
    """Turns keys into tokens with a credential."""

    def __init__(self, http: CloudHttp, *, clock: Clock) -> None:
        self._http = http
        self._clock = clock
        self._probed: tuple[float, InstallationCredential, bool] | None = None

    async def grant(
        self, credential: InstallationCredential, key: GpiiKey, *, request_id: str
    ) -> Grant:
        """Ask for a token.

        Raises Refused (`key_refused`, `credential_revoked`, `rate_limited`, `clock_skew`) or
        CloudUnreachable.
        """
        answer = await self._post(credential, "password", key.reveal(), request_id)
        skew = self._skew(answer)
        if answer.status == HTTPStatus.OK:
            return _granted(answer, skew)
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise refusal(ErrorCode.RATE_LIMITED, retry_after=answer.retry_after or _DEFAULT_RETRY)
        if answer.status not in _REFUSALS:
            raise _out_of_order(answer)
        if skew:
            raise refusal(ErrorCode.CLOCK_SKEW, seconds=skew)
        raise refusal(await self._reason(answer, credential, request_id))

    async def _reason(
        self, answer: CloudAnswer, credential: InstallationCredential, request_id: str
    ) -> ErrorCode:
        code = _error_code(answer)
        if code in {"invalid_client", "unauthorized_client"}:
            return ErrorCode.CREDENTIAL_REVOKED
        if answer.status != HTTPStatus.UNAUTHORIZED or code == "invalid_grant":
            return ErrorCode.KEY_REFUSED
        if await self._credential_works(credential, request_id):
            return ErrorCode.KEY_REFUSED
        return ErrorCode.CREDENTIAL_REVOKED

    async def _credential_works(self, credential: InstallationCredential, request_id: str) -> bool:
        """Ask with an impossible grant type; in doubt, yes: the key is the likelier cause."""
        now = self._clock.monotonic()
        if self._probed and self._probed[1] == credential:
            since, _, works = self._probed
            if now - since < _PROBE_EVERY_SECONDS:
                return works
        try:
            answer = await self._post(credential, _PROBE_GRANT, "-", request_id)
        except CloudUnreachable:
            return True
        works = answer.status != HTTPStatus.UNAUTHORIZED
        self._probed = (now, credential, works)
        return works

    async def _post(
        self, credential: InstallationCredential, grant_type: str, username: str, request_id: str
    ) -> CloudAnswer:
        body = {
            "grant_type": grant_type,
            "client_id": credential.client_id,
            "client_secret": credential.secret.reveal(),
            "username": username,
            "password": "dummy",
        }
        return await self._http.exchange(
            "POST",
            "/access_token",
            headers={"content-type": "application/json", "x-request-id": request_id},
            content=_encoded(body),
            limit=_MAX_ANSWER,
        )

    def _skew(self, answer: CloudAnswer) -> int:
        if answer.date is None:
            return 0
        skew = self._clock.now() - answer.date
        return skew // 1000 if abs(skew) > _MAX_SKEW_MS else 0


_REFUSALS: Final = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
)


def _encoded(body: dict[str, str]) -> bytes:
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:  # a lone surrogate is in no key; the error would quote it
        raise InvalidDocument("the key is not text") from None


def _granted(answer: CloudAnswer, skew: int) -> Grant:
    try:
        success = msgspec.json.decode(answer.body, type=_Success)
    except msgspec.MsgspecError:
        raise unreachable(msgid("its answer is no token")) from None
    seconds = success.expires_in if success.expires_in is not None else success.expiresIn
    token = success.access_token
    if not _B64TOKEN.fullmatch(token) or seconds is None or success.token_type.lower() != "bearer":
        raise unreachable(msgid("its answer is no token"))
    return Grant(
        token=AccessToken(token),
        token_type="Bearer",  # noqa: S106 - a type, not a password
        expires_in=max(seconds, 0),
        skew_seconds=skew,
    )


def _error_code(answer: CloudAnswer) -> str:
    try:
        return msgspec.json.decode(answer.body, type=_Failure).error
    except msgspec.MsgspecError:
        return ""


def _out_of_order(answer: CloudAnswer) -> CloudUnreachable:
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return unreachable(msgid("it is out of order"))
    return unreachable(msgid("what answers at its address is no cloud"))
