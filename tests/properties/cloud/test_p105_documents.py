"""P105: what people and computers send is data: checked after the door, kept, never evaluated."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cloud_documents import COMMON, FREE, SECRET, preferences
from tests.cloud_process import Cloud, copied, serving
from tests.preferences_server import combined
from tests.shared_data import GPII_DATA, needs_shared
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATHS = ("/alice/settings", "/settings")
UNFIT: list[Any] = [
    preferences(stickyKeys="yes"),
    preferences(fontSize="12"),
    preferences(language="${jndi:ldap://x}"),
    {"contexts": {"another": {"preferences": {COMMON + "stickyKeys": 1}}}},
]
ODD: Any = {
    "contexts": {
        "gpii-default": {
            "preferences": {
                COMMON + "__class__": {"__reduce__": "cos\nsystem\n(S'id'\ntR."},
                COMMON
                + "template": "{{7*7}} ${7*7} <%= 7*7 %> !!python/object/apply:os.system [id]",
                "http://registry.gpii.net/applications/nobody": {"transform": {"type": "eval"}},
                "__proto__": {"polluted": True},
            },
            "unheard": {"$where": "sleep(1)"},
        }
    },
    "constructor": {"prototype": 1},
}


@pytest.fixture(scope="module")
def cloud(imported: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with serving(copied(imported, tmp_path_factory.mktemp("p105") / "data")) as running:
        yield running


def put(cloud: Cloud, path: str, document: object, token: str | None) -> Any:
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    return cloud.request("PUT", path, headers=headers, body=json.dumps(document))


def token(cloud: Cloud) -> str:
    issued: str = cloud.token("alice", (FREE, SECRET)).json["access_token"]
    return issued


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("document", UNFIT, ids=range(len(UNFIT)))
def test_p105_values_are_checked_after_authorisation(
    cloud: Cloud, path: str, document: object
) -> None:
    before = cloud.documents()
    strangers = [put(cloud, path, document, None), put(cloud, path, document, "wrong")]
    assert [reply.status for reply in strangers] == [401, 401]
    reply = put(cloud, path, document, token(cloud))
    assert (reply.status, reply.json["isValid"]) == (400, False)
    assert reply.json["message"] == "Your request was invalid.  See the errors for details."
    assert [error["dataPath"][0][: len(COMMON)] for error in reply.json["errors"]] == [COMMON]
    assert cloud.documents() == before


def test_p105_what_nobody_knows_is_kept_as_it_is_and_does_nothing(cloud: Cloud) -> None:
    assert put(cloud, "/alice/settings", ODD, token(cloud)).status == 200
    documents = {one["_id"]: one for one in cloud.documents()}
    kept = documents[documents["alice"]["prefsSafeId"]]["preferences"]["flat"]
    assert kept["constructor"] == ODD["constructor"]
    context, sent = kept["contexts"]["gpii-default"], ODD["contexts"]["gpii-default"]
    assert context["unheard"] == sent["unheard"]
    assert {name: context["preferences"][name] for name in sent["preferences"]} == sent[
        "preferences"
    ]
    reply = cloud.settings("alice", token(cloud), {"OS": {"id": "linux"}, "solutions": []})
    assert reply.json["preferences"]["contexts"]["gpii-default"]["preferences"] == {}
    assert b"49" not in reply.body


@needs_shared
def test_p105_the_settings_of_known_applications_are_those_of_the_registries(
    imported: Path, tmp_path: Path
) -> None:
    data = copied(imported, tmp_path / "data")
    done = run("cloud", "import", "--data", data, "--solutions", GPII_DATA / "solutions")
    assert done.returncode == 0, done.stderr
    office = "http://registry.gpii.net/applications/com.microsoft.office"
    with serving(data) as cloud:
        for context in ("gpii-default", "another"):
            for path in PATHS:
                unknown = {"contexts": {context: {"preferences": {office: {"nope": 1}}}}}
                reply = put(cloud, path, unknown, token(cloud))
                assert (reply.status, reply.json["errors"][0]["dataPath"]) == (400, [office])
                known = {"contexts": {context: {"preferences": {office: {"word-ribbon": "x"}}}}}
                assert put(cloud, path, known, token(cloud)).status in (200, 400)


VIEWS = ("flat", "ISO24751", "apptology", "bogus", "__proto__")
PLACES = st.sampled_from(
    [
        COMMON + "fontSize", "http://registry.gpii.net/applications/org.alsa-project", "display",
        "screenEnhancement", "fontSize", "applications", "org.alsa-project", "parameters", "id",
        "control", "slowKeys", "0", "", "a.b",
    ]
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.sampled_from([12, "x", "*", "control.*"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PLACES, inner, max_size=4),
    max_leaves=12,
)
ENTRIES = st.lists(
    VALUES
    | st.fixed_dictionaries(
        {"type": st.sampled_from(["priority", "required"]), "scope": st.lists(VALUES, max_size=3)}
    ),
    max_size=3,
)
SETS = st.dictionaries(
    st.sampled_from(["gpii-default", "night"]),
    st.fixed_dictionaries(
        {"preferences": st.dictionaries(PLACES, VALUES, max_size=4)},
        optional={"metadata": ENTRIES | VALUES, "priority": VALUES, "name": st.just("n")},
    ),
    max_size=2,
)
SENT = st.fixed_dictionaries({"contexts": SETS}, optional={"metadata": ENTRIES, "name": VALUES})


def test_p105_any_document_in_any_ontology_has_an_answer(tmp_path: Path) -> None:
    """One key is written to again and again, in every ontology, and stays readable in each."""
    with combined(tmp_path / "data") as clouds:

        @settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(sent=SENT, view=st.sampled_from(VIEWS), merge=st.sampled_from(["true", "false"]))
        def holds(sent: Any, view: str, merge: str) -> None:
            path = f"/preferences/somebody?view={view}&merge={merge}"
            headers = {"Content-Type": "application/json"}
            reply = clouds.prefer("PUT", path, headers=headers, body=json.dumps(sent))
            assert reply.status in {200, 400}, reply.body
            if reply.status == 200:
                assert reply.json == {"gpiiKey": "somebody", "preferences": sent}
            for ontology in VIEWS:
                seen = clouds.prefer("GET", f"/preferences/somebody?view={ontology}")
                assert seen.status in {200, 404}, seen.body
                if seen.status == 200:
                    assert isinstance(seen.json["contexts"], dict)

        holds()
        assert "internal_error" not in clouds.public.process.output
        assert clouds.prefer("GET", "/preferences/somebody").status == 200
