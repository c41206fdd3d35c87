"""uvicorn's HTTP/1.1 protocol with our limits on what comes before a body (P82).

Request line at most 16 KiB, header block at most 32 KiB, head and body within ten seconds each;
what is too much, too slow or no HTTP gets a constant answer of ours and the connection ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from keyin.cloud.errors import BAD_REQUEST, BODY_TOO_SLOW, HEADERS_TOO_LARGE, URL_TOO_LONG

if TYPE_CHECKING:
    import asyncio

    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    from keyin.cloud.answers import Answer

REQUEST_LINE: Final = 16 * 1024  # bytes, with method and version
HEADER_BLOCK: Final = 32 * 1024  # bytes, names, values and separators
TIMEOUT_S: Final = 10.0
_AROUND_URL: Final = len("OPTIONS  HTTP/1.1\r\n")
_AROUND_HEADER: Final = len(": \r\n")


class TooMuch(Exception):  # noqa: N818 - names the thing
    """Stops the parser."""


class LimitedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's own signature
        super().__init__(*args, **kwargs)
        self._refusal: Answer = BAD_REQUEST
        self._url_bytes = 0
        self._header_bytes = 0
        self._kept = 0
        self._began_now = False
        self._in_head = True
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """End; nothing waits any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Count from the beginning; the time began with the connection or begins now."""
        super().on_message_begin()
        self._url_bytes = self._header_bytes = self._kept = 0
        self._began_now = self._in_head = True
        if self._timer is None:
            self._wait()

    def on_url(self, url: bytes) -> None:
        """Count the request line."""
        self._url_bytes += len(url)
        if self._url_bytes + _AROUND_URL > REQUEST_LINE:
            self._refusal = URL_TOO_LONG
            raise TooMuch
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count the header block; trailers after a chunked body count too."""
        self._header_bytes += len(name) + len(value) + _AROUND_HEADER
        if self._header_bytes > HEADER_BLOCK:
            self._refusal = HEADERS_TOO_LARGE
            raise TooMuch
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Hand over to the application; the body's time begins."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Stop the clock: all has come."""
        self._stop_waiting()
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Feed the parser, which keeps a header until its line ends: bound what it keeps."""
        self._began_now = False
        super().data_received(data)
        if not self._in_head or self._began_now or self.transport.is_closing():
            return
        self._kept += len(data)
        if self._kept > REQUEST_LINE + HEADER_BLOCK:
            self._refusal = HEADERS_TOO_LARGE
            self.send_400_response("")

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's texts stay inside
        """Answer with the reason found, as JSON, and close."""
        if self.transport.is_closing():
            return
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete or not cycle.response_started:
            self.transport.write(_whole(self._refusal))
        self.transport.close()

    def _wait(self) -> None:
        self._timer = self.loop.call_later(TIMEOUT_S, self._late)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        self._timer = None
        if self._in_head or self.cycle.response_started:
            self.transport.close()
        else:
            self._refusal = BODY_TOO_SLOW
            self.send_400_response("")


def _whole(answer: Answer) -> bytes:
    lines = [name + b": " + value + b"\r\n" for name, value in answer.headers]
    length = b"content-length: %d\r\n\r\n" % len(answer.body)
    return b"".join((STATUS_LINE[answer.status], *lines, length, answer.body))
