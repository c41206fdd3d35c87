"""The table of routes, whole: each record of it, named or in a family."""

from __future__ import annotations

from keyin.cloud import routes
from keyin.cloud.routes import Route


def every_route() -> list[Route]:
    """Return every route that there may be, each once."""
    found: dict[Route, None] = {}
    for value in vars(routes).values():
        family = value if isinstance(value, tuple) else (value,)
        found |= dict.fromkeys(one for one in family if isinstance(one, Route))
    return list(found)
