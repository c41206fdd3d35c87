"""Lends the real `GSettings` role to a test in another process: JSON lines in, JSON lines out."""

from __future__ import annotations

import json
import sys
from typing import Any

from keyin.domain.absent import ABSENT, Absent
from keyin.domain.errors import HandlerFailed
from keyin.handlers.host_gsettings import HostGSettings

_ABSENT = {"$absent": True}


def dump(value: object) -> Any:
    """Make a JSON value of what a role takes or gives."""
    if isinstance(value, Absent):
        return _ABSENT
    if isinstance(value, frozenset):
        return {"$set": sorted(value)}
    if isinstance(value, dict) and value != _ABSENT:
        return {name: dump(member) for name, member in value.items()}
    return value


def load(value: Any) -> Any:
    """Undo `dump`."""
    if value == _ABSENT:
        return ABSENT
    if isinstance(value, dict) and "$set" in value:
        return frozenset(value["$set"])
    if isinstance(value, dict):
        return {name: load(member) for name, member in value.items()}
    return value


def main() -> None:
    """Answer until the input ends."""
    real = HostGSettings()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            result = getattr(real, request["op"])(*(load(value) for value in request["args"]))
            answer = {"result": dump(result)}
        except HandlerFailed as exc:
            answer = {"failed": exc.message}
        print(json.dumps(answer), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
