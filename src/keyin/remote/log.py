"""Log lines of every process: one JSON object a line on stderr, and only fields on a list.

A field that is not on the list is dropped, whatever it holds: that is how keys, tokens, secrets,
preferences and paths stay out (invariant 6), not by looking for them.
"""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TextIO

import msgspec
import structlog

if TYPE_CHECKING:
    from collections.abc import MutableMapping

FIELDS: Final = frozenset(
    {
        "ts",
        "level",
        "event",
        "process",
        "request_id",
        "op",
        "route",
        "method",
        "status",
        "ms",
        "code",
        "error",
        "reason",
        "uid",
        "pid",
        "count",
        "limit",
        "listener",
        "solution",
        "handler",
        "step",
        "state",
        "version",
    }
)
"""Every name that may appear. Values are short texts, numbers, booleans or null."""

_LONGEST: Final = 200
_WORD: Final = 64  # bits; a longer number is no number of ours
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def configure_logging(process: str, *, stream: TextIO | None = None) -> None:
    """Make structlog's loggers write this form; `process` stands on every line."""

    def finish(_logger: object, level: str, fields: MutableMapping[str, Any]) -> str:
        fields.update(ts=_timestamp(), level=level, process=process)
        return line(fields)

    structlog.configure(
        processors=[finish],
        logger_factory=structlog.PrintLoggerFactory(stream or sys.stderr),
        cache_logger_on_first_use=False,
    )


def line(fields: MutableMapping[str, Any]) -> str:
    """Return the fields of the list as one line of JSON; CR, LF and escapes cannot forge another.

    C0 controls, DEL, C1, line separators and lone surrogates are written as `?`.
    """
    kept = {name: _plain(fields[name]) for name in sorted(FIELDS & fields.keys())}
    return msgspec.json.encode(kept).decode()


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int) and value.bit_length() < _WORD:
        return value
    if isinstance(value, str):
        return _CONTROL.sub("?", value[:_LONGEST])
    return f"<{type(value).__name__}>"  # never str(): a Secret refuses, other things may tell


def _timestamp() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
