"""The OpenAPI 3.1 description: made from the table of routes and `cloud.api_words`, for operators.

Served on their listener alone: strangers learn nothing of which routes there are (P26). A refusal
of the edge or of HTTP itself (another host, a head that is too long) may come at any route.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from keyin.cloud import routes
from keyin.cloud.answers import JSON_BARE, Answer
from keyin.cloud.api_words import WORDS
from keyin.cloud.words import HTML, JSON, OF_PEOPLE, STRING, Words, an_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from keyin.cloud.routes import Route
    from keyin.cloud.words import Schema

ANYWHERE: Final = (400, 404, 414, 421, 431, 503)
WITH_BODY: Final = (408, 413, 415)
OF_ACCESS: Final = {
    "CLIENT": (400, 401, 429),
    "BEARER": (401, 403),
    "PREFERENCES": (401,),
    "OTHER_TOKEN": (401, 403),
    "REGISTRATION": (401, 429),
    "SESSION": (400, 403),
}
OF_PAGES: Final = (400, 403, 404, 408, 413, 415, 429, 503)
_SECURITY: Final[Mapping[str, object]] = {
    "CLIENT": [{"secret": []}, {}],
    "BEARER": [{"token": []}],
    "PREFERENCES": [{"preferences": []}],
    "OTHER_TOKEN": [{"token": []}],
    "REGISTRATION": [{"token": []}],
    "SESSION": [{"session": []}],
}
"""By its assertion or a secret in the form, a client comes without a header."""
_SCHEMES: Final = {
    "token": {"type": "http", "scheme": "bearer", "description": "`DPoP` where it is bound"},
    "secret": {"type": "http", "scheme": "basic"},
    "preferences": {"type": "http", "scheme": "bearer", "description": "the server's own secret"},
    "session": {"type": "apiKey", "in": "cookie", "name": "__Host-keyin-session"},
}
_REFUSED: Final[Schema] = {
    "oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in ("OAuth", "Our")]
}
_SCHEMAS: Final = {
    "OAuth": an_object({"error": STRING}, error_description=STRING),
    "Our": an_object({"isError": {"const": True}, "message": STRING}),
}
_CAPTURED: Final = re.compile(r"{(\w+)}")


def name_of(route: Route) -> str:
    """Name a route as its words are named."""
    return f"{route.method} {route.template}"


def description(public: Iterable[Route], *, server: str | None) -> Answer:
    """Describe what is switched on, and what operators ask."""
    paths: dict[str, dict[str, object]] = {}
    for route in dict.fromkeys((*public, *routes.OPERATORS)):
        paths.setdefault(route.template, {})[route.method.lower()] = _operation(route)
    content = {
        "openapi": "3.1.0",
        "info": {"title": "keyin cloud", "version": "1"},
        **({"servers": [{"url": server}]} if server else {}),
        "paths": paths,
        "components": {"securitySchemes": _SCHEMES, "schemas": _SCHEMAS},
    }
    return Answer(200, msgspec.json.encode(content), (JSON_BARE,))


def _operation(route: Route) -> dict[str, object]:
    words = WORDS.get(name_of(route), Words(summary=""))
    operation: dict[str, object] = {
        "operationId": re.sub(r"\W+", "_", name_of(route)).strip("_"),
        "summary": words.summary,
        "tags": [route.access.name.lower()],
        "parameters": [*_in_path(route), *_in_query(words)],
        "responses": _successes(words) | _refusals(route, words),
        "security": _SECURITY.get(route.access.name, []),
    }
    if words.takes is not None:
        content = {media: {"schema": words.takes} for media in words.media}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _in_path(route: Route) -> list[object]:
    schema = {"type": "string", "minLength": 1}
    return [
        {"name": name, "in": "path", "required": True, "schema": schema}
        for name in _CAPTURED.findall(route.template)
    ]


def _in_query(words: Words) -> list[object]:
    return [
        {"name": name, "in": "query", "required": must, "schema": STRING}
        for name, must in words.query.items()
    ]


def _successes(words: Words) -> dict[str, object]:
    return {
        str(status): _response(words.summary, None if status == 303 else words.as_, words.gives)  # noqa: PLR2004 - HTTP's See Other
        for status in words.ok
    }


def _refusals(route: Route, words: Words) -> dict[str, object]:
    found = {*ANYWHERE, *OF_ACCESS.get(route.access.name, ()), *words.refusals}
    if route.body_limit:
        found |= {*WITH_BODY}
    shown = {*OF_PAGES, *words.refusals} if words.as_ in OF_PEOPLE else set()
    return {str(status): _refusal(status, page=status in shown) for status in sorted(found | shown)}


def _refusal(status: int, *, page: bool) -> dict[str, object]:
    refused = _response(f"Refused with {status}", JSON, _REFUSED)
    if page:
        refused["content"] = {JSON: {"schema": _REFUSED}, HTML: {}}
    return refused


def _response(told: str, media: str | None, schema: Schema | None) -> dict[str, object]:
    if media is None:
        return {"description": told}
    return {"description": told, "content": {media: {"schema": schema} if schema else {}}}
