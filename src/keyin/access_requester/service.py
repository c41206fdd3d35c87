"""Tokens for keys: from memory, else from the cloud, one question for each key at a time.

Knows neither sockets nor HTTP. Who may ask was decided at the door; callers are told apart by uid,
and what is kept for one is never given to another.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from keyin.access_requester.token_cache import Kept, Slot, TokenCache
from keyin.domain.environment import Millis
from keyin.domain.errors import CloudUnreachable, ConfigurationError, Refused, msgid
from keyin.domain.secret import GpiiKey
from keyin.wire.requester import (
    ErrorCode,
    ForgetAnswer,
    ForgetRequest,
    StatusAnswer,
    TokenAnswer,
    TokenRequest,
    refusal,
)

if TYPE_CHECKING:
    from keyin.access_requester.ports import CredentialSource, TokenGiver
    from keyin.access_requester.rate import RateLimit
    from keyin.domain.environment import Clock, Entropy
    from keyin.domain.installation import InstallationCredential

_MAX_WAITING: Final = 64
_MAX_WAITING_PER_ACCOUNT: Final = 16
_log = structlog.get_logger()


class AccessRequester:
    """The service behind every transport."""

    def __init__(  # noqa: PLR0913 - all that it needs, by name, given by the wiring
        self,
        *,
        cloud: TokenGiver,
        cloud_address: str,
        credential: CredentialSource,
        rate: RateLimit,
        cloud_requests: int,
        version: str,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._cloud = cloud
        self._cloud_address = cloud_address
        self._credential = credential
        self._rate = rate
        self._gate = asyncio.Semaphore(cloud_requests)
        self._version = version
        self._clock = clock
        self._entropy = entropy
        self._cache = TokenCache(clock=clock, entropy=entropy)
        self._asking: dict[Slot, asyncio.Task[Kept]] = {}
        self._problem: ErrorCode | None = None

    def admit(self, uid: int) -> None:
        """Count a request. Raises Refused (`rate_limited`)."""
        wait = self._rate.take(uid)
        if wait:
            raise refusal(ErrorCode.RATE_LIMITED, retry_after=wait)

    async def token(self, uid: int, request: TokenRequest) -> TokenAnswer:
        """Return a token with at least 10 s to live. Raises Refused, closed list of codes."""
        key = GpiiKey(request.gpii_key)
        slot = self._cache.slot(uid, key)
        kept = self._cache.find(slot)
        if kept is None:
            # shielded: a caller who goes away does not take the answer from another
            kept = await asyncio.shield(self._ask_once(slot, key, request.request_id))
        return TokenAnswer(
            access_token=kept.token.reveal(),
            token_type=kept.token_type,
            expires_in=max(0, int(self._cache.seconds_left(kept))),
        )

    def forget(self, uid: int, request: ForgetRequest) -> ForgetAnswer:
        """Drop tokens; one that is still being asked for will not be kept either (P68)."""
        if request.gpii_key is not None:
            slots = [self._cache.slot(uid, GpiiKey(request.gpii_key))]
        else:
            slots = self._cache.slots_of(uid) + [slot for slot in self._asking if slot[0] == uid]
        for slot in slots:
            self._asking.pop(slot, None)
        return ForgetAnswer(forgotten=sum(self._cache.drop(slot) for slot in slots))

    def status(self, uid: int) -> StatusAnswer:
        """Say how things stand; asks nobody."""
        try:
            credential = self._credential()
        except ConfigurationError:
            credential = None
        return StatusAnswer(
            enrolled=credential is not None,
            client_id=credential.client_id if credential else None,
            cloud=self._cloud_address,
            version=self._version,
            tokens=len(self._cache.slots_of(uid)),
            problem=self._problem if credential else ErrorCode.NOT_ENROLLED,
        )

    async def close(self) -> None:
        """Give up what is still being asked for."""
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    def _ask_once(self, slot: Slot, key: GpiiKey, request_id: str | None) -> asyncio.Task[Kept]:
        task = self._asking.get(slot)
        if task is None:
            of_this_account = sum(1 for uid, _ in self._asking if uid == slot[0])
            if len(self._asking) >= _MAX_WAITING or of_this_account >= _MAX_WAITING_PER_ACCOUNT:
                raise refusal(ErrorCode.RATE_LIMITED, retry_after=1)
            task = asyncio.create_task(self._ask(key, request_id or self._new_request_id()))
            self._asking[slot] = task
            task.add_done_callback(lambda done: self._asked(slot, done))
        return task

    def _asked(self, slot: Slot, task: asyncio.Task[Kept]) -> None:
        wanted = self._asking.get(slot) is task  # not if it was forgotten meanwhile
        if wanted:
            del self._asking[slot]
        if not task.cancelled() and task.exception() is None and wanted:
            self._cache.keep(slot, task.result())

    async def _ask(self, key: GpiiKey, request_id: str) -> Kept:
        try:
            async with self._gate:
                kept = await self._grant(self._enrolled(), key, request_id)
        except CloudUnreachable as exc:
            self._note(ErrorCode.CLOUD_UNREACHABLE, request_id)
            raise refusal(ErrorCode.CLOUD_UNREACHABLE, **exc.fields) from exc
        except Refused as exc:
            self._note(ErrorCode(exc.code), request_id)
            raise
        return kept

    async def _grant(
        self, credential: InstallationCredential, key: GpiiKey, request_id: str
    ) -> Kept:
        before, before_wall = self._clock.monotonic(), self._clock.now()
        grant = await self._cloud.grant(credential, key, request_id=request_id)
        # the person keys in all the same: this grant does not depend on the clock
        self._note(ErrorCode.CLOCK_SKEW if grant.skew_seconds else None, request_id)
        return Kept(
            token=grant.token,
            token_type=grant.token_type,
            ends=before + grant.expires_in,
            ends_at=Millis(before_wall + grant.expires_in * 1000),
        )

    def _enrolled(self) -> InstallationCredential:
        """Read the credential anew: a new one is used at once, and none stays in memory."""
        try:
            credential = self._credential()
        except ConfigurationError as exc:
            _log.error("credential_unusable", reason=exc.message)
            reason = msgid("its file is not safe or not readable, see the log")
            raise refusal(ErrorCode.NOT_ENROLLED, reason=reason) from exc
        if credential is None:
            raise refusal(ErrorCode.NOT_ENROLLED, reason=msgid("there is no file"))
        return credential

    def _note(self, code: ErrorCode | None, request_id: str) -> None:
        if code is None:
            _log.info("token_granted", request_id=request_id)
        else:
            _log.warning("token_trouble", request_id=request_id, code=code.value)
        if code is not ErrorCode.KEY_REFUSED:  # one person's key is no trouble of the computer
            self._problem = code

    def _new_request_id(self) -> str:
        return self._entropy.token_bytes(16).hex()
