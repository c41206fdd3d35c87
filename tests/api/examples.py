"""The examples of `docs/protocol/http-api.md`: read from the page, and what answers are held to.

In a request `{name}` stands for a value; in an answer it takes the value down under that name, and
`…` stands for anything. A form is written one parameter a line, before it is encoded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tests.house.sources import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PAGE = ROOT / "docs" / "protocol" / "http-api.md"
FORM = "application/x-www-form-urlencoded"
_BLOCK = re.compile(r"^```http\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAME = re.compile(r"{(\w+)}")
ANYTHING = "…"


@dataclass
class Message:
    """A request or an answer as it is written."""

    first: str
    headers: dict[str, str]
    body: str


@dataclass
class Example:
    """A request and its answer; `line` is where the request stands on the page."""

    line: int
    request: Message
    answer: Message

    @property
    def method(self) -> str:
        return self.request.first.split(" ")[0]

    @property
    def target(self) -> str:
        return self.request.first.split(" ")[1]


@dataclass
class Known:
    """What was taken down; `made` makes what has to be new each time."""

    values: dict[str, str] = field(default_factory=dict)
    made: dict[str, Callable[[Example], str]] = field(default_factory=dict)

    def filled(self, text: str, example: Example) -> str:
        def value(found: re.Match[str]) -> str:
            name = found[1]
            return self.made[name](example) if name in self.made else self.values[name]

        return _NAME.sub(value, text)


def examples() -> list[Example]:
    """Return every example of the page, in its order."""
    page = PAGE.read_text(encoding="utf-8")
    found = [
        (page.count("\n", 0, block.start()) + 2, _message(block[1]))
        for block in _BLOCK.finditer(page)
    ]
    pairs = zip(found[::2], found[1::2], strict=True)
    return [Example(line, request, answer) for (line, request), (_, answer) in pairs]


def _message(text: str) -> Message:
    head, _, body = text.partition("\n\n")
    first, *rest = head.strip().splitlines()
    headers = dict(line.split(": ", 1) for line in rest)
    return Message(first, headers, body.strip())


def sent(example: Example, known: Known) -> tuple[str, dict[str, str], str | None]:
    """Return target, headers and body of a request as they go over the wire."""
    request = example.request
    headers = {name: known.filled(value, example) for name, value in request.headers.items()}
    body = known.filled(request.body, example) if _is_json(request) else request.body
    if headers.get("Content-Type") == FORM:
        lines = [line.partition("=") for line in request.body.splitlines()]
        body = urlencode({name: known.filled(value, example) for name, _, value in lines})
    return known.filled(example.target, example), headers, body or None


def _is_json(message: Message) -> bool:
    return "json" in message.headers.get("Content-Type", "")


def differences(expected: Any, found: Any, known: Known, at: str = "") -> Iterator[str]:
    """Say where an answer is not as written; take down what it names."""
    if expected == ANYTHING:
        return
    if isinstance(expected, str) and isinstance(found, str):
        yield from _text(expected, found, known, at)
    elif isinstance(expected, dict) and isinstance(found, dict):
        yield from _members(expected, found, known, at)
    elif isinstance(expected, list) and isinstance(found, list):
        if len(expected) != len(found):
            yield f"{at}: {len(found)} elements"
        for one, other in zip(expected, found, strict=False):
            yield from differences(one, other, known, at)
    elif expected != found:
        yield f"{at}: {found!r}"


def _members(
    expected: dict[str, Any], found: dict[str, Any], known: Known, at: str
) -> Iterator[str]:
    named = expected.keys() - {ANYTHING}
    if named - found.keys() or (ANYTHING not in expected and found.keys() - named):
        yield f"{at}: members {sorted(found)}"
    for name in named & found.keys():
        yield from differences(expected[name], found[name], known, f"{at}/{name}")


def _text(expected: str, found: str, known: Known, at: str) -> Iterator[str]:
    pattern = re.escape(expected).replace(ANYTHING, ".*")
    pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+?)", pattern)
    matched = re.fullmatch(pattern, found, re.DOTALL)
    if matched is None:
        yield f"{at}: {found!r}"
    else:
        known.values |= matched.groupdict()
