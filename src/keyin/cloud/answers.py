"""What goes back to the client: status, body, headers; and the constant ones, made once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.domain.absent import Value

JSON_UTF8: Final = (b"content-type", b"application/json; charset=utf-8")
JSON_BARE: Final = (b"content-type", b"application/json")
TEXT: Final = (b"content-type", b"text/plain; charset=utf-8")
NO_STORE: Final = (b"cache-control", b"no-store")
NO_CACHE: Final = (b"pragma", b"no-cache")

Header = tuple[bytes, bytes]


class Answer(msgspec.Struct, frozen=True, gc=False):
    """One HTTP response, whole."""

    status: int
    body: bytes
    headers: tuple[Header, ...] = (JSON_UTF8,)
    reason: str | None = None
    """For the log only."""


def json_answer(
    status: int, content: Mapping[str, Value], *more: Header, reason: str | None = None
) -> Answer:
    """Make an answer of the application family (cloud-wire §2.1)."""
    return Answer(status, msgspec.json.encode(content), (JSON_UTF8, *more), reason)


def application_error(
    status: int, message: str, *more: Header, reason: str | None = None, **extra: Value
) -> Answer:
    """Make an error of the application family."""
    content: dict[str, Value] = {"isError": True, "message": message, **extra}
    return json_answer(status, content, *more, reason=reason)


HEALTHY: Final = json_answer(200, {"isHealthy": True})
READY: Final = json_answer(200, {"isReady": True})
TOKEN_OPTIONS: Final = Answer(200, b"POST", (TEXT, (b"allow", b"POST")))
