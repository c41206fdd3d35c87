"""The operators' listener: `/metrics`, `/revision`, `/openapi.json`, `/health`, `/ready` (P26)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from keyin.cloud import answers, errors, routes
from keyin.cloud.answers import Answer
from keyin.cloud.openapi import description
from keyin.cloud.request import Request
from keyin.cloud.responses import give, headers_of
from keyin.domain.errors import StoreUnavailable
from keyin.domain.records import NO_SECRET

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from keyin.cloud.exchange import Exchange, Handler, Message, Receive, Send
    from keyin.cloud.metrics import Metrics
    from keyin.cloud.routes import Route
    from keyin.oauth.ports import Tokens


class Elsewhere(Protocol):
    """A preferences server."""

    async def ready(self) -> bool:
        """Tell whether it can be used."""
        ...


class OpsApp:
    """Serves constants, counts and the revision; nothing that a person owns."""

    def __init__(self, *, tokens: Tokens, metrics: Metrics, revision_file: Path | None) -> None:
        self._described = errors.NOT_FOUND
        self._tokens = tokens
        self._metrics = metrics
        self._revision_file = revision_file
        self._routes = routes.RouteTable(routes.OPERATORS)

    def describe(self, public: Iterable[Route], *, server: str | None) -> None:
        """Say from now on which routes the public listener has."""
        self._described = description(public, server=server)

    async def __call__(self, scope: Message, _receive: Receive, send: Send) -> None:
        """Serve one ASGI scope; only HTTP is known."""
        if scope["type"] != "http":
            return
        answer = await self._answer(Request(scope))
        await give(scope, send, answer, headers_of(answer))

    async def _answer(self, request: Request) -> Answer:
        route = self._routes.find(request.method, request.segments)
        if route is routes.HEALTH:
            return answers.HEALTHY
        if route is routes.READY:
            return await ready(self._tokens)
        if route is routes.METRICS:
            return Answer(200, self._metrics.exposition(), (answers.TEXT,))
        if route is routes.REVISION:
            return revision(self._revision_file)
        if route is routes.DESCRIPTION:
            return self._described
        return errors.NOT_FOUND


class HealthRoutes:
    """The two questions of a load balancer, public and constant."""

    def __init__(self, tokens: Tokens, elsewhere: Elsewhere | None = None) -> None:
        """`elsewhere` is asked too, where preferences are not in this cloud's own store."""
        self._tokens = tokens
        self._elsewhere = elsewhere

    def handlers(self) -> Mapping[Route, Handler]:
        """Return a handler for each route."""
        return {routes.HEALTH: self.health, routes.READY: self.ready}

    async def health(self, _exchange: Exchange) -> Answer:
        """Say that the process answers."""
        return answers.HEALTHY

    async def ready(self, _exchange: Exchange) -> Answer:
        """Say whether the store answers too, and whoever keeps the preferences.

        Whatever address the request was sent to: that says nothing about who they are (O15).
        """
        if self._elsewhere is not None and not await self._elsewhere.ready():
            return errors.NOT_READY_ELSEWHERE
        return await ready(self._tokens)


async def ready(tokens: Tokens) -> Answer:
    """Look something up that is not there: it must be the store that answers."""
    try:
        await tokens.find_grant((NO_SECRET,))
    except StoreUnavailable:
        return errors.NOT_READY
    return answers.READY


def revision(path: Path | None) -> Answer:
    """Show the whole file, read afresh (cloud-wire §5); a text without a path where it fails."""
    try:
        content: Any = msgspec.json.decode(path.read_bytes()) if path else None
    except (OSError, ValueError, RecursionError):
        return errors.REVISION_UNREADABLE
    if content is None:
        return errors.REVISION_UNREADABLE
    if not isinstance(content, dict) or not content.get("sha256"):
        return errors.REVISION_MISSING
    return answers.json_answer(200, content)
