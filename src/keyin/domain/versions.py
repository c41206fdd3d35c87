"""Version ranges, as far as solutions and devices use them: npm's comparators, `^`, `~`, `x`.

What cannot be read matches: a strange version must not take a solution away from a person.
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias

Version: TypeAlias = tuple[int, int, int]

_PART: Final = r"(0|[1-9][0-9]{0,8}|[xX*])"
_VERSION: Final = re.compile(rf"v?{_PART}(?:\.{_PART})?(?:\.{_PART})?(?:[-+][0-9A-Za-z.+-]*)?")
_COMPARATOR: Final = re.compile(r"(>=|<=|>|<|=|\^|~)?\s*([^\s<>=^~]\S*)")


def satisfies(version: str, wanted: str) -> bool:
    """Tell whether a version lies in a range; alternatives are separated by `||`."""
    parts = _parts(version)
    if parts is None or None in parts:
        return True
    found = _floor(parts)
    return any(_all(found, alternative) for alternative in wanted.split("||"))


def _all(found: Version, alternative: str) -> bool:
    low, hyphen, high = alternative.partition(" - ")
    comparators = f">={low.strip()} <={high.strip()}" if hyphen else alternative
    return all(_one(found, operator, text) for operator, text in _COMPARATOR.findall(comparators))


def _one(found: Version, operator: str, text: str) -> bool:
    parts = _parts(text)
    if parts is None:
        return True
    low = _floor(parts)
    if operator == ">=":
        return found >= low
    if operator == "<":
        return found < low
    high = _ceiling(parts, operator)
    if operator == ">":
        return found >= high
    return found < high and (operator == "<=" or found >= low)


def _parts(text: str) -> list[int | None] | None:
    match = _VERSION.fullmatch(text.strip())
    if match is None:
        return None
    return [int(part) if part and part.isdecimal() else None for part in match.groups()]


def _floor(parts: list[int | None]) -> Version:
    major, minor, patch = (part or 0 for part in parts)
    return major, minor, patch


def _ceiling(parts: list[int | None], operator: str) -> Version:
    """Give the first version that is above what the parts, under the operator, mean."""
    major, minor, patch = _floor(parts)
    if parts[0] is None:
        return 1 << 62, 0, 0
    widest = operator == "^" and major
    if parts[1] is None or widest:
        return major + 1, 0, 0
    if parts[2] is None or operator == "~" or (operator == "^" and minor):
        return major, minor + 1, 0
    return major, minor, patch + 1
