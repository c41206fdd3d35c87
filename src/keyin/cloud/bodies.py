"""Request bodies: how much, how slowly, and in which form they may come (P82)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes

from keyin.cloud.errors import BODY_TOO_LARGE, UNSUPPORTED_ENCODING
from keyin.domain.errors import InvalidDocument
from keyin.wire.strict_json import decode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from keyin.cloud.answers import Answer
    from keyin.cloud.request import Request

FORM: Final = b"application/x-www-form-urlencoded"
JSON: Final = b"application/json"
HEARD_OUT: Final = 4
"""A body of up to so many times the limit is read to its end, and thrown away, before the 413."""
_PERCENT, _PLUS, _BRACKET = b"%+["  # a number is looked for ten times as fast as a text
_URN: Final = b"urn%3A"
UTF8: Final = frozenset({b"utf-8", b"utf8"})


class Unacceptable(Exception):  # noqa: N818 - an answer, not a mistake
    """The request ends here with this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.reason)
        self.answer = answer


class Gone(Exception):  # noqa: N818 - a state, not a mistake
    """The client hung up before it had sent everything."""


async def read_body(
    request: Request,
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    *,
    limit: int,
) -> bytes:
    """Read up to `limit` bytes; how slowly they may come is the protocol's business.

    Raises Unacceptable or Gone.
    """
    declared = request.header(b"content-length")
    if declared is not None and declared.isdigit() and int(declared[:20]) > limit:
        if int(declared[:20]) <= limit * HEARD_OUT and request.header(b"expect") is None:
            await _discard(receive)
        raise Unacceptable(BODY_TOO_LARGE)
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body", False):
        whole: bytes = message.get("body", b"")
        if len(whole) <= limit:
            return whole
    return await _collect(message, receive, limit)


async def _discard(receive: Callable[[], Awaitable[MutableMapping[str, Any]]]) -> None:
    """Let a client that says too much finish: one that is still sending hears no answer."""
    while (message := await receive()).get("more_body", False):
        pass
    if message["type"] == "http.disconnect":
        raise Gone


async def _collect(
    message: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    limit: int,
) -> bytes:
    body = bytearray()
    while True:
        if message["type"] == "http.disconnect":
            raise Gone
        body += message.get("body", b"")
        if len(body) > limit:
            raise Unacceptable(BODY_TOO_LARGE)
        if not message.get("more_body", False):
            return bytes(body)
        message = await receive()


def content_type(request: Request) -> bytes:
    """Return the media type in lower case, b"" if none. Raises Unacceptable for other charsets."""
    media = _media(request.header(b"content-type") or b"")
    encoding = request.header(b"content-encoding")
    if media is None or (encoding is not None and encoding.strip().lower() != b"identity"):
        raise Unacceptable(UNSUPPORTED_ENCODING)
    return media


@lru_cache(maxsize=64)
def _media(header: bytes) -> bytes | None:
    """Return the media type; None where the charset is another than UTF-8."""
    media, _, options = header.partition(b";")
    for option in options.split(b";"):
        name, _, value = option.partition(b"=")
        charset = value.strip().strip(b'"').lower()
        if name.strip().lower() == b"charset" and charset not in UTF8:
            return None
    return media.strip().lower()


def parameters(media: bytes, body: bytes) -> dict[str, object]:
    """Read a form or JSON object; any other type, or none, is an empty one (cloud-wire §2.3).

    Raises InvalidDocument where it is neither.
    """
    if media == FORM:
        return form(body)
    if media != JSON or not body:
        return {}
    value = decode(body)
    if isinstance(value, dict):
        return dict(value)
    if isinstance(value, list):
        return {}
    raise InvalidDocument("the JSON is neither an object nor an array")


def form(body: bytes) -> dict[str, object]:
    """Read a form; a name that comes twice has a list, `a[b]` an object: neither is a text."""
    if _PERCENT not in body and _PLUS not in body and _BRACKET not in body:
        plain = [pair.partition("=") for pair in body.decode("utf-8", "replace").split("&") if pair]
        simple: dict[str, object] = {name: value for name, _, value in plain}
        if len(simple) == len(plain):
            return simple
    found: dict[str, object] = {}
    for pair in body.split(b"&"):
        if pair:
            name, _, value = pair.partition(b"=")
            _add(found, form_text(name), form_text(value))
    return found


def _add(found: dict[str, object], name: str, value: str) -> None:
    outer, bracket, _ = name.partition("[")
    if bracket and outer:
        found[outer] = {}
    elif name in found:
        _repeat(found, name, value)
    else:
        found[name] = value


def _repeat(found: dict[str, object], name: str, value: str) -> None:
    before = found[name]
    if isinstance(before, list):
        before.append(value)
    else:
        found[name] = [before, value]


def form_text(part: bytes) -> str:
    """Decode a name or a value of a form or a query."""
    if _PERCENT not in part and _PLUS not in part:
        return part.decode("utf-8", "replace")
    return _name(part) if part.startswith(_URN) else _decoded(part)


@lru_cache(maxsize=64)
def _name(part: bytes) -> str:
    """Decode a name of the standards, of which each request brings several; never a secret."""
    return _decoded(part)


def _decoded(part: bytes) -> str:
    return unquote_to_bytes(part.replace(b"+", b" ")).decode("utf-8", "replace")
