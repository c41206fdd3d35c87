"""P19: after any document, in either layout, nothing has changed but what the list names."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cloud_documents import (
    COMMON,
    FONT_SIZE,
    LANGUAGE,
    LISTED,
    SECRET,
    everything,
    key,
    safe,
)
from tests.cloud_process import import_documents
from tests.preferences_server import Clouds, combined, split
from tests.properties.cloud.test_p19_fuzz import (
    MEMBERS,
    STORED,
    TERMS,
    VALUES,
    without_what_is_listed,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EXAMPLES = 150
APPLICATION = "http://registry.gpii.net/applications/net.keyin.sample.reader"
NAMES = st.sampled_from([*TERMS, APPLICATION, COMMON + "unheardOf"]) | st.text(max_size=4)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["de-DE", LANGUAGE, ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
LISTED_TERM = st.just({LANGUAGE: VALUES[LANGUAGE]})
FITTING = st.sampled_from([{name: value} for name, value in VALUES.items()])
PREFERENCES = st.lists(
    LISTED_TERM | LISTED_TERM | FITTING | st.dictionaries(NAMES, ANYTHING, max_size=2), max_size=3
).map(lambda parts: {name: value for part in parts for name, value in part.items()})
MORE = st.dictionaries(
    st.sampled_from([*MEMBERS, "priority", FONT_SIZE]) | st.text(max_size=4), ANYTHING, max_size=1
)
CONTEXT = st.builds(
    lambda told, more: {**more, "preferences": told}, PREFERENCES, MORE
) | st.builds(lambda told: {"preferences": told}, PREFERENCES)
CONTEXTS = st.dictionaries(
    st.sampled_from(["gpii-default", "night", "new", "", "__proto__", "flat"]),
    CONTEXT | CONTEXT | CONTEXT | ANYTHING,
    max_size=3,
)
DOCUMENTS = (
    st.builds(lambda contexts: {"contexts": contexts}, CONTEXTS)
    | st.builds(lambda contexts, more: {**more, "contexts": contexts}, CONTEXTS, MORE)
    | ANYTHING
)


@contextmanager
def layout(name: str, folder: Path) -> Iterator[Clouds]:
    documents = [*everything(), key("carol"), safe("carol", STORED)]
    import_documents(folder / "data", documents)
    if name == "combined":
        with combined(folder / "data") as clouds:
            yield clouds
        return
    import_documents(folder / "preferences", documents)
    with split(folder / "data", folder / "preferences") as clouds:
        yield clouds


@pytest.mark.parametrize("name", ["combined", "split"])
def test_p19_no_document_changes_what_is_not_listed(name: str, tmp_path: Path) -> None:
    with layout(name, tmp_path) as clouds:
        token = clouds.public.token("carol", (LISTED, SECRET)).json["access_token"]
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        answers: dict[int, int] = {}

        @settings(
            max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        )
        @given(document=DOCUMENTS)
        def holds(document: Any) -> None:
            body = json.dumps(document)
            reply = clouds.public.request("PUT", "/carol/settings", headers=headers, body=body)
            answers[reply.status] = answers.get(reply.status, 0) + 1
            assert reply.status in {200, 400, 401}, reply.body
            kept = clouds.prefer("GET", "/preferences/carol").json
            assert without_what_is_listed(kept) == without_what_is_listed(STORED)

        holds()
        assert min(answers.get(status, 0) for status in (200, 400, 401)) >= EXAMPLES // 25, answers
