"""Whether the cloud may act at all: closed while what every act must leave cannot be left."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Gate:
    """While it is closed, every route but the question whether the process lives gives 503."""

    closed: bool = False
