"""What the listener of an enrolment accepts (RFC 8252 §7.3): one answer, from a person's browser.

Any program and any web page may knock at a port of this computer (P71-P73). So all but the one
right answer is as if nobody listened: nothing is told, and nothing is used up. Decides; the
sockets are elsewhere.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl

import msgspec
from msgspec.structs import replace

from keyin.domain.secret import Secret, equal

CALLBACK: Final = "/oauth2/callback"
LIFE_S: Final = 300.0
"""After so long nobody listens any more (P70)."""
MOST_WRONG: Final = 20
"""Answers with a wrong state, until the whole enrolment is given up (P72)."""
LONGEST_HEAD: Final = 8192
_LINE: Final = re.compile(rb"([A-Z]{1,16}) ([\x21-\x7e]+) HTTP/1\.[01]")
_FIELD: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*")
_MOST_FIELDS: Final = 64


class Code(Secret):
    """An authorization code (RFC 6749 §4.1.2): of use once, and with verifier and key."""


class Declined(msgspec.Struct, frozen=True):
    """The answer is right, and it is no."""

    denied: bool
    """A person said so; otherwise the cloud did."""


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """A request's first line and whom it means to ask."""

    method: str
    target: str
    hosts: tuple[str, ...]


class Listening(msgspec.Struct, frozen=True, kw_only=True):
    """What is waited for, and how often somebody came with a wrong state."""

    host: str
    """`127.0.0.1:PORT` or `[::1]:PORT`, as a browser writes it."""
    state: Secret
    issuer: str
    wrong: int = 0

    @property
    def redirect_uri(self) -> str:
        """Return the address that the answer comes to."""
        return f"http://{self.host}{CALLBACK}"

    @property
    def abandoned(self) -> bool:
        """Tell whether somebody is trying states out."""
        return self.wrong > MOST_WRONG

    def heard(self, content: bytes) -> tuple[Listening, Code | Declined | None]:
        """Judge one request's head; None: nothing that was waited for, the waiting goes on."""
        head = read_head(content)
        if head is None or head.method != "GET" or head.hosts != (self.host,):
            return self, None
        path, _, query = head.target.partition("?")
        said = _parameters(query) if path == CALLBACK else None
        if said is None:
            return self, None
        if not equal(said.get("state", ""), self.state.reveal()):
            return replace(self, wrong=self.wrong + 1), None
        return self, self._answer(said)

    def _answer(self, said: dict[str, str]) -> Code | Declined | None:
        """Look at the rest of what comes with the right state (RFC 9207 §2.4)."""
        if said.get("iss") != self.issuer or ("code" in said) == ("error" in said):
            return None
        if "error" in said:
            return Declined(denied=said["error"] == "access_denied")
        return Code(said["code"]) if said["code"] else None


def read_head(content: bytes) -> Head | None:
    """Read what stands before the first empty line; None where it is not plain HTTP/1."""
    lines = content.split(b"\r\n\r\n", 1)[0].split(b"\r\n")
    first = _LINE.fullmatch(lines[0])
    fields = [_FIELD.fullmatch(line) for line in lines[1 : _MOST_FIELDS + 1]]
    if first is None or len(lines) > _MOST_FIELDS + 1:
        return None
    hosts = []
    for field in fields:
        if field is None:
            return None
        if field[1].lower() == b"host":
            hosts.append(field[2].decode("latin-1"))
    return Head(method=first[1].decode(), target=first[2].decode(), hosts=tuple(hosts))


def _parameters(query: str) -> dict[str, str] | None:
    """Read the query; None where a name stands there twice (P99)."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        return None
    said = dict(pairs)
    return said if len(said) == len(pairs) else None
