"""Makes any JSON value, for tests of what must bear anything that people or programs store."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from keyin.domain.ontology import APPLICATIONS, COMMON

_NAMES = [
    *("contexts", "gpii-default", "preferences", "metadata", "type", "priority", "scope", "value"),
    *("OS", "id", "version", "solutions", "linux", "transform", "literalValue", "a", "b", "0", ""),
    *(COMMON + "fontSize", COMMON + "magnification", APPLICATIONS + "org.gnome.orca"),
]


def json_scalars() -> st.SearchStrategy[Any]:
    """Make nulls, booleans, numbers of any size, texts; names that mean something among them."""
    numbers = st.integers() | st.floats(allow_nan=True) | st.just(10**400)
    return st.none() | st.booleans() | numbers | st.text(max_size=8) | st.sampled_from(_NAMES)


def json_values(*, leaves: int = 12) -> st.SearchStrategy[Any]:
    """Make JSON values of any shape, whose members often have names that mean something."""
    names = st.sampled_from(_NAMES) | st.text(max_size=4)
    return st.recursive(
        json_scalars(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=5),
        max_leaves=leaves,
    )
