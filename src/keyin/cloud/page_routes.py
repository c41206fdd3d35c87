"""The pages' place in the server: reads what a browser sent, within the limits, and renders.

What goes wrong here is shown as a page too. Which pages there are, and what they say, is not known
here: `wire.pages` has the shapes that pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from keyin.cloud import routes
from keyin.cloud.answers import Answer
from keyin.cloud.bodies import FORM, Gone, Unacceptable, content_type, form
from keyin.cloud.request import decoded
from keyin.domain.errors import StoreUnavailable
from keyin.wire.pages import PageRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.cloud.answers import Header
    from keyin.cloud.exchange import Exchange, Handler
    from keyin.cloud.request import Request
    from keyin.cloud.routes import Route
    from keyin.wire.pages import Page, Pages

UNAVAILABLE: Final = 503
INTERNAL: Final = 500
_log: Final = structlog.get_logger()


class PageRoutes(msgspec.Struct, frozen=True):
    """The family of routes that people see."""

    pages: Pages
    devices: bool
    """Whether the device grant is switched on."""

    def handlers(self) -> Mapping[Route, Handler]:
        """Return a handler for each route that is there."""
        there = (
            *routes.PAGES,
            *routes.OWN,
            *routes.MANAGE,
            *(routes.DEVICE_PAGES if self.devices else ()),
        )
        return dict.fromkeys(there, self.answer)

    async def answer(self, exchange: Exchange) -> Answer:
        """Read, let the pages answer, render. Raises Gone."""
        request = _request(exchange, None)
        try:
            if exchange.route.body_limit:
                request = _request(exchange, await _form(exchange))
            return _rendered(await self.pages.answer(request))
        except Unacceptable as unacceptable:
            refusal = unacceptable.answer
            page = self.pages.failed(request, refusal.status)
            return _rendered(page, *refusal.headers[1:], reason=refusal.reason)
        except StoreUnavailable as error:
            _log.error("store_unavailable", error=error.message)
            return _rendered(self.pages.failed(request, UNAVAILABLE))
        except Gone:
            raise
        except Exception as error:  # noqa: BLE001 - a person is shown a page, and no stack (P27)
            _log.error("internal_error", error=type(error).__name__)
            return _rendered(self.pages.failed(request, INTERNAL))


def _rendered(page: Page, *more: Header, reason: str | None = None) -> Answer:
    return Answer(page.status, page.body, (*page.headers, *more), reason or page.reason)


async def _form(exchange: Exchange) -> Mapping[str, str] | None:
    media = content_type(exchange.request)
    body = await exchange.body()
    return _texts(body) if media == FORM else None


def _texts(encoded: bytes) -> Mapping[str, str] | None:
    """Return what a form or a query says; None where a name comes twice or has brackets (P99)."""
    found = form(encoded)
    named = {name: value for name, value in found.items() if isinstance(value, str)}
    return named if len(named) == len(found) else None


def _request(exchange: Exchange, given: Mapping[str, str] | None) -> PageRequest:
    request = exchange.request
    return PageRequest(
        method=request.method,
        path=exchange.route.template,
        query=_texts(request.query),
        form=given,
        cookies=_cookies(request),
        fetch_site=_text(request, b"sec-fetch-site"),
        origin=_text(request, b"origin"),
        languages=_text(request, b"accept-language") or "",
        address=exchange.visitor.address,
        now=exchange.now,
        request_id=exchange.request_id,
        named=_named(exchange),
    )


def _named(exchange: Exchange) -> Mapping[str, str]:
    """Return what the path says; what is no text names nothing that there is."""
    parts = exchange.route.template.split("/")[1:]
    pairs = zip(parts, exchange.request.segments, strict=True)
    return {part[1:-1]: decoded(segment) or "" for part, segment in pairs if part.startswith("{")}


def _text(request: Request, name: bytes) -> str | None:
    value = request.header(name)
    if value is None:
        # One that comes twice must not pass for one that is not there.
        return "" if request.headers(name) else None
    return value.decode("latin-1")


def _cookies(request: Request) -> Mapping[str, str]:
    """Return the cookies (RFC 6265 §5.4); of two with one name, the first."""
    found: dict[str, str] = {}
    for pair in b";".join(request.headers(b"cookie")).decode("latin-1").split(";"):
        name, _, value = pair.partition("=")
        found.setdefault(name.strip(), value.strip())
    return found
