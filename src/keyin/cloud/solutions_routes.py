"""`GET /solutions/{digest}`: a whole solutions registry, named by the SHA-256 of its text.

What a digest names never changes, so who has it once needs it never again. Each registry is
compressed once, when it is read; both forms are kept, and nothing more.
"""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Final

import msgspec

from keyin.cloud import errors, routes
from keyin.cloud.answers import JSON_UTF8, Answer, Header

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.cloud.exchange import Exchange, Handler
    from keyin.cloud.guard import Guard
    from keyin.cloud.request import Request
    from keyin.cloud.routes import Route
    from keyin.settings.registry import Registries
    from keyin.settings.service import Look

FOREVER: Final[Header] = (b"cache-control", b"private, max-age=31536000, immutable")
VARY: Final[Header] = (b"vary", b"accept-encoding")
GZIPPED: Final[Header] = (b"content-encoding", b"gzip")


class Packed(msgspec.Struct, frozen=True):
    """One registry's two answers, made once."""

    plain: Answer
    gzipped: Answer


def pack(text: bytes) -> Packed:
    """Compress a registry; the same text is always the same bytes."""
    compressed = gzip.compress(text, mtime=0)
    return Packed(
        plain=Answer(200, text, (JSON_UTF8, FOREVER, VARY)),
        gzipped=Answer(200, compressed, (JSON_UTF8, FOREVER, VARY, GZIPPED)),
    )


class SolutionsRoutes:
    """Answers from memory."""

    def __init__(self, guard: Guard, registries: Registries, look: Look) -> None:
        self._guard = guard
        self._registries = registries
        self._look = look
        self._pack()

    def _pack(self) -> None:
        self._documents = self._registries.documents
        self._packed = {digest.encode(): pack(text) for digest, text in self._documents.items()}

    def handlers(self) -> Mapping[Route, Handler]:
        """Return a handler for each route."""
        return {routes.SOLUTIONS: self.document}

    async def document(self, exchange: Exchange) -> Answer:
        """Answer with a registry, in the form that is accepted; 404 for any other digest."""
        admitted = await self._guard.admit(exchange, None)
        if isinstance(admitted, Answer):
            return admitted
        await self._look()
        if self._documents is not self._registries.documents:
            self._pack()
        packed = self._packed.get(exchange.request.segments[1])
        if packed is None:
            return errors.NOT_FOUND
        return packed.gzipped if accepts_gzip(exchange.request) else packed.plain


def accepts_gzip(request: Request) -> bool:
    """Tell whether the client takes gzip (RFC 9110 §12.5.3)."""
    given = b",".join(request.headers(b"accept-encoding")).lower()
    weights = dict(_coding(element) for element in given.split(b",") if element.strip())
    return weights.get(b"gzip", weights.get(b"*", False))


def _coding(element: bytes) -> tuple[bytes, bool]:
    """Return a coding and whether its weight is above zero; a weight that is none counts as 0."""
    coding, _, weight = element.partition(b";")
    name, _, value = weight.partition(b"=")
    try:
        taken = not weight.strip() or (name.strip() == b"q" and float(value) > 0)
    except ValueError:
        taken = False
    return coding.strip(), taken
