"""Ends tokens at the cloud after a key-out (RFC 7009, P68): in the background, as well as can be.

Who keys out does not wait for it. What waits here is a token and nothing of whose it was; it is
tried again while the cloud cannot be reached, until the token would be over anyway.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from keyin.domain.errors import CloudUnreachable, ConfigurationError, Refused
from keyin.wire.requester import ErrorCode

if TYPE_CHECKING:
    from keyin.access_requester.ports import CredentialSource, TokenGiver
    from keyin.access_requester.token_cache import Kept
    from keyin.domain.environment import Clock

_MOST: Final = 256
_AT_ONCE: Final = 2
_FIRST_PAUSE_SECONDS: Final = 2.0
_LONGEST_PAUSE_SECONDS: Final = 120.0
_END_SECONDS: Final = 2.0
_log = structlog.get_logger()


class Revocations:
    """One task a token."""

    def __init__(self, *, cloud: TokenGiver, credential: CredentialSource, clock: Clock) -> None:
        self._cloud = cloud
        self._credential = credential
        self._clock = clock
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, kept: Kept, request_id: str) -> None:
        """End this token when there is time for it."""
        if len(self._tasks) >= _MOST:
            _log.warning("token_not_revoked", reason="too many wait", request_id=request_id)
            return
        task = asyncio.create_task(self._end(kept, request_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Give what is under way a moment, then give it up."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_END_SECONDS)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _end(self, kept: Kept, request_id: str) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while self._clock.monotonic() < kept.ends:
            if await self._tried(kept, request_id):
                return
            await self._clock.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def _tried(self, kept: Kept, request_id: str) -> bool:
        """Tell whether there is nothing more to do."""
        try:
            credential = self._credential()
            if credential is not None:
                async with self._gate:
                    await self._cloud.revoke(credential, kept.token, request_id=request_id)
                _log.info("token_revoked", request_id=request_id)
        except CloudUnreachable:
            _log.warning("token_not_revoked", reason="cloud_unreachable", request_id=request_id)
            return False
        except (ConfigurationError, Refused) as exc:
            _log.warning("token_not_revoked", reason=exc.code, request_id=request_id)
            return exc.code != ErrorCode.RATE_LIMITED
        return True
