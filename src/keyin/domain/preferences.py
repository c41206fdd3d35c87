"""Preference documents in the flat ontology, read as people and programs left them.

A document is `{name?, contexts: {<set>: {preferences: {<URI>: value}, metadata?: [...]}}}`. Stored
ones hold every odd shape there is; here what is odd counts as empty, and nothing raises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from keyin.domain.absent import Value

DEFAULT_SET: Final = "gpii-default"
"""The set that is active until a person chooses another."""


class PreferenceSet(msgspec.Struct, frozen=True):
    """One named block of preferences. The parts are shared with the document: do not change."""

    name: str
    preferences: Mapping[str, Any]
    metadata: Sequence[Any]


def preference_sets(document: Value) -> Iterator[PreferenceSet]:
    """Go through the sets in the document's order; an odd one is an empty one."""
    contexts = document.get("contexts") if isinstance(document, dict) else None
    for name, context in contexts.items() if isinstance(contexts, dict) else ():
        if not isinstance(context, dict):
            yield PreferenceSet(name, {}, ())
            continue
        preferences, metadata = context.get("preferences"), context.get("metadata")
        yield PreferenceSet(
            name,
            preferences if isinstance(preferences, dict) else {},
            metadata if isinstance(metadata, list) else (),
        )
