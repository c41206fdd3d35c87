"""References such as `${{environment}.HOME}` in a registry's texts (local-flow §5.10).

Who knows the environment or the key hands in a lookup; nothing is read here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from keyin.domain.absent import ABSENT
from keyin.domain.transforms.scalars import text

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyin.domain.absent import Absent, Value

Lookup: TypeAlias = "Callable[[str, str], Value | Absent]"
"""Takes a context and a path within it, either may be unknown: then it answers ABSENT."""

_REFERENCE: Final = re.compile(r"\$\{\{([^{}]*)\}\.?([^}]*)\}")


def resolve(material: Any, lookup: Lookup) -> Any:  # noqa: ANN401 - any JSON value
    """Replace the references in every text of a value.

    A text that is one reference becomes the value it names, of whatever type; several become one
    text. A text with a reference that cannot be resolved becomes ABSENT as a whole.
    """
    if isinstance(material, str):
        return _resolved(material, lookup)
    if isinstance(material, dict):
        return {name: resolve(member, lookup) for name, member in material.items()}
    if isinstance(material, list):
        return [resolve(element, lookup) for element in material]
    return material


def _resolved(written: str, lookup: Lookup) -> Value | Absent:
    whole = _REFERENCE.fullmatch(written)
    if whole is not None:
        return lookup(whole[1], whole[2])
    result, end = "", 0
    for reference in _REFERENCE.finditer(written):
        value = text(lookup(reference[1], reference[2]))
        if value is None:
            return ABSENT
        result += written[end : reference.start()] + value
        end = reference.end()
    return result + written[end:]
