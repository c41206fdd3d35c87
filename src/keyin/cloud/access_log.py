"""One line a request, in the form of `remote.log`: templates, never paths (invariant 6).

Lines are collected and written together a tenth of a second later, since one write a request costs
as much as a lookup. Every field is from a closed set or of a checked shape, so nothing in a line
needs escaping.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from keyin.cloud.answers import Answer
    from keyin.cloud.routes import Route
    from keyin.domain.environment import Millis

DELAY_S: Final = 0.1
MOST_WAITING: Final = 1000


class AccessLog:
    """Writes to stderr, or to a stream given."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._waiting: list[str] = []
        self._second = -1
        self._second_text = ""

    def request(
        self, route: Route | None, answer: Answer, *, request_id: str, now: Millis, ms: float
    ) -> None:
        """Note one answered request; `request_id` is one that may be logged."""
        method, template = (route.method, route.template) if route else ("*", "*")
        reason = f'"{answer.reason}"' if answer.reason else "null"
        level = "error" if answer.status >= 500 else "info"  # noqa: PLR2004 - HTTP's classes
        self._waiting.append(
            f'{{"event":"request","level":"{level}","method":"{method}","ms":{ms:.3f},'
            f'"process":"cloud","reason":{reason},"request_id":"{request_id}",'
            f'"route":"{template}","status":{answer.status},"ts":"{self._timestamp(now)}"}}\n'
        )
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_later(DELAY_S, self.flush)
        elif len(self._waiting) >= MOST_WAITING:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        lines, self._waiting = "".join(self._waiting), []
        if lines:
            stream = self._stream or sys.stderr
            stream.write(lines)
            stream.flush()

    def _timestamp(self, now: Millis) -> str:
        second, millis = divmod(now, 1000)
        if second != self._second:
            self._second = second
            self._second_text = f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}"
        return f"{self._second_text}.{millis:03}Z"
