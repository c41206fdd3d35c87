"""One request as the routes see it; built once from the ASGI scope."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes

from keyin.domain.networks import Address, parse_address

if TYPE_CHECKING:
    from collections.abc import Mapping

_PERCENT: Final = ord("%")
_BAD_ESCAPE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9_-]{8,64}")


class Request:
    """Method, path segments, query, headers."""

    __slots__ = (
        "_headers",
        "_named",
        "_some_repeat",
        "method",
        "peer",
        "query",
        "segments",
        "via_unix_socket",
    )

    def __init__(self, scope: Mapping[str, Any]) -> None:
        self.method: str = scope["method"]
        self.query: bytes = scope.get("query_string", b"")
        self._headers: list[tuple[bytes, bytes]] = scope["headers"]
        self._named = dict(self._headers)
        self._some_repeat = len(self._named) != len(self._headers)
        client = scope.get("client")
        self.via_unix_socket = client is None
        self.peer: Address | None = parse_address(client[0]) if client else None
        segments: list[bytes] = scope["raw_path"].split(b"/")[1:]
        if segments and not segments[-1]:
            segments.pop()  # one trailing slash is tolerated
        self.segments = segments

    def headers(self, name: bytes) -> list[bytes]:
        """Return every value of a header, in order; `name` in lower case."""
        if self._some_repeat:
            return [value for key, value in self._headers if key == name]
        return [self._named[name]] if name in self._named else []

    def has(self, name: bytes) -> bool:
        """Tell whether a header comes at all."""
        return name in self._named

    def header(self, name: bytes) -> bytes | None:
        """Return the value of a header that comes exactly once."""
        if self._some_repeat and len(self.headers(name)) > 1:
            return None
        return self._named.get(name)

    def authorization(self) -> str | None:
        """Return the Authorization header; one that comes twice says nothing."""
        value = self.header(b"authorization")
        return None if value is None else value.decode("latin-1")

    def id_given(self) -> str | None:
        """Return the request id that the client gave, if it is of a shape that may be logged."""
        given = self.header(b"x-request-id")
        return given.decode() if given and _REQUEST_ID.fullmatch(given) else None


def decoded(segment: bytes) -> str | None:
    """Percent-decode a segment; None where it is no UTF-8 or has a bad escape."""
    if _PERCENT in segment:
        if _BAD_ESCAPE.search(segment):
            return None
        segment = unquote_to_bytes(segment)
    try:
        return segment.decode("utf-8")
    except UnicodeDecodeError:
        return None
