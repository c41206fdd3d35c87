"""The shape of a route's words, and the JSON Schemas that many of them share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.domain.absent import Value

    Schema = dict[str, Value]

FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"
HTML: Final = "text/html"
TEXT: Final = "text/plain"
ENROLMENT_FILE: Final = "application/vnd.keyin.enrolment+json"
PICTURE: Final = "image/png"
OF_PEOPLE: Final = frozenset({HTML, ENROLMENT_FILE, PICTURE})
"""What a browser gets; where it does not, it gets a page."""


def text(*only: str) -> Schema:
    """Return the schema of a string, one of a few if they are named."""
    return {"type": "string", **({"enum": [*only]} if only else {})}


def an_object(required: Mapping[str, Schema], **optional: Schema) -> Schema:
    """Return the schema of an object; other members may stand beside."""
    return {
        "type": "object",
        "required": [*required],
        "properties": {**required, **optional},
    }


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """One route: a heading, and what differs from others of its kind."""

    summary: str
    takes: Schema | None = None
    media: tuple[str, ...] = (FORM,)
    """Of what it takes."""
    query: Mapping[str, bool] = msgspec.field(default_factory=dict)
    """Parameters after the `?`: whether one must be there."""
    gives: Schema | None = None
    """Of a success in JSON; None: nothing, or no JSON."""
    as_: str | None = JSON
    """The media type of a success; None: it has no body."""
    ok: tuple[int, ...] = (200,)
    refusals: tuple[int, ...] = ()
    """Besides those of its kind."""


STRING: Final = text()
SECONDS: Final[Schema] = {"type": "integer", "minimum": 0}
YES_OR_NO: Final[Schema] = {"type": "boolean"}
STRINGS: Final[Schema] = {"type": "array", "items": STRING}
ANY: Final[Schema] = {"type": "object"}
PROOF: Final = {"form_proof": STRING}
ASKED_OF_A_PERSON: Final = (
    "client_id",
    "response_type",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "dpop_jkt",
)
