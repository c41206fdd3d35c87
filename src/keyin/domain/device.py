"""What a computer says of itself: its operating system and the solutions installed on it.

Any JSON value is a report (cloud-wire §4.3): what is odd in it says nothing, and nothing raises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.domain.absent import Value


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """`os` is the platform name, if it was said; so are the versions of the solutions."""

    os: str | None
    solutions: Mapping[str, str | None]


def read_device(report: Value) -> Device:
    """Read `{"OS": {"id"}, "solutions": [{"id", "version"?}]}`, as far as it is that."""
    if not isinstance(report, dict):
        return Device(os=None, solutions={})
    system = report.get("OS")
    name = system.get("id") if isinstance(system, dict) else None
    reported = report.get("solutions")
    solutions = {
        solution["id"]: _text(solution.get("version"))
        for solution in (reported if isinstance(reported, list) else ())
        if isinstance(solution, dict) and isinstance(solution.get("id"), str)
    }
    return Device(os=_text(name), solutions=solutions)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
