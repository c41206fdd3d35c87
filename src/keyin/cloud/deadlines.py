"""Ends what takes longer than it may: one timer for all requests, since one each is dear.

A request that is over its time is cancelled, as by `asyncio.timeout`, up to a tenth of it later.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

from keyin.domain.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable

Result = TypeVar("Result")
_LOOKS: Final = 10
"""How often all are looked at within the time that one may take."""


class Deadlines:
    """Of one event loop."""

    def __init__(self, most: float) -> None:
        """Let each take so many seconds."""
        self._most = most
        self._began: dict[asyncio.Task[object], float] = {}
        self._ended: set[asyncio.Task[object]] = set()
        self._looking = False

    async def within(self, answering: Awaitable[Result]) -> Result:
        """Wait for it, once at a time in a task. Raises StoreUnavailable where it is too slow."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("only a task can be ended")
        loop = asyncio.get_running_loop()
        self._began[task] = loop.time()
        if not self._looking:
            self._looking = True
            loop.call_later(self._most / _LOOKS, self._look, loop)
        try:
            return await answering
        except asyncio.CancelledError as error:
            if task in self._ended and task.cancelling() == 1:  # by nobody but us
                raise StoreUnavailable(
                    "the store cannot answer (%(name)s)", name="too slow"
                ) from error
            raise
        finally:
            del self._began[task]
            if task in self._ended:
                self._ended.discard(task)
                task.uncancel()

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """End those that are late; look again while there are any at all."""
        latest = loop.time() - self._most
        for task, began in self._began.items():
            if began < latest and task not in self._ended:
                self._ended.add(task)
                task.cancel()
        self._looking = bool(self._began)
        if self._looking:
            loop.call_later(self._most / _LOOKS, self._look, loop)
