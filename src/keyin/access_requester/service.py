"""Tokens for keys: from memory, else from the cloud, one question for each key at a time.

Knows neither sockets nor HTTP. Who may ask was decided at the door; callers are told apart by uid
and by the key of their proofs, and what is kept for one is never given to another. This
process's own private key signs for the cloud's token endpoints alone; a caller's proofs are passed
on unread, but for whose they are.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from keyin.access_requester.revoking import Revocations
from keyin.access_requester.token_cache import Kept, Slot, TokenCache
from keyin.domain.environment import Millis
from keyin.domain.errors import CloudUnreachable, ConfigurationError, Refused, msgid
from keyin.domain.secret import GpiiKey, Pin, equal
from keyin.wire.dpop_proofs import sender
from keyin.wire.jose import InvalidSignature
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
    from collections.abc import Callable

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
        credential: CredentialSource,
        rate: RateLimit,
        cloud_requests: int,
        version: str,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._cloud = cloud
        self._credential = credential
        self._rate = rate
        self._gate = asyncio.Semaphore(cloud_requests)
        self._version = version
        self._clock = clock
        self._entropy = entropy
        self._cache = TokenCache(clock=clock, entropy=entropy)
        self._revocations = Revocations(cloud=cloud, credential=credential, clock=clock)
        self._asking: dict[Slot, asyncio.Task[Kept]] = {}
        self._problem: ErrorCode | None = None
        self.refused: Callable[[], None] = lambda: None
        """Called when the cloud does not take this computer's credential."""

    def admit(self, uid: int) -> None:
        """Count a request. Raises Refused (`rate_limited`)."""
        wait = self._rate.take(uid)
        if wait:
            raise refusal(ErrorCode.RATE_LIMITED, retry_after=wait)

    async def token(self, uid: int, request: TokenRequest) -> TokenAnswer:
        """Return a token with at least 10 s to live. Raises Refused, closed list of codes."""
        _check_sender(request)
        slot = self._cache.slot(uid, GpiiKey(request.gpii_key), request.dpop_jkt)
        kept = self._cache.find(slot)
        if kept is None:
            # shielded: a caller who goes away does not take the answer from another
            kept = await asyncio.shield(self._ask_once(slot, request))
        return TokenAnswer(
            access_token=kept.token.reveal(),
            token_type=kept.token_type,
            expires_in=max(0, int(self._cache.seconds_left(kept))),
        )

    def forget(self, uid: int, request: ForgetRequest) -> ForgetAnswer:
        """Drop tokens and end them; one that is still being asked for is not kept either (P68)."""
        kept = [*self._cache.slots_of(uid), *(slot for slot in self._asking if slot.uid == uid)]
        only = None if request.gpii_key is None else GpiiKey(request.gpii_key)
        slots = [slot for slot in kept if only is None or self._cache.is_of(slot, only)]
        for slot in slots:
            self._asking.pop(slot, None)
        dropped = [token for token in map(self._cache.drop, slots) if token is not None]
        for token in dropped:
            self._revocations.begin(token, request.request_id or self._new_request_id())
        return ForgetAnswer(forgotten=len(dropped))

    def status(self, uid: int) -> StatusAnswer:
        """Say how things stand; asks nobody."""
        problem = self._problem
        try:
            credential = self._credential()
        except ConfigurationError:
            credential = None
        except Refused as exc:
            credential, problem = None, ErrorCode(exc.code)
        if credential is None and problem not in {
            ErrorCode.COPIED_IDENTITY,
            ErrorCode.OTHER_CLOUD,
        }:
            problem = ErrorCode.NOT_ENROLLED
        return StatusAnswer(
            enrolled=credential is not None,
            client_id=credential.client_id if credential else None,
            cloud=self._cloud.address,
            version=self._version,
            tokens=len(self._cache.slots_of(uid)),
            problem=problem,
        )

    def settle(self) -> None:
        """Forget the last trouble, and every token: this computer has another identity, or none.

        What was given to the former one ends with it, at the cloud.
        """
        self._problem = None
        self._asking.clear()
        self._cache.clear()

    async def close(self) -> None:
        """Give up what is still being asked for."""
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        await self._revocations.close()

    def _ask_once(self, slot: Slot, request: TokenRequest) -> asyncio.Task[Kept]:
        task = self._asking.get(slot)
        if task is None:
            of_this_account = sum(1 for other in self._asking if other.uid == slot.uid)
            if len(self._asking) >= _MAX_WAITING or of_this_account >= _MAX_WAITING_PER_ACCOUNT:
                raise refusal(ErrorCode.RATE_LIMITED, retry_after=1)
            request_id = request.request_id or self._new_request_id()
            task = asyncio.create_task(self._ask(request, request_id))
            self._asking[slot] = task
            task.add_done_callback(lambda done: self._asked(slot, done, request_id))
        return task

    def _asked(self, slot: Slot, task: asyncio.Task[Kept], request_id: str) -> None:
        wanted = self._asking.get(slot) is task  # not if it was forgotten meanwhile
        if wanted:
            del self._asking[slot]
        if task.cancelled() or task.exception() is not None:
            return
        if wanted:
            self._cache.keep(slot, task.result())
        else:
            self._revocations.begin(task.result(), request_id)

    async def _ask(self, request: TokenRequest, request_id: str) -> Kept:
        try:
            async with self._gate:
                kept = await self._grant(self._enrolled(), request, request_id)
        except CloudUnreachable as exc:
            self._note(ErrorCode.CLOUD_UNREACHABLE, request_id)
            raise refusal(ErrorCode.CLOUD_UNREACHABLE, **exc.fields) from exc
        except Refused as exc:
            self._note(ErrorCode(exc.code), request_id)
            raise
        return kept

    async def _grant(
        self, credential: InstallationCredential, request: TokenRequest, request_id: str
    ) -> Kept:
        before, before_wall = self._clock.monotonic(), self._clock.now()
        grant = await self._cloud.grant(
            credential,
            GpiiKey(request.gpii_key),
            pin=None if request.pin is None else Pin(request.pin),
            proof=request.dpop_proof,
            request_id=request_id,
        )
        # the person keys in all the same: the clock is not wrong by so much yet
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
            reason = msgid("there is no file, or none with the client id that the cloud gave")
            raise refusal(ErrorCode.NOT_ENROLLED, reason=reason)
        return credential

    def _note(self, code: ErrorCode | None, request_id: str) -> None:
        if code is ErrorCode.USE_DPOP_NONCE:
            return  # no trouble: the caller comes back at once
        if code is None:
            _log.info("token_granted", request_id=request_id)
        else:
            _log.warning("token_trouble", request_id=request_id, code=code.value)
        if code is ErrorCode.CREDENTIAL_REVOKED:
            self.refused()
        if code is not ErrorCode.KEY_REFUSED:  # one person's key is no trouble of the computer
            self._problem = code

    def _new_request_id(self) -> str:
        return self._entropy.token_bytes(16).hex()


def _check_sender(request: TokenRequest) -> None:
    """See that the proof is the caller's: the token will be kept for that key. Raises Refused."""
    try:
        if equal(sender(request.dpop_proof), request.dpop_jkt):
            return
    except InvalidSignature:
        pass
    raise refusal(ErrorCode.BAD_REQUEST)
