"""The way to the cloud: it takes time, loses answers, is down at times, and is watched.

What the cloud answers is judged here, at the one place that sees every question and the truth.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import httpx

if TYPE_CHECKING:
    from random import Random

    from keyin.domain.environment import Clock
    from tests.simulation.computer import Life

LOST = 0.04
DELAYS = (0.001, 0.004, 0.02, 0.2, 2.5)
TOKEN, QUERY = "/oauth2/token", "/settings/query"
ASKED = {
    TOKEN: "token",
    QUERY: "settings",
    "/oauth2/revoke": "revocation",
    "/.well-known/oauth-authorization-server": "metadata",
}


@dataclass
class Truth:
    """What really is so, and what must not have happened."""

    clock: Clock
    revoked_keys: set[str] = field(default_factory=set)
    revoked_clients: set[str] = field(default_factory=set)
    tokens: dict[str, tuple[str, str, int]] = field(default_factory=dict)
    """Of each token: client, key, and when its life ends."""
    told: dict[str, str] = field(default_factory=dict)
    """The key whose settings a computer got last."""
    violations: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)

    def note(self, event: str, detail: str = "") -> None:
        self.events.append(f"{self.clock.now()} {event} {detail}".rstrip())

    def claim(self, holds: bool, violation: str) -> None:  # noqa: FBT001 - reads as a sentence
        if not holds:
            self.note("VIOLATION", violation)
            self.violations.append(violation)

    def granted(self, client: str, key: str, answer: dict[str, Any], *, refused: bool) -> None:
        """Judge a token that was given out."""
        self.claim(not refused, "a token for what was revoked before it was asked for")
        self.claim(answer["access_token"] not in self.tokens, "a token given out twice")
        ends = self.clock.now() + answer["expires_in"] * 1000
        self.tokens[answer["access_token"]] = (client, key, ends)

    def presented(self, client: str, token: str) -> str:
        """Judge a token that is used; return whose it is."""
        of_client, of_key, ends = self.tokens.get(token, ("", "", 0))
        self.claim(self.clock.now() < ends, "a token used after its life")
        self.claim(of_client == client, "a token used by another computer")
        return of_key


@dataclass
class Cloud:
    """The cloud's application and whether it can be reached."""

    app: httpx.ASGITransport
    down: bool = False


class Network(httpx.AsyncBaseTransport):
    """One computer's way to the cloud."""

    def __init__(
        self, client: str, cloud: Cloud, truth: Truth, random: Random, life: Life | None = None
    ) -> None:
        self._client, self._cloud, self._truth = client, cloud, truth
        self._random, self._life = random, life

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Carry one request there and its answer back."""
        self._alive()
        await self._truth.clock.sleep(self._random.choice(DELAYS))
        self._alive()
        if self._cloud.down:
            raise httpx.ConnectError("down")
        answer = await self._judged(request)
        await self._truth.clock.sleep(self._random.choice(DELAYS))
        self._alive()
        if self._random.random() < LOST:
            self._truth.note("answer lost")
            raise httpx.ReadError("lost")
        return answer

    def _alive(self) -> None:
        if self._life is not None and self._life.dead:
            self._life.point()

    async def _judged(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        key = self._whose(request, path)
        refused = key in self._truth.revoked_keys or self._client in self._truth.revoked_clients
        answer = await self._cloud.app.handle_async_request(request)
        assert isinstance(answer.stream, httpx.AsyncByteStream)
        content = b"".join([part async for part in answer.stream])
        self._truth.note(f"cloud {answer.status_code}", ASKED.get(path, "solutions"))
        self._truth.claim(answer.status_code < 500, "5xx")
        if answer.status_code == 200 and path == TOKEN:
            self._truth.granted(self._client, key, json.loads(content), refused=refused)
        elif answer.status_code == 200 and path == QUERY:
            self._truth.claim(not refused, "settings for what was revoked before")
            self._truth.told[self._client] = key
        return httpx.Response(
            answer.status_code, headers=answer.headers, stream=httpx.ByteStream(content)
        )

    def _whose(self, request: httpx.Request, path: str) -> str:
        """Return whose key is asked for, or whose token is used; judge the use."""
        if path == TOKEN:
            return dict(parse_qsl(request.content.decode()))["subject_token"]
        if path in ASKED and path != QUERY:
            return ""
        token = request.headers["authorization"].removeprefix("DPoP ")
        return self._truth.presented(self._client, token)
