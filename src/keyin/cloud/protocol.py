"""uvicorn's HTTP/1.1 protocol with our limits on what comes before a body (P82).

Request line at most 16 KiB, header block at most 32 KiB, head and body within ten seconds each;
what is too much, too slow or no HTTP gets a constant answer of ours and the connection ends. It
ends without a word where an earlier request still waits for its answer, where more requests wait
than any client sends at once, and where nobody reads the answers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from keyin.cloud import responses
from keyin.cloud.errors import BAD_REQUEST, BODY_TOO_SLOW, HEADERS_TOO_LARGE, URL_TOO_LONG

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    from keyin.cloud.answers import Answer, Header
    from keyin.cloud.connections import Connections
    from keyin.cloud.exchange import Message

REQUEST_LINE: Final = 16 * 1024  # bytes, with method and version
HEADER_BLOCK: Final = 32 * 1024  # bytes, names, values and separators
TIMEOUT_S: Final = 10.0
UNREAD_S: Final = 30.0  # a client that takes nothing of its answers for so long is gone
WAITING_REQUESTS: Final = 64  # pipelined on one connection (RFC 9112 §9.3.2)
_ABSOLUTE: Final = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)")
_AROUND_URL: Final = len("OPTIONS  HTTP/1.1\r\n")
_AROUND_HEADER: Final = len(": \r\n")


class TooMuch(Exception):  # noqa: N818 - names the thing
    """Stops the parser."""


class LimitedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(
        self,
        *args: Any,  # noqa: ANN401 - uvicorn's own signature
        held: Connections | None = None,
        **kwargs: Any,  # noqa: ANN401 - as above
    ) -> None:
        super().__init__(*args, **kwargs)
        self._held = held
        self._extensions: dict[str, dict[object, object]] = {
            responses.WHOLE: {responses.ANSWER: self.answer}
        }
        self._refusal: Answer = BAD_REQUEST
        self._url_bytes = 0
        self._header_bytes = 0
        self._kept = 0
        self._began_now = False
        self._in_head = True
        self._timer: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head, unless this address has too many connections."""
        super().connection_made(transport)
        if self._held is not None and self.client and not self._held.enter(self, self.client[0]):
            transport.abort()
        else:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """End; nothing waits any more."""
        self._stop_waiting()
        self._stop_unread()
        if self._held is not None and self.client:
            self._held.leave(self, self.client[0])
        self._extensions.clear()  # it holds the connection, which holds it
        super().connection_lost(exc)

    @property
    def waits(self) -> bool:
        """Tell whether it is the client's turn: to ask, to go on, or to read."""
        return self._timer is not None or self._unread is not None or self._unasked()

    def drop(self) -> None:
        """End at once, for another of the same address."""
        self.transport.abort()

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
        """Hand over to the application; the body's time begins.

        uvicorn reads on with every answer, so that a line of requests would grow without end. A
        request without a Host, or with two, is answered 400 (RFC 9112 §3.2): what stands in front
        of us may have read the other one.
        """
        if len(self.pipeline) >= WAITING_REQUESTS or not self._names_one_host():
            raise TooMuch
        self._in_head = False
        self.scope["extensions"] = self._extensions
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body; nothing is kept in the parser."""
        self._kept = 0
        self._began_now = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Stop the clock: all has come."""
        self._in_head = True
        self._stop_waiting()
        super().on_message_complete()

    async def answer(self, scope: Message, answer: Answer, headers: Sequence[Header]) -> bool:
        """Answer at once, unless a later request has come meanwhile: see `responses.Whole`."""
        cycle: RequestResponseCycle = self.cycle
        if cycle.scope is not scope:
            return False
        await responses.write(cycle, answer, headers)
        return True

    def pause_writing(self) -> None:
        """Wait for the client to read, but not for ever."""
        super().pause_writing()
        self._stop_unread()
        self._unread = self.loop.call_later(UNREAD_S, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: the client reads."""
        if not self.transport.is_closing():
            self._stop_unread()
        super().resume_writing()

    def on_response_complete(self) -> None:
        """Go on with the next request; a connection that closes is not held open by its reader."""
        super().on_response_complete()
        self._end_in_time()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection on which nothing comes."""
        super().timeout_keep_alive_handler()
        self._end_in_time()

    def data_received(self, data: bytes) -> None:
        """Feed the parser, which keeps a header until its line ends: bound what it keeps.

        A header may also come after a chunked body, as a trailer.
        """
        self._began_now = False
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._timer is None and self._in_head and self._unasked():
            self._wait()  # an empty line ended the wait for another request, and begins none
        if self._began_now:
            return
        self._kept += len(data)
        if self._kept > REQUEST_LINE + HEADER_BLOCK:
            self._refusal = HEADERS_TOO_LARGE
            self.send_400_response("")

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's texts stay inside
        """Answer with the reason found, as JSON, and close."""
        if self.transport.is_closing():
            return
        if self._may_be_told():
            refusal = self._refusal
            block = responses.head(refusal.status, responses.headers_of(refusal))
            self.transport.write(block + refusal.body)
        self._close()

    def _close(self) -> None:
        self.transport.close()
        self._end_in_time()

    def _end_in_time(self) -> None:
        """See that a closing connection ends: the transport waits until all was read."""
        if self._unread is None and self.transport.is_closing():
            self._unread = self.loop.call_later(UNREAD_S, self.transport.abort)

    def _unasked(self) -> bool:
        """Tell whether no request waits for its answer."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

    def _may_be_told(self) -> bool:
        """Tell whether the next answer that the client reads belongs to what is refused."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete:
            return not self.pipeline
        return not (self._in_head or cycle.response_started or self.pipeline)

    def _names_one_host(self) -> bool:
        """Tell whether the head names one host; HTTP/1.0 need name none.

        A target may name it as well, as for a proxy (RFC 9112 §3.2.2): then both are the same.
        """
        named = [value.lower() for name, value in self.headers if name == b"host"]
        target = _ABSOLUTE.match(self.url)
        if target is not None:
            return named == [target[1].lower()]
        return len(named) == 1 or (not named and self.parser.get_http_version() == "1.0")

    def _wait(self) -> None:
        self._timer = self.loop.call_later(TIMEOUT_S, self._late)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _stop_unread(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _late(self) -> None:
        self._timer = None
        if self._in_head or self.cycle.response_started:
            self._close()
        else:
            self._refusal = BODY_TOO_SLOW
            self.send_400_response("")
